/* SPDX-License-Identifier: MIT
 *
 * The bus side of the contract. Every request heard is answered exactly once: by its worker, by its
 * batch, or here when it is refused; only one whose caller has given up is dropped.
 */
#include "shared/service/dispatch.h"

#include <pthread.h>
#include <string.h>

#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/ring.h"
#include "shared/base/thread.h"
#include "shared/service/batch.h"
#include "shared/service/inbound.h"
#include "shared/service/listen.h"
#include "shared/service/metrics.h"
#include "shared/wire/json.h"

enum { POP_MS = 1000, REFUSED_RETRY_MS = 1000, DRAIN_MS = 3000, HEARS_MAX = 16 };

static const char PREFIX[] = "rpc.";

struct worker {
    struct dispatch *d;
    pthread_t thread;
    struct db *db;
    struct arena arena;
    struct buf reply;
};

struct fleeting {
    struct dispatch *d;
    const struct listen *hears;
    struct bus_sub *sub;
};

struct dispatch {
    const struct runtime *rt;
    const struct rpc **by_subject; /* sorted */
    size_t row_count;
    struct ring *ring;
    struct writers *writers;
    struct bus_sub *sub;
    struct fleeting fleeting[HEARS_MAX];
    size_t fleeting_count;
    size_t worker_count;
    struct worker workers[];
};

/* ---- one worker ---- */

static void serve_request(struct worker *w, struct inbound *in)
{
    const struct runtime *rt = w->d->rt;
    auto_json json_t *body = NULL;
    auto_json json_t *params = NULL;
    struct caller from = {0};
    struct req rq = {.arena = w->arena, .reply = w->reply};
    if (inbound_open(rt, in, w->db, &rq, &from)) {
        enum err e = inbound_read(in, &rq, &body, &params);
        if (e == OK)
            e = rpc_call(in->rpc, rt->may, &rq, body, params);
        /* Durable events are numbered, so the caller need not wait for them. Fleeting ones have no
         * order but that of publishing: what the caller does after the answer must come later. */
        bool is_numbered = rt->outbox != NULL;
        if (!is_numbered)
            runtime_publish(rt, &rq);
        inbound_answer(rt, in, &rq, e);
        if (is_numbered)
            runtime_publish(rt, &rq);
    }
    w->arena = rq.arena;
    w->reply = rq.reply;
}

static void serve_event(struct worker *w, struct inbound *in)
{
    struct req rq;
    runtime_req(w->d->rt, w->db, &rq);
    rq.arena = w->arena;
    (void)listen_handle(w->d->rt, in->hears, in->msg, &rq);
    w->arena = rq.arena;
    buf_done(&rq.reply);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    for (;;) {
        struct inbound *in = ring_pop(w->d->ring, POP_MS);
        if (in == NULL && ring_is_closed(w->d->ring))
            break;
        if (in == NULL)
            continue;
        bus_wait_room(w->d->rt->bus);
        if (in->hears != NULL)
            serve_event(w, in);
        else
            serve_request(w, in);
        inbound_free(in);
        arena_reset(&w->arena);
    }
    arena_release(&w->arena);
    buf_done(&w->reply);
    return NULL;
}

/* ---- the delivery thread ---- */

static int compare_rows(const void *a, const void *b)
{
    const struct rpc *const *left = a;
    const struct rpc *const *right = b;
    return strcmp((*left)->subject, (*right)->subject);
}

static int compare_subject(const void *key, const void *row)
{
    const struct rpc *const *rpc = row;
    return strcmp(key, (*rpc)->subject);
}

/* A RAW row is the gateway's; what its code first asks by that subject is an RPC row. */
static void index_rows(struct dispatch *d, const struct rpc_table *table)
{
    d->by_subject = heap_alloc_n(table->count + 1, sizeof(d->by_subject[0]));
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].mode != MODE_RAW)
            d->by_subject[d->row_count++] = &table->rows[i];
    qsort(d->by_subject, d->row_count, sizeof(d->by_subject[0]), compare_rows);
}

static const struct rpc *find_row(const struct dispatch *d, const char *subject)
{
    const struct rpc **row = bsearch(subject + sizeof(PREFIX) - 1, d->by_subject, d->row_count,
                                     sizeof(*row), compare_subject);
    return row == NULL ? NULL : *row;
}

static bool queue(struct dispatch *d, struct inbound *in)
{
    bool is_batch = in->rpc != NULL && in->rpc->mode == MODE_BATCH;
    return is_batch ? writers_take(d->writers, in) : ring_push(d->ring, in);
}

static void hear_request(void *arg, natsMsg *msg)
{
    struct dispatch *d = arg;
    const struct rpc *rpc = find_row(d, natsMsg_GetSubject(msg));
    if (rpc == NULL) {
        inbound_refuse(d->rt, msg, ERR_UNKNOWN_ROUTE, 0);
        bus_msg_free(msg);
        return;
    }
    struct inbound *in = inbound_new(msg);
    in->rpc = rpc;
    in->row = (size_t)(rpc - d->rt->service->api->rows);
    if (queue(d, in))
        return;
    metric_add(METRIC_ring_rejected_total, 0, 0, 1);
    inbound_refuse(d->rt, msg, ERR_UNAVAILABLE, REFUSED_RETRY_MS);
    inbound_free(in);
}

static void hear_event(void *arg, natsMsg *msg)
{
    const struct fleeting *f = arg;
    struct inbound *in = inbound_new(msg);
    in->hears = f->hears;
    if (queue(f->d, in))
        return;
    metric_add(METRIC_ring_rejected_total, 0, 0, 1);
    inbound_free(in);
}

/* ---- start and stop ---- */

struct dispatch *dispatch_start(const struct runtime *rt)
{
    size_t count = (size_t)rt->settings.workers;
    struct dispatch *d = heap_alloc(sizeof(*d) + count * sizeof(d->workers[0]));
    d->rt = rt;
    index_rows(d, rt->service->api);
    d->ring = ring_new((size_t)rt->settings.ring_size);
    d->writers = writers_start(rt);
    d->worker_count = count;
    for (size_t i = 0; i < count; i++) {
        struct worker *w = &d->workers[i];
        w->d = d;
        w->db = runtime_db(rt);
        thread_start(&w->thread, worker_main, w);
    }
    return d;
}

static enum err open_fleeting(struct dispatch *d, const struct listen *hears)
{
    char subject[LISTEN_SUBJECT_SIZE];
    if (d->fleeting_count == HEARS_MAX)
        die("more than %d fleeting events are heard", HEARS_MAX);
    struct fleeting *f = &d->fleeting[d->fleeting_count];
    f->d = d;
    f->hears = hears;
    listen_subject(hears->event, subject);
    TRY(bus_hear(d->rt->bus, subject, d->rt->service->subject, hear_event, f, &f->sub));
    d->fleeting_count++;
    return OK;
}

enum err dispatch_open(struct dispatch *d)
{
    const struct service *s = d->rt->service;
    char subject[LISTEN_SUBJECT_SIZE];
    snprintf(subject, sizeof(subject), "%s%s.>", PREFIX, s->subject);
    TRY(bus_hear(d->rt->bus, subject, s->subject, hear_request, d, &d->sub));
    for (const struct listen *l = s->hears; l != NULL && l->call != NULL; l++)
        if (event_types[l->event].keeping == FLEETING)
            TRY(open_fleeting(d, l));
    return OK;
}

size_t dispatch_depth(const struct dispatch *d)
{
    return ring_depth(d->ring) + writers_depth(d->writers);
}

void dispatch_stop(struct dispatch *d)
{
    bus_drain(d->sub, DRAIN_MS);
    for (size_t i = 0; i < d->fleeting_count; i++)
        bus_drain(d->fleeting[i].sub, DRAIN_MS);
    ring_close(d->ring);
    for (size_t i = 0; i < d->worker_count; i++) {
        pthread_join(d->workers[i].thread, NULL);
        db_free(d->workers[i].db);
    }
    writers_stop(d->writers);
    ring_free(d->ring);
    free(d->by_subject);
    free(d);
}
