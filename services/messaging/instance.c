/* SPDX-License-Identifier: MIT */
/* What auth says of the whole instance and every message depends on: read-only, slow mode. Asked
 * before the first request, heard from the bus at once, asked for now and then in case that was
 * missed. Until it has been said nobody may post; all else goes on. */

#include "services/messaging/messaging.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/wire/bus.h"
#include "shared/wire/json.h"

enum {
    ASK_US = 2000000,
    PATIENCE_US = 5000000, /* with auth at the start: reading needs no settings */
};

struct instance_copy {
    bool read_only;
    int64_t slow_mode;
};
static const struct field instance_copy_fields[] = {
    F_BOOL(instance_copy, read_only),
    F_INT(instance_copy, slow_mode),
};
static SHAPE(instance_copy);

static void take(struct messaging *m, natsMsg *msg)
{
    auto_arena struct arena arena = {0};
    auto_json json_t *body = NULL;
    const char *why;
    struct instance_copy copy = {0};
    if (json_read_object(&arena, natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), &body,
                         &why) != OK ||
        shape_decode_entity(&instance_copy_shape, body, &arena, &copy) != OK) {
        LOG(WARN, "instance.unreadable", KV("subject", natsMsg_GetSubject(msg)));
        return;
    }
    atomic_store(&m->is_read_only, copy.read_only);
    atomic_store(&m->slow_mode_s, copy.slow_mode);
    atomic_store(&m->is_instance_known, true);
}

void instance_heard(void *arg, natsMsg *msg)
{
    auto_msg natsMsg *owned = msg;
    take(arg, owned);
}

static void answered(void *arg, enum err e, natsMsg *msg)
{
    auto_msg natsMsg *owned = msg;
    const char *problem = NULL;
    if (e == OK && natsMsgHeader_Get(owned, "Parley-Error", &problem) != NATS_OK)
        take(arg, owned);
}

void instance_ask(struct messaging *m, struct bus *bus)
{
    struct bus_out out = {.subject = "rpc.auth.instance.settings"};
    /* Whoever does not answer is asked again by the job. */
    if (bus_ask(bus, &out, mono_us() + ASK_US, answered, m) != OK)
        LOG(DEBUG, "instance.unasked");
}

/* In a transaction, where nobody is waited for: it is tried again until the answer has come. */
enum err instance_prepare(struct req *rq)
{
    struct messaging *m = messaging_of(rq);
    if (atomic_load(&m->is_instance_known) || mono_us() - m->began_us > PATIENCE_US)
        return OK;
    instance_ask(m, rq->bus);
    return fail(rq, ERR_UNAVAILABLE, "auth has not answered yet");
}

enum err instance_check(struct req *rq)
{
    struct messaging *m = messaging_of(rq);
    if (rq->from->is_admin)
        return OK;
    if (!atomic_load(&m->is_instance_known)) {
        instance_ask(m, rq->bus);
        return fail(rq, ERR_UNAVAILABLE, "auth has not said yet whether the instance is read-only");
    }
    return atomic_load(&m->is_read_only) ? ERR_READ_ONLY : OK;
}
