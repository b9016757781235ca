/* SPDX-License-Identifier: MIT
 *
 * The few lines every thread of a service shares.
 */
#include "shared/service/runtime.h"

#include "shared/base/clock.h"
#include "shared/base/log.h"

enum { OWN_DEADLINE_US = 30 * 1000 * 1000 };

bool runtime_has(const struct runtime *rt, enum service_needs need)
{
    return (rt->service->needs & (unsigned)need) != 0;
}

struct db *runtime_db(const struct runtime *rt)
{
    return runtime_has(rt, NEEDS_DB) ? db_new(&rt->db) : NULL;
}

void runtime_req(const struct runtime *rt, struct db *db, struct req *rq)
{
    static const struct caller nobody = {.request_id = ""};
    *rq = (struct req){
        .from = &nobody,
        .db = db,
        .bus = rt->bus,
        .cache = rt->cache,
        .state = rt->state,
        .deadline_us = mono_us() + OWN_DEADLINE_US,
    };
}

/* Newest first is how they are linked, oldest first how they go out. */
static void publish_fleeting(const struct runtime *rt, const struct event *ev)
{
    if (ev == NULL)
        return;
    publish_fleeting(rt, ev->next);
    const struct event_type *type = &event_types[ev->type];
    if (type->keeping == DURABLE)
        LOG(ERROR, "event.homeless", KV("event", type->name));
    else if (bus_publish_events(rt->bus, rt->source, &ev, 1) != OK)
        LOG(DEBUG, "event.gone", KV("event", type->name));
}

void runtime_publish(const struct runtime *rt, const struct req *rq)
{
    if (rq->events == NULL)
        return;
    if (rt->outbox != NULL)
        outbox_publish(rt->outbox, rq, rq->outbox_row);
    else
        publish_fleeting(rt, rq->events);
}
