/* SPDX-License-Identifier: MIT */
/* A row leaves the table only after JetStream acknowledged every event in it. Between COMMIT and
 * that, this process knows the row as "in flight"; a row nobody has in flight (its process died,
 * the bus was away) belongs to the relay, which waits RELAY_AGE first so that it does not race the
 * process that is just publishing. The relay of one copy at a time works, by an advisory lock held
 * for the life of its connection. */

#include "shared/store/outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"

enum {
    TURN_MS = 100, /* deletions of acknowledged rows are gathered for so long */
    RELAY_EVERY_US = 1000000,
    RELAY_ROWS = 200,
    DONE_MAX = 4096, /* more than this waiting: do not wait for the turn */
    STOP_WAIT_US = 3000000,
    DB_DEADLINE_US = 5000000,
};

STMT(outbox_insert, "INSERT INTO outbox (id, events) VALUES ($1, $2)");
STMT(outbox_delete, "DELETE FROM outbox WHERE id = ANY ($1::bigint[])");
/* The lock lives as long as its connection, which may have been replaced since the last turn. */
STMT(outbox_lead, "SELECT EXISTS (SELECT FROM pg_locks"
                  "                WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
                  "    OR pg_try_advisory_lock(hashtext('outbox'), hashtext(current_schema()))");
STMT(outbox_left, "SELECT id, events"
                  "  FROM outbox"
                  " WHERE at < now() - interval '3 seconds' AND id > $1"
                  " ORDER BY id"
                  " LIMIT $2");

struct outbox_row {
    snowflake id;
    const char *events;
};
static const struct field outbox_row_fields[] = {
    F_ID(outbox_row, id),
    F_STR(outbox_row, events),
};
static SHAPE(outbox_row);

struct outbox {
    struct db *db;
    struct bus *bus;
    const char *source; /* CloudEvents source: "/services/messaging" */
    pthread_t thread;
    struct stopper stopper;
    atomic_llong in_flight;
    int64_t relayed_us;
    pthread_mutex_t lock; /* guards the rows to delete */
    snowflake *done;
    size_t done_count;
    size_t done_cap;
};

/* One row on its way. */
struct flight {
    struct outbox *outbox;
    snowflake row;
};

static void row_done(struct outbox *o, snowflake row)
{
    pthread_mutex_lock(&o->lock);
    if (o->done_count == o->done_cap) {
        o->done_cap = o->done_cap == 0 ? 256 : 2 * o->done_cap;
        o->done = heap_grow(o->done, o->done_cap * sizeof(*o->done));
    }
    o->done[o->done_count++] = row;
    bool is_many = o->done_count == DONE_MAX;
    pthread_mutex_unlock(&o->lock);
    if (is_many)
        stopper_nudge(&o->stopper);
}

static void flight_land(void *arg, bool is_kept)
{
    struct flight *f = arg;
    struct outbox *o = f->outbox;
    if (is_kept)
        row_done(o, f->row);
    atomic_fetch_sub(&o->in_flight, 1);
    free(f);
}

/* Oldest first; at least one is durable. */
static void publish_row(struct outbox *o, snowflake row, const struct event *const *evs, size_t n)
{
    struct flight *f = heap_alloc(sizeof(*f));
    *f = (struct flight){o, row};
    atomic_fetch_add(&o->in_flight, 1);
    bus_keep_events(o->bus, o->source, evs, n, flight_land, f);
}

static size_t count_events(const struct event *ev)
{
    size_t n = 0;
    for (; ev != NULL; ev = ev->next)
        n++;
    return n;
}

/* rq->events is newest first; what goes out is oldest first. */
void outbox_publish_many(struct outbox *o, struct req *const *rqs, size_t n, int64_t row)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += count_events(rqs[i]->events);
    auto_heap const struct event **evs = heap_alloc_n(count + 1, sizeof(evs[0]));
    size_t end = 0;
    for (size_t i = 0; i < n; i++) {
        end += count_events(rqs[i]->events);
        size_t at = end;
        for (const struct event *ev = rqs[i]->events; ev != NULL; ev = ev->next)
            evs[--at] = ev;
    }
    if (row != 0)
        publish_row(o, (snowflake)row, evs, count);
    else if (bus_publish_events(o->bus, o->source, evs, count) != OK)
        LOG(ERROR, "event.homeless", KV("events", (int64_t)count));
}

void outbox_publish(struct outbox *o, const struct req *rq, int64_t row)
{
    struct req *const one = (struct req *)(uintptr_t)rq;
    outbox_publish_many(o, &one, 1, row);
}

enum err outbox_write_many(struct req *rq, struct req *const *rqs, size_t n, int64_t *ret_row)
{
    struct buf packed = {0};
    bool is_any = false;
    for (size_t i = 0; i < n; i++)
        if (events_any_durable(rqs[i]->events)) {
            events_pack(rqs[i]->events, &packed);
            is_any = true;
        }
    snowflake row = is_any ? snowflake_next() : 0;
    if (row != 0)
        db_later(rq, &outbox_insert, PARAMS(P(row), P(buf_str(&packed))));
    buf_done(&packed);
    if (is_any && row == 0)
        return fail(rq, ERR_UNAVAILABLE, "outbox: no worker number is leased");
    *ret_row = (int64_t)row;
    return OK;
}

enum err outbox_write(struct req *rq, int64_t *ret_row)
{
    return outbox_write_many(rq, &rq, 1, ret_row);
}

/* ---- the thread: deletions and the relay ---- */

static size_t done_take(struct outbox *o, snowflake **ret)
{
    pthread_mutex_lock(&o->lock);
    size_t n = o->done_count;
    *ret = o->done;
    o->done = NULL;
    o->done_count = 0;
    o->done_cap = 0;
    pthread_mutex_unlock(&o->lock);
    return n;
}

/* What cannot be deleted now stays in the table: the relay publishes it once more, JetStream drops
 * the copies by their id, and the row is deleted then. */
static void delete_done(struct outbox *o)
{
    snowflake *rows;
    size_t n = done_take(o, &rows);
    if (n > 0) {
        struct req rq = {.db = o->db, .deadline_us = mono_us() + DB_DEADLINE_US};
        if (db_exec(&rq, &outbox_delete, PARAMS(P_IDS(rows, n)), NULL) != OK)
            LOG(WARN, "outbox.delete", KV("rows", (int64_t)n), KV("detail", rq.detail));
        arena_release(&rq.arena);
    }
    free(rows);
}

static void relay_row(struct outbox *o, struct req *rq, const struct outbox_row *row)
{
    struct event *events = NULL;
    if (events_unpack(&rq->arena, row->events, strlen(row->events), &events) != OK) {
        LOG(ERROR, "outbox.unreadable", KV("row", row->id));
        return;
    }
    size_t n = 0;
    const struct event **evs =
        (const struct event **)arena_new_n(&rq->arena, struct event *, count_events(events));
    for (const struct event *ev = events; ev != NULL; ev = ev->next)
        evs[n++] = ev;
    publish_row(o, row->id, evs, n);
}

static enum err relay_page(struct outbox *o, struct req *rq, snowflake *after, size_t *ret_count)
{
    struct list rows;
    TRY(db_many(rq, &outbox_left, PARAMS(P(*after), P(RELAY_ROWS)), &outbox_row_shape, &rows));
    for (size_t i = 0; i < rows.count; i++) {
        const struct outbox_row *row = LIST_AT(&rows, struct outbox_row, i);
        relay_row(o, rq, row);
        *after = row->id;
    }
    if (rows.count > 0)
        LOG(INFO, "outbox.relayed", KV("rows", (int64_t)rows.count));
    *ret_count = rows.count;
    return OK;
}

static enum err relay(struct outbox *o, struct req *rq)
{
    int64_t is_leader;
    TRY(db_scalar(rq, &outbox_lead, NO_PARAMS, &is_leader, ERR_UNAVAILABLE));
    snowflake after = 0;
    size_t count = is_leader != 0 ? RELAY_ROWS : 0;
    while (count == RELAY_ROWS)
        TRY(relay_page(o, rq, &after, &count));
    return OK;
}

static void relay_turn(struct outbox *o)
{
    if (mono_us() - o->relayed_us < RELAY_EVERY_US || !bus_is_up(o->bus))
        return;
    struct req rq = {.db = o->db, .deadline_us = mono_us() + DB_DEADLINE_US};
    if (relay(o, &rq) != OK)
        LOG(DEBUG, "outbox.relay", KV("detail", rq.detail));
    arena_release(&rq.arena);
    o->relayed_us = mono_us();
}

static void *outbox_main(void *arg)
{
    struct outbox *o = arg;
    while (!stopper_wait(&o->stopper, TURN_MS)) {
        delete_done(o);
        relay_turn(o);
    }
    return NULL;
}

enum err outbox_start(const struct db_settings *s, struct bus *bus, const char *service,
                      struct outbox **ret)
{
    struct outbox *o = heap_alloc(sizeof(*o));
    struct buf source = {0};
    buf_printf(&source, "/services/%s", service);
    o->source = buf_steal(&source);
    o->db = db_new(s);
    o->bus = bus;
    pthread_mutex_init(&o->lock, NULL);
    stopper_init(&o->stopper);
    thread_start(&o->thread, outbox_main, o);
    *ret = o;
    return OK;
}

int64_t outbox_pending(const struct outbox *o)
{
    return atomic_load(&o->in_flight);
}

void outbox_stop(struct outbox *o)
{
    if (o == NULL)
        return;
    stopper_stop(&o->stopper);
    pthread_join(o->thread, NULL);
    struct stopper patience;
    stopper_init(&patience);
    int64_t until_us = mono_us() + STOP_WAIT_US;
    while (outbox_pending(o) > 0 && mono_us() < until_us)
        (void)stopper_wait(&patience, 5);
    stopper_done(&patience);
    delete_done(o);
    db_free(o->db);
    stopper_done(&o->stopper);
    /* A flight that has not landed by now still points here: better a few bytes than a crash. */
    if (outbox_pending(o) > 0)
        return;
    pthread_mutex_destroy(&o->lock);
    free(o->done);
    free((char *)(uintptr_t)o->source);
    free(o);
}
