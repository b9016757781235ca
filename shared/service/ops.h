/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_OPS_H
#define SHARED_SERVICE_OPS_H

/* The operator's port, apart from the public one: GET /health (the process is alive), /ready (its
 * dependencies answer, asked at that moment) and /metrics. One thread of libmicrohttpd. */

#include "shared/base/buf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum ready_state {
    READY_UP,
    READY_DEGRADED, /* away, and the process does its work without it */
    READY_DOWN,
};

struct ready_check {
    const char *name;                   /* "database" */
    enum ready_state (*ask)(void *arg); /* answers within a second or so; one call at a time */
    void *arg;
};

#define READY_CHECKS_MAX 8
struct ready {
    struct ready_check checks[READY_CHECKS_MAX];
    size_t count;
    atomic_bool is_open; /* serving: set after start, cleared when the drain begins */
};

void ready_add(struct ready *r, struct ready_check check);

/* Ask everything. {"status":"ready","checks":{"database":"up"}}; returns 200, or 503 when one is
 * down or the process is not open. */
int ready_write(const struct ready *r, struct buf *out);

struct ops;

/* listen is "host:port", the host numeric and an IPv6 one in brackets. Dies when the port cannot be
 * had. r must outlive it. */
struct ops *ops_start(const char *listen, const struct ready *r);
void ops_stop(struct ops *o);

#endif
