/* SPDX-License-Identifier: MIT
 *
 * Batch writers. A request sits in a seat: admitted alone, written together, answered alone. The
 * invariant: every request that was taken is answered once, either with its batch's COMMIT or, when
 * the batch failed for a reason that may be one request's, by its own transaction afterwards.
 */
#include "shared/service/batch.h"

#include <pthread.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/ring.h"
#include "shared/base/thread.h"
#include "shared/service/idempotency.h"
#include "shared/service/metrics.h"
#include "shared/service/rpc_private.h"
#include "shared/service/transact.h"
#include "shared/wire/json.h"

enum { BATCH_MAX = 256, IDLE_MS = 1000 };

struct seat {
    struct inbound *in;
    struct req rq;
    struct caller from;
    void *args;
};

struct writer {
    const struct runtime *rt;
    struct ring *ring;
    pthread_t thread;
    struct db *db;
    struct req lead; /* the transaction's own request */
    struct seat seats[BATCH_MAX];
};

struct writers {
    size_t count;
    struct writer v[];
};

/* Some seats of one row, on their way together. */
struct group {
    const struct rpc *rpc;
    struct seat *seats[BATCH_MAX];
    struct req *rqs[BATCH_MAX];
    const void *args[BATCH_MAX];
    enum err errs[BATCH_MAX];
    size_t n;
};

static void group_add(struct group *g, struct seat *s)
{
    g->seats[g->n] = s;
    g->rqs[g->n] = &s->rq;
    g->args[g->n] = s->args;
    g->errs[g->n] = OK;
    g->n++;
}

static void answer(struct writer *w, struct seat *s, enum err e)
{
    inbound_answer(w->rt, s->in, &s->rq, e);
}

/* The request by itself, in its own transaction: exact, and slower. */
static void serve_alone(struct writer *w, struct seat *s)
{
    const struct rpc *rpc = s->in->rpc;
    enum err e = rpc_run(rpc, &s->rq, s->args);
    if (e != OK)
        e = rpc_recall(rpc, &s->rq, e);
    answer(w, s, e);
    runtime_publish(w->rt, &s->rq);
}

/* False: it is answered already, or nobody waits. */
static bool admit(struct writer *w, struct seat *s)
{
    auto_json json_t *body = NULL;
    auto_json json_t *params = NULL;
    const struct rpc *rpc = s->in->rpc;
    if (!inbound_open(w->rt, s->in, w->db, &s->rq, &s->from))
        return false;
    enum err e = inbound_read(s->in, &s->rq, &body, &params);
    if (e == OK)
        e = rpc_admit(rpc, w->rt->may, &s->rq, body, params, &s->args);
    if (e == OK)
        return true;
    answer(w, s, rpc_recall(rpc, &s->rq, e));
    return false;
}

/* The requests that succeeded: their events into one outbox row, their keys beside it. */
static enum err keep(struct group *g, struct req *lead)
{
    struct req *good[BATCH_MAX];
    struct req *keyed[BATCH_MAX];
    size_t goods = 0;
    size_t keys = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->errs[i] != OK)
            continue;
        good[goods++] = g->rqs[i];
        if (key_counts(g->rpc, g->rqs[i]) && g->rqs[i]->refusal == OK)
            keyed[keys++] = g->rqs[i];
    }
    keys_keep(lead, g->rpc, keyed, keys);
    return outbox_write_many(lead, good, goods, &lead->outbox_row);
}

static enum err group_work(struct req *lead, void *arg)
{
    struct group *g = arg;
    for (size_t i = 0; i < g->n; i++) {
        req_restart(g->rqs[i]);
        g->errs[i] = OK;
    }
    TRY(g->rpc->batch(lead, g->rqs, g->args, g->errs, g->n));
    return keep(g, lead);
}

static void lead_begin(struct writer *w, const struct group *g)
{
    struct arena arena = w->lead.arena;
    runtime_req(w->rt, w->db, &w->lead);
    w->lead.arena = arena;
    w->lead.subject = g->rpc->subject;
    /* One impatient caller must not fail the others. */
    w->lead.deadline_us = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->rqs[i]->deadline_us > w->lead.deadline_us)
            w->lead.deadline_us = g->rqs[i]->deadline_us;
}

static void answer_group(struct writer *w, struct group *g)
{
    struct req *good[BATCH_MAX];
    size_t goods = 0;
    /* Answers first: that is what a sender waits for, and publishing costs them nothing then. */
    bus_hold(w->rt->bus);
    for (size_t i = 0; i < g->n; i++)
        if (g->errs[i] == OK) {
            good[goods++] = g->rqs[i];
            answer(w, g->seats[i], g->rqs[i]->refusal);
        }
    bus_release(w->rt->bus);
    for (size_t i = 0; i < g->n; i++)
        if (g->errs[i] != OK)
            answer(w, g->seats[i], rpc_recall(g->rpc, g->rqs[i], g->errs[i]));
    outbox_publish_many(w->rt->outbox, good, goods, w->lead.outbox_row);
    metric_add(METRIC_batches_total, 0, 0, 1);
    metric_add(METRIC_batch_requests_total, 0, 0, (int64_t)g->n);
}

/* Could another attempt, request by request, end better? Not while the database is away. */
static bool is_worth_splitting(enum err e)
{
    return e != ERR_UNAVAILABLE && e != ERR_TIMEOUT;
}

static void fail_group(struct writer *w, struct group *g, enum err e)
{
    for (size_t i = 0; i < g->n; i++) {
        if (is_worth_splitting(e)) {
            serve_alone(w, g->seats[i]);
            continue;
        }
        req_restart(g->rqs[i]);
        g->rqs[i]->detail = w->lead.detail;
        answer(w, g->seats[i], e);
    }
}

/* Answers the requests whose keys were used before; the others stay. */
static void drop_known(struct writer *w, struct group *g)
{
    size_t left = 0;
    for (size_t i = 0; i < g->n; i++) {
        struct seat *s = g->seats[i];
        bool is_known = false;
        enum err e = OK;
        if (key_counts(g->rpc, &s->rq))
            e = key_recall(&s->rq, g->rpc, &s->rq, &is_known);
        if (is_known || e != OK) {
            answer(w, s, e);
            continue;
        }
        g->seats[left] = s;
        g->rqs[left] = &s->rq;
        g->args[left] = s->args;
        left++;
    }
    g->n = left;
}

static void write_group(struct writer *w, struct group *g)
{
    if (g->n == 0)
        return;
    lead_begin(w, g);
    enum err e = transact(&w->lead, group_work, g);
    if (e == ERR_KEY_REUSED) {
        drop_known(w, g);
        e = g->n == 0 ? OK : transact(&w->lead, group_work, g);
    }
    if (e == OK)
        answer_group(w, g);
    else
        fail_group(w, g, e);
}

/* Is a request with this key of this actor in the group already? */
static bool has_twin(const struct group *g, const struct seat *s)
{
    if (!key_counts(s->in->rpc, &s->rq))
        return false;
    for (size_t i = 0; i < g->n; i++)
        if (g->rqs[i]->actor == s->rq.actor && key_counts(g->rpc, g->rqs[i]) &&
            strcmp(g->rqs[i]->from->key, s->rq.from->key) == 0)
            return true;
    return false;
}

/* Everything taken that belongs to the row of the first one left. */
static void serve_row(struct writer *w, size_t n)
{
    struct group g = {0};
    struct group later = {0};
    for (size_t i = 0; i < n; i++) {
        struct seat *s = &w->seats[i];
        if (s->in == NULL || (g.rpc != NULL && g.rpc != s->in->rpc))
            continue;
        g.rpc = s->in->rpc;
        if (!admit(w, s))
            continue;
        group_add(has_twin(&g, s) ? &later : &g, s);
    }
    write_group(w, &g);
    for (size_t i = 0; i < later.n; i++)
        serve_alone(w, later.seats[i]);
    for (size_t i = 0; i < n; i++) {
        struct seat *s = &w->seats[i];
        if (s->in == NULL || s->in->rpc != g.rpc)
            continue;
        inbound_free(s->in);
        s->in = NULL;
    }
}

static size_t left_seat(const struct writer *w, size_t n)
{
    size_t i = 0;
    while (i < n && w->seats[i].in == NULL)
        i++;
    return i;
}

static void serve_batch(struct writer *w, void **items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w->seats[i].in = items[i];
    while (left_seat(w, n) < n)
        serve_row(w, n);
    for (size_t i = 0; i < n; i++)
        arena_reset(&w->seats[i].rq.arena);
    arena_reset(&w->lead.arena);
}

/* A burst leaves a block in every seat; an idle writer gives them back. */
static void writer_release(struct writer *w)
{
    for (size_t i = 0; i < BATCH_MAX; i++) {
        arena_release(&w->seats[i].rq.arena);
        buf_done(&w->seats[i].rq.reply);
    }
    arena_release(&w->lead.arena);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    void *items[BATCH_MAX];
    for (;;) {
        size_t n = ring_pop_batch(w->ring, items, BATCH_MAX, IDLE_MS);
        if (n > 0) {
            bus_wait_room(w->rt->bus);
            serve_batch(w, items, n);
        } else if (ring_is_closed(w->ring)) {
            break;
        } else {
            writer_release(w);
        }
    }
    writer_release(w);
    return NULL;
}

static bool has_batch_row(const struct rpc_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].mode == MODE_BATCH)
            return true;
    return false;
}

struct writers *writers_start(const struct runtime *rt)
{
    size_t count = has_batch_row(rt->service->api) ? (size_t)rt->settings.writers : 0;
    struct writers *ws = heap_alloc(sizeof(*ws) + count * sizeof(ws->v[0]));
    ws->count = count;
    for (size_t i = 0; i < count; i++) {
        struct writer *w = &ws->v[i];
        w->rt = rt;
        w->ring = ring_new((size_t)rt->settings.ring_size);
        w->db = runtime_db(rt);
        thread_start(&w->thread, writer_main, w);
    }
    return ws;
}

/* FNV-1a. Clients could choose parameters that meet in one writer, and would win nothing. */
static size_t hash_text(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32);
}

bool writers_take(struct writers *ws, struct inbound *in)
{
    const char *params = NULL;
    if (ws->count > 1)
        (void)natsMsgHeader_Get(in->msg, "Parley-Params", &params);
    size_t at = params == NULL ? 0 : hash_text(params) % ws->count;
    return ring_push(ws->v[at].ring, in);
}

size_t writers_depth(const struct writers *ws)
{
    size_t depth = 0;
    for (size_t i = 0; i < ws->count; i++)
        depth += ring_depth(ws->v[i].ring);
    return depth;
}

void writers_stop(struct writers *ws)
{
    for (size_t i = 0; i < ws->count; i++)
        ring_close(ws->v[i].ring);
    for (size_t i = 0; i < ws->count; i++) {
        pthread_join(ws->v[i].thread, NULL);
        ring_free(ws->v[i].ring);
        db_free(ws->v[i].db);
    }
    free(ws);
}
