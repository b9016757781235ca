/* SPDX-License-Identifier: MIT
 *
 * Jobs, one after the other on one thread with a connection of its own. Each run is a transaction;
 * the lock of a JOB_ONE belongs to that transaction, so it cannot outlive a crash.
 */
#include "shared/service/job.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"
#include "shared/service/idempotency.h"
#include "shared/service/metrics.h"
#include "shared/service/transact.h"

STMT(job_lock, "SELECT pg_try_advisory_xact_lock(hashtext(current_schema()), hashtext($1::text))");

enum { TURN_MAX_MS = 60000, STREAM_RETRY_US = 500000, STREAM_AGAIN_US = 60000000 };

struct timed {
    const struct job *job;
    int64_t due_us;
};

struct clockwork {
    const struct runtime *rt;
    struct stopper stopper;
    pthread_t thread;
    struct db *db;
    struct arena arena;
    int64_t stream_due_us;
    size_t count;
    struct timed v[];
};

/* ERR_CONFLICT: another copy is at it. */
static enum err job_work(struct req *rq, void *arg)
{
    const struct job *job = arg;
    int64_t is_ours = 1;
    if (job->where == JOB_ONE)
        TRY(db_scalar(rq, &job_lock, PARAMS(P(job->name)), &is_ours, ERR_INTERNAL));
    return is_ours != 0 ? job->run(rq) : ERR_CONFLICT;
}

static void run_job(struct clockwork *c, const struct job *job)
{
    struct req rq;
    int64_t began_us = mono_us();
    runtime_req(c->rt, c->db, &rq);
    rq.arena = c->arena;
    rq.subject = job->name;
    enum err e = transact(&rq, job_work, (void *)(uintptr_t)job);
    runtime_publish(c->rt, &rq);
    if (e != ERR_CONFLICT) {
        metric_add(METRIC_jobs_total, (size_t)e, 0, 1);
        LOG(DEBUG, "job.done", KV("job", job->name), KV("err", err_name(e)),
            KV("took_us", mono_us() - began_us));
    }
    if (e != OK && e != ERR_CONFLICT)
        LOG(WARN, "job.failed", KV("job", job->name), KV("err", err_name(e)),
            KV("detail", rq.detail));
    c->arena = rq.arena;
    arena_reset(&c->arena);
    buf_done(&rq.reply);
}

/* Asked for again now and then: a bus that lost its disk comes back without the stream. */
static void ensure_stream(struct clockwork *c)
{
    if (mono_us() < c->stream_due_us)
        return;
    struct bus_stream stream = {
        .max_age_s = c->rt->settings.events_max_age_s,
        .replicas = c->rt->settings.events_replicas,
    };
    enum err e = bus_stream_ensure(c->rt->bus, stream);
    c->stream_due_us = mono_us() + (e == OK ? STREAM_AGAIN_US : STREAM_RETRY_US);
}

static void run_due(struct clockwork *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct timed *t = &c->v[i];
        if (mono_us() < t->due_us)
            continue;
        run_job(c, t->job);
        t->due_us = mono_us() + (int64_t)t->job->every_s * 1000000;
    }
}

static int next_wait_ms(const struct clockwork *c)
{
    int64_t next_us = c->stream_due_us;
    for (size_t i = 0; i < c->count; i++)
        if (c->v[i].due_us < next_us)
            next_us = c->v[i].due_us;
    int64_t wait_ms = (next_us - mono_us()) / 1000 + 1;
    if (wait_ms < 1)
        return 1;
    return wait_ms < TURN_MAX_MS ? (int)wait_ms : TURN_MAX_MS;
}

static void *clockwork_main(void *arg)
{
    struct clockwork *c = arg;
    int wait_ms = 0;
    while (!stopper_wait(&c->stopper, wait_ms)) {
        ensure_stream(c);
        run_due(c);
        wait_ms = next_wait_ms(c);
    }
    return NULL;
}

/* The first run comes after one period: a process that starts has better things to do. */
static void add_job(struct clockwork *c, const struct job *job)
{
    int64_t due_us = mono_us() + (int64_t)job->every_s * 1000000;
    c->v[c->count++] = (struct timed){job, due_us};
}

bool jobs_are_sound(const struct service *s)
{
    for (const struct job *j = s->jobs; j != NULL && j->name != NULL; j++)
        if (j->where == JOB_ONE && (s->needs & NEEDS_DB) == 0)
            return false;
    return true;
}

struct clockwork *clockwork_start(const struct runtime *rt)
{
    size_t own = 0;
    assert(jobs_are_sound(rt->service));
    for (const struct job *j = rt->service->jobs; j != NULL && j->name != NULL; j++)
        own++;
    struct clockwork *c = heap_alloc(sizeof(*c) + (own + 1) * sizeof(c->v[0]));
    c->rt = rt;
    c->db = runtime_db(rt);
    stopper_init(&c->stopper);
    for (size_t i = 0; i < own; i++)
        add_job(c, &rt->service->jobs[i]);
    if (c->db != NULL)
        add_job(c, &key_purge_job);
    /* Whoever hears something needs the stream; when the bus is late the thread makes it. */
    if (bus_is_up(rt->bus))
        ensure_stream(c);
    thread_start(&c->thread, clockwork_main, c);
    return c;
}

void clockwork_stop(struct clockwork *c)
{
    stopper_stop(&c->stopper);
    pthread_join(c->thread, NULL);
    arena_release(&c->arena);
    db_free(c->db);
    stopper_done(&c->stopper);
    free(c);
}
