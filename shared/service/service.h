/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_SERVICE_H
#define SHARED_SERVICE_SERVICE_H

#include <stddef.h>

#include "shared/base/conf.h"
#include "shared/base/err.h"
#include "shared/service/rpc.h"
#include "shared/store/cache.h"
#include "shared/store/db.h"
#include "shared/wire/bus.h"
#include "shared/wire/event.h"

/* The runner every process shares: settings, log, bus, workers, statements, subscriptions,
 * consumers, jobs, the ops port (/health, /ready, /metrics), signals and the drain on SIGTERM.
 * A service is one const struct. */
enum service_needs {
    NEEDS_DB = 1 << 0,
    NEEDS_CACHE = 1 << 1,
    NEEDS_IDS = 1 << 2, /* makes snowflakes: leases a worker number */
};

/* One row of listen.def: ON(EVENT, handler, shape, "text"). A DURABLE event has a consumer of its
 * own, shared by the copies of the service, and is acknowledged after COMMIT; a FLEETING one goes
 * to one of the copies, once. The handler runs in a transaction (with NEEDS_DB), asks no other
 * service and must be idempotent. What cannot be decoded, or fails LISTEN_TRIES times, is logged
 * and dropped. rq->actor is 0. */
enum { LISTEN_TRIES = 5 };
typedef enum err listen_fn(struct req *rq, const void *payload, const char *event_id);
struct listen {
    enum event_id event;
    const char *name; /* of the handler: part of the durable's name */
    listen_fn *call;
    const struct shape *shape;
};

/* Work by the clock, in a transaction (with NEEDS_DB). ONE: by one copy at a time, under an
 * advisory lock of that transaction, so only with NEEDS_DB; EACH: by every copy. A run does a
 * bounded piece of work. */
enum job_where { JOB_ONE, JOB_EACH };
struct job {
    const char *name;
    int every_s;
    enum job_where where;
    enum err (*run)(struct req *rq);
};

/* What a service's start hook gets: everything is open, nothing is subscribed yet. */
struct service_run {
    const void *settings; /* the service's own struct, filled from .keys */
    struct bus *bus;
    struct cache *cache;          /* NULL without NEEDS_CACHE */
    const struct db_settings *db; /* NULL without NEEDS_DB */
};

struct service {
    const char *name;    /* "voice-signaling": the process */
    const char *subject; /* "voice": rpc.<subject>.>, the queue group */
    const struct rpc_table *api;
    const struct listen *hears;  /* ended by a NULL call; may be NULL */
    const struct job *jobs;      /* ended by a NULL name; may be NULL */
    rpc_authorise_fn *authorise; /* SERVER and CHANNEL guards; NULL is guard_ask */
    const struct db_constraint *constraints;
    unsigned needs;
    const struct conf_key *keys; /* the service's own settings */
    size_t key_count;
    size_t settings_size;
    enum err (*start)(const struct service_run *run, void **ret_state);
    /* What must be in the database before the first request: one transaction after start, repeated
     * until it succeeds, while the service is not ready and has not subscribed. May be NULL. */
    enum err (*prepare)(struct req *rq);
    void (*stop)(void *state);
};

/* Runs until SIGTERM or SIGINT; returns the exit status. Also answers --routes, --settings,
 * --statements and --events by printing the tables. */
int service_main(const struct service *s, int argc, char **argv);

#endif
