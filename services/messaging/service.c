/* SPDX-License-Identifier: MIT */
/* The service as the runner sees it: settings, what its constraints mean to clients, what it hears,
 * its jobs, and what one process keeps in memory. */

#include "services/messaging/messaging.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/wire/bus.h"

#include <stdlib.h>
#include <string.h>

enum { PURGE_EVERY_S = 30, INSTANCE_EVERY_S = 30 };

#define SETTING(member, kind) CONF(messaging_settings, member, kind)
/* clang-format off */
static const struct conf_key messaging_keys[] = {
    {"MEDIA_SECRET",   SETTING(media_secret, STR),   NULL, CONF_REQUIRED | CONF_SECRET, "signs uploads and links to files; the same for media", 0, 0},
    {"TOMBSTONE_DAYS", SETTING(tombstone_days, INT), "30", 0, "days after which the content of deleted messages is removed for good", 0, 3650},
};
/* clang-format on */

static const struct db_constraint constraints[] = {
    {"members_user",  ERR_UNKNOWN_USER},
    {"servers_owner", ERR_UNKNOWN_USER},
    {"members_pkey",  ERR_CONFLICT    },
    {"channels_flat", ERR_INVALID_FORM},
    {NULL,            OK              },
};

static const struct listen hears[] = {
    {EV_USER_CREATE, "users",   user_heard, &user_copy_shape},
    {EV_USER_UPDATE, "renames", user_heard, &user_copy_shape},
    {EVENT_COUNT,    NULL,      NULL,       NULL            },
};

/* Jobs run in a transaction, where nobody else is asked and waited for: the answer comes by itself.
 */
static enum err instance_ask_again(struct req *rq)
{
    instance_ask(messaging_of(rq), rq->bus);
    return OK;
}

static const struct job jobs[] = {
    {"purge",    PURGE_EVERY_S,    JOB_ONE,  purge             },
    {"instance", INSTANCE_EVERY_S, JOB_EACH, instance_ask_again},
    {NULL,       0,                JOB_ONE,  NULL              },
};

/* evt.v1.<app>.s.<server>.<noun>.<verb>: something of the server's structure changed. */
static void structure_heard(void *arg, natsMsg *msg)
{
    auto_msg natsMsg *owned = msg;
    const struct messaging *m = arg;
    const char *at = strstr(natsMsg_GetSubject(owned), ".s.");
    snowflake server_id;
    if (at != NULL && snowflake_parse_n(at + 3, strcspn(at + 3, "."), &server_id))
        rights_forget(m->rights, server_id);
}

static enum err hear_all(struct messaging *m, struct bus *bus)
{
    static const struct {
        const char *subject;
        bus_hear_fn *fn;
    } rows[MESSAGING_SUBS] = {
        {"evt.v1.*.s.*.server.*",        structure_heard},
        {"evt.v1.*.s.*.channel.*",       structure_heard},
        {"evt.v1.*.s.*.role.*",          structure_heard},
        {"evt.v1.*.s.*.member.*",        structure_heard},
        {"evt.v1.*.i.*.instance.update", instance_heard },
    };
    for (size_t i = 0; i < MESSAGING_SUBS; i++)
        TRY(bus_hear(bus, rows[i].subject, NULL, rows[i].fn, m, &m->subs[i]));
    return OK;
}

struct messaging *messaging_new(const struct messaging_settings *settings)
{
    struct messaging *m = heap_alloc(sizeof(*m));
    m->settings = settings;
    m->began_us = mono_us();
    m->rights = rights_cache_new();
    return m;
}

void messaging_free(struct messaging *m)
{
    for (size_t i = 0; i < MESSAGING_SUBS; i++)
        bus_unhear(m->subs[i]);
    rights_cache_free(m->rights);
    free(m);
}

static enum err start(const struct service_run *run, void **ret_state)
{
    struct messaging *m = messaging_new(run->settings);
    *ret_state = m;
    instance_ask(m, run->bus);
    return hear_all(m, run->bus);
}

static void stop(void *state)
{
    messaging_free(state);
}

const struct service messaging_service = {
    .name = "messaging",
    .subject = "messaging",
    .api = &messaging_api,
    .hears = hears,
    .jobs = jobs,
    .authorise = rights_authorise,
    .constraints = constraints,
    .needs = NEEDS_DB | NEEDS_IDS,
    .keys = messaging_keys,
    .key_count = ARRAY_LEN(messaging_keys),
    .settings_size = sizeof(struct messaging_settings),
    .start = start,
    .prepare = instance_prepare,
    .stop = stop,
};
