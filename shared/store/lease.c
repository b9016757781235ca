/* SPDX-License-Identifier: MIT */
/* One thread holds one connection that holds one advisory lock; the number of the lock is the
 * worker id. Between losing the connection and noticing it another process may lease the same
 * number: the window is the poll below, ids also carry the millisecond, and every id ends in a
 * primary key, so a collision would be an error, never an overwrite. */

#include "shared/store/lease.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/rand.h"
#include "shared/base/thread.h"

enum { LOCK_CLASS = 0x5041524C /* "PARL" */, CHECK_MS = 500, RETRY_MS = 200, PING_MS = 2000 };

STMT(lease_try, "SELECT n"
                "  FROM generate_series(0, 1023) AS i, LATERAL (SELECT (i + $2::int) % 1024 AS n) o"
                " WHERE pg_try_advisory_lock($1::int, n)"
                " LIMIT 1");
STMT(lease_check, "SELECT count(*)"
                  "  FROM pg_locks"
                  " WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid::bigint = $1");

struct lease {
    struct db *db;
    pthread_t thread;
    struct stopper stopper;
    atomic_bool is_held;
};

static void lose(struct lease *l)
{
    snowflake_clear_worker();
    if (atomic_exchange(&l->is_held, false))
        LOG(WARN, "lease.lost");
}

static void take(struct lease *l, struct req *rq)
{
    int64_t worker;
    int start = (int)(rand_u64() % SNOWFLAKE_WORKERS);
    enum err e =
        db_scalar(rq, &lease_try, PARAMS(P(LOCK_CLASS), P(start)), &worker, ERR_UNAVAILABLE);
    if (e != OK) {
        LOG(DEBUG, "lease.wait", KV("detail", rq->detail));
        return;
    }
    snowflake_set_worker((unsigned)worker);
    atomic_store(&l->is_held, true);
    LOG(INFO, "lease.taken", KV("worker", worker));
}

static void check(struct lease *l, struct req *rq)
{
    int64_t locks;
    enum err e = db_scalar(rq, &lease_check, PARAMS(P(LOCK_CLASS)), &locks, ERR_UNAVAILABLE);
    if (e != OK || locks == 0)
        lose(l);
}

static void *lease_main(void *arg)
{
    struct lease *l = arg;
    int wait_ms = 0;
    while (!stopper_wait(&l->stopper, wait_ms)) {
        struct req rq = {.db = l->db, .deadline_us = mono_us() + PING_MS * INT64_C(1000)};
        if (lease_is_held(l))
            check(l, &rq);
        if (!lease_is_held(l))
            take(l, &rq);
        arena_release(&rq.arena);
        wait_ms = lease_is_held(l) ? CHECK_MS : RETRY_MS;
    }
    return NULL;
}

enum err lease_start(const struct db_settings *s, struct lease **ret)
{
    struct lease *l = heap_alloc(sizeof(*l));
    l->db = db_new(s);
    stopper_init(&l->stopper);
    thread_start(&l->thread, lease_main, l);
    *ret = l;
    return OK;
}

bool lease_is_held(const struct lease *l)
{
    return atomic_load(&l->is_held);
}

void lease_stop(struct lease *l)
{
    if (l == NULL)
        return;
    stopper_stop(&l->stopper);
    pthread_join(l->thread, NULL);
    snowflake_clear_worker();
    stopper_done(&l->stopper);
    db_free(l->db);
    free(l);
}
