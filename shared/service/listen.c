/* SPDX-License-Identifier: MIT
 *
 * Durable consumers. An event is acknowledged after the COMMIT of its handler, so a crash in
 * between shows it again: that is why handlers are idempotent. One that can never succeed must not
 * block those behind it: it is logged as an error and acknowledged.
 */
#include "shared/service/listen.h"

#include <pthread.h>
#include <string.h>

#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/thread.h"
#include "shared/service/metrics.h"
#include "shared/service/transact.h"
#include "shared/wire/json.h"

enum { FETCH_MAX = 32, FETCH_MS = 1000, RETRY_MS = 500 };

static const char *const patterns[] = {
    [AUDIENCE_CHANNEL] = "evt.v1.*.s.*.c.*.%s",
    [AUDIENCE_SERVER] = "evt.v1.*.s.*.%s",
    [AUDIENCE_USER] = "evt.v1.*.u.*.%s",
    [AUDIENCE_INSTANCE] = "evt.v1.*.i.*.%s",
};

void listen_subject(enum event_id ev, char out[LISTEN_SUBJECT_SIZE])
{
    const char *pattern = patterns[event_types[ev].audience];
    const char *hole = strchr(pattern, '%');
    snprintf(out, LISTEN_SUBJECT_SIZE, "%.*s%s", (int)(hole - pattern), pattern,
             event_types[ev].name);
}

/* ---- one event ---- */

struct heard {
    const struct listen *hears;
    const void *payload;
    const char *id;
};

static enum err heard_work(struct req *rq, void *arg)
{
    const struct heard *h = arg;
    return h->hears->call(rq, h->payload, h->id);
}

/* The application is the third token of evt.v1.<app>.… */
static snowflake app_of(const char *subject)
{
    static const char head[] = "evt.v1.";
    snowflake app = 0;
    if (strncmp(subject, head, sizeof(head) - 1) != 0)
        return 0;
    const char *text = subject + sizeof(head) - 1;
    return snowflake_parse_n(text, strcspn(text, "."), &app) ? app : 0;
}

static const char *head_of(natsMsg *msg, const char *name)
{
    const char *value = NULL;
    return natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : NULL;
}

static enum err decode(const struct listen *hears, natsMsg *msg, struct req *rq, void *payload)
{
    auto_json json_t *body = NULL;
    const char *why = NULL;
    size_t len = (size_t)natsMsg_GetDataLength(msg);
    if (json_read_object(&rq->arena, natsMsg_GetData(msg), len, &body, &why) != OK)
        return fail(rq, ERR_INVALID_FORM, "%s", why);
    if (shape_decode_entity(hears->shape, body, &rq->arena, payload) != OK)
        return fail(rq, ERR_INVALID_FORM, "is no %s", hears->shape->name);
    return OK;
}

enum err listen_handle(const struct runtime *rt, const struct listen *hears, natsMsg *msg,
                       struct req *rq)
{
    struct caller from = {.app = app_of(natsMsg_GetSubject(msg)), .request_id = ""};
    from.trace = head_of(msg, "traceparent");
    rq->from = &from;
    rq->app = from.app;
    rq->subject = event_types[hears->event].name;
    struct heard h = {.hears = hears, .id = head_of(msg, "ce-id")};
    void *payload = arena_alloc(&rq->arena, hears->shape->size);
    h.payload = payload;
    enum err e = h.id == NULL ? ERR_INVALID_FORM : decode(hears, msg, rq, payload);
    if (e == OK)
        e = transact(rq, heard_work, &h);
    runtime_publish(rt, rq);
    metric_add(METRIC_events_heard_total, hears->event, (size_t)e, 1);
    if (e != OK)
        LOG(WARN, "event.failed", KV("event", rq->subject), KV("handler", hears->name),
            KV("id", h.id), KV("err", err_name(e)), KV("detail", rq->detail));
    return e;
}

/* ---- the threads ---- */

struct listener {
    struct listeners *all;
    const struct listen *hears;
    pthread_t thread;
    struct bus_consumer *consumer;
};

struct listeners {
    const struct runtime *rt;
    struct stopper stopper;
    pthread_mutex_t turn; /* guards db and arena */
    struct db *db;
    struct arena arena;
    size_t count;
    struct listener v[];
};

static enum err take_turn(struct listener *l, natsMsg *msg)
{
    struct listeners *all = l->all;
    struct req rq;
    pthread_mutex_lock(&all->turn);
    runtime_req(all->rt, all->db, &rq);
    rq.arena = all->arena;
    enum err e = listen_handle(all->rt, l->hears, msg, &rq);
    all->arena = rq.arena;
    arena_reset(&all->arena);
    buf_done(&rq.reply);
    pthread_mutex_unlock(&all->turn);
    return e;
}

/* While a dependency is away every event fails; none of that is the event's fault. */
static bool is_hopeless(enum err e, natsMsg *msg)
{
    if (e == ERR_INVALID_FORM)
        return true;
    return e != ERR_UNAVAILABLE && e != ERR_TIMEOUT && bus_deliveries(msg) >= LISTEN_TRIES;
}

static void handle_one(struct listener *l, natsMsg *msg)
{
    enum err e = take_turn(l, msg);
    if (e != OK && is_hopeless(e, msg))
        LOG(ERROR, "event.dropped", KV("handler", l->hears->name),
            KV("event", event_types[l->hears->event].name), KV("err", err_name(e)),
            KV("id", head_of(msg, "ce-id")));
    else if (e != OK) {
        bus_nak(msg);
        return;
    }
    bus_ack(msg);
}

static enum err listen_turn(struct listener *l)
{
    natsMsg *msgs[FETCH_MAX];
    int count = 0;
    TRY(bus_consumer_fetch(l->consumer, msgs, FETCH_MAX, FETCH_MS, &count));
    for (int i = 0; i < count; i++) {
        handle_one(l, msgs[i]);
        bus_msg_free(msgs[i]);
    }
    return OK;
}

static void *listener_main(void *arg)
{
    struct listener *l = arg;
    int wait_ms = 0;
    while (!stopper_wait(&l->all->stopper, wait_ms))
        wait_ms = listen_turn(l) == OK ? 0 : RETRY_MS;
    return NULL;
}

static void listener_start(struct listener *l)
{
    const struct service *s = l->all->rt->service;
    char durable[LISTEN_SUBJECT_SIZE];
    char filter[LISTEN_SUBJECT_SIZE];
    snprintf(durable, sizeof(durable), "%s_%s", s->subject, l->hears->name);
    listen_subject(l->hears->event, filter);
    if (bus_consumer_open(l->all->rt->bus, durable, filter, &l->consumer) != OK)
        die("consumer %s cannot be opened", durable);
    thread_start(&l->thread, listener_main, l);
}

static bool is_durable(const struct listen *l)
{
    return event_types[l->event].keeping == DURABLE;
}

struct listeners *listeners_start(const struct runtime *rt)
{
    size_t count = 0;
    for (const struct listen *h = rt->service->hears; h != NULL && h->call != NULL; h++)
        count += is_durable(h);
    struct listeners *ls = heap_alloc(sizeof(*ls) + count * sizeof(ls->v[0]));
    ls->rt = rt;
    ls->db = runtime_db(rt);
    stopper_init(&ls->stopper);
    pthread_mutex_init(&ls->turn, NULL);
    for (const struct listen *h = rt->service->hears; h != NULL && h->call != NULL; h++) {
        if (!is_durable(h))
            continue;
        struct listener *l = &ls->v[ls->count++];
        l->all = ls;
        l->hears = h;
        listener_start(l);
    }
    return ls;
}

void listeners_stop(struct listeners *ls)
{
    stopper_stop(&ls->stopper);
    for (size_t i = 0; i < ls->count; i++) {
        pthread_join(ls->v[i].thread, NULL);
        bus_consumer_close(ls->v[i].consumer);
    }
    arena_release(&ls->arena);
    db_free(ls->db);
    stopper_done(&ls->stopper);
    pthread_mutex_destroy(&ls->turn);
    free(ls);
}
