/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_RUNTIME_H
#define SHARED_SERVICE_RUNTIME_H

/* Private to shared/service: what every thread of a running service needs. Filled at start,
 * constant until all of them have ended. */

#include "shared/service/service.h"
#include "shared/store/lease.h"
#include "shared/store/outbox.h"

#include <stdbool.h>
#include <stdint.h>

struct service_settings {
    const char *nats_url;
    const char *ops_listen;
    const char *log_level;
    bool log_pretty;
    const char *database_url;
    const char *redis_url;
    int64_t workers;
    int64_t ring_size;
    int64_t writers;
    bool log_requests;
    int64_t events_max_age_s;
    int64_t events_replicas;
};

struct runtime {
    const struct service *service;
    struct service_settings settings;
    struct db_settings db; /* with NEEDS_DB */
    struct bus *bus;
    struct cache *cache;
    struct lease *lease;
    struct outbox *outbox; /* NULL without NEEDS_DB */
    const char *source;    /* of events without an outbox: "/services/presence" */
    rpc_authorise_fn *may;
    void *state;
};

bool runtime_has(const struct runtime *rt, enum service_needs need);

/* A thread's own connection; NULL without NEEDS_DB. */
struct db *runtime_db(const struct runtime *rt);

/* A request nobody asked for: a job's, a batch's, an event's. */
void runtime_req(const struct runtime *rt, struct db *db, struct req *rq);

/* Let out what the request emitted and committed. A service without a database has no outbox and so
 * no durable events. */
void runtime_publish(const struct runtime *rt, const struct req *rq);

#endif
