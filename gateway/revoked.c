/* SPDX-License-Identifier: MIT
 *
 * The set has two generations: an id is put into the young one, and what is only in the old one is
 * forgotten when that is older than any token can be. No timer per id, no scan.
 */
#include "gateway/revoked.h"

#include <pthread.h>

#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/wire/bus.h"
#include "shared/wire/json.h"

/* What both the event and the answer to "since when" say; the latter also where to go on. */
struct gone {
    struct list session_ids;
    int64_t until;
    bool has_more;
};
static const struct field gone_fields[] = {
    F_IDS(gone, session_ids, RANGE(0, 1000000)),
    F_TIME(gone, until, OPTIONAL),
    F_BOOL(gone, has_more, OPTIONAL),
};
static SHAPE(gone);

struct revoked {
    struct gateway *gateway;
    struct bus_sub *events;
    pthread_mutex_t lock; /* guards what follows */
    struct map young;
    struct map old;
    int64_t turned_us;
    int64_t since_us; /* UTC, as auth said it: what to ask for next; 0: from the beginning */
    bool is_loaded;
    identity_gone_fn *fn;
    void *arg;
};

static void turn_generations(struct revoked *r)
{
    int64_t keep_us = r->gateway->settings->revoked_keep_s * 1000000;
    if (mono_us() - r->turned_us < keep_us)
        return;
    map_done(&r->old);
    r->old = r->young;
    r->young = (struct map){0};
    r->turned_us = mono_us();
}

static void add(struct revoked *r, snowflake session)
{
    pthread_mutex_lock(&r->lock);
    turn_generations(r);
    /* The map wants a value; being there is all it says. */
    bool is_new = map_put(&r->young, session, r) == NULL && map_get(&r->old, session) == NULL;
    identity_gone_fn *fn = r->fn;
    void *arg = r->arg;
    pthread_mutex_unlock(&r->lock);
    if (is_new && fn != NULL)
        fn(arg, session);
}

static enum err add_all(struct revoked *r, const struct ask_answer *answer, struct gone *ret)
{
    auto_arena struct arena arena = {0};
    TRY(ask_decode(&gone_shape, answer, &arena, ret));
    for (size_t i = 0; i < ret->session_ids.count; i++)
        add(r, *LIST_AT(&ret->session_ids, snowflake, i));
    return OK;
}

static void on_event(void *arg, natsMsg *msg)
{
    struct gone gone = {0};
    struct ask_answer event = {.body = natsMsg_GetData(msg),
                               .len = (size_t)natsMsg_GetDataLength(msg)};
    if (add_all(arg, &event, &gone) != OK)
        LOG(ERROR, "revoked.unreadable", KV("bytes", (int64_t)event.len));
    bus_msg_free(msg);
}

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    struct revoked *r = arg;
    struct gone gone = {0};
    struct ask_answer answer;
    bool has_more = false;
    ask_read(e, msg, &answer);
    if (answer.err == OK && add_all(r, &answer, &gone) == OK) {
        pthread_mutex_lock(&r->lock);
        has_more = gone.has_more && gone.until > r->since_us;
        r->since_us = gone.until;
        r->is_loaded |= !gone.has_more; /* all there was at the start; what is new is pushed too */
        pthread_mutex_unlock(&r->lock);
    }
    bus_msg_free(msg);
    if (has_more)
        revoked_ask(r);
}

void revoked_ask(struct revoked *r)
{
    pthread_mutex_lock(&r->lock);
    int64_t since_us = r->since_us;
    pthread_mutex_unlock(&r->lock);

    char text[TIME_TEXT_SIZE];
    char json[64] = "{}";
    time_format_rfc3339(since_us, text);
    if (since_us != 0)
        snprintf(json, sizeof(json), "{\"since\":\"%s\"}", text);
    ask_start(r->gateway->bus, "rpc.auth.session.revoked", json, on_answer, r);
}

enum err revoked_open(struct gateway *g, struct revoked **ret)
{
    struct revoked *r = heap_alloc(sizeof(*r));
    r->gateway = g;
    r->turned_us = mono_us();
    pthread_mutex_init(&r->lock, NULL);
    enum err e = bus_hear(g->bus, "evt.v1.*.i.*.session.revoke", NULL, on_event, r, &r->events);
    if (e != OK) {
        revoked_close(r);
        return e;
    }
    *ret = r;
    return OK;
}

void revoked_stop(struct revoked *r)
{
    bus_unhear(r->events);
    r->events = NULL;
}

void revoked_close(struct revoked *r)
{
    if (r == NULL)
        return;
    map_done(&r->young);
    map_done(&r->old);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

bool revoked_has(struct revoked *r, snowflake session)
{
    pthread_mutex_lock(&r->lock);
    bool has = map_get(&r->young, session) != NULL || map_get(&r->old, session) != NULL;
    pthread_mutex_unlock(&r->lock);
    return has;
}

void revoked_listen(struct revoked *r, identity_gone_fn *fn, void *arg)
{
    pthread_mutex_lock(&r->lock);
    r->fn = fn;
    r->arg = arg;
    pthread_mutex_unlock(&r->lock);
}

bool revoked_is_loaded(struct revoked *r)
{
    pthread_mutex_lock(&r->lock);
    bool is_loaded = r->is_loaded;
    pthread_mutex_unlock(&r->lock);
    return is_loaded;
}
