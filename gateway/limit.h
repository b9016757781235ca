/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_LIMIT_H
#define GATEWAY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/service/rpc.h"

/* How often one may ask: a window of fixed length per rate class and asker, counted in Redis by all
 * gateways together and, while Redis is away, by each alone. A class set to "0/0" is off and costs
 * nothing. Any thread. */
struct gateway;
struct limits;

/* What the client is told, also when all is well. */
struct limit_state {
    const char *bucket; /* "general"; NULL: not limited */
    int64_t count;
    int64_t remaining;
    int64_t reset_ms; /* until the window ends */
    bool is_over;
};

/* Exactly one call, perhaps on the calling thread before limit_take returns; must not block. */
typedef void limit_fn(void *arg, const struct limit_state *state);

struct limit_ask {
    enum rate_class class;
    bool is_bot;     /* bots have a bucket of their own, whatever the class */
    const char *who; /* user id, or address before log-in, or address and account */
};
void limit_take(struct limits *l, const struct limit_ask *ask, limit_fn *fn, void *arg);
/* As it stands, without taking a place: for who is refused before being counted. */
void limit_look(struct limits *l, const struct limit_ask *ask, limit_fn *fn, void *arg);

/* Each credential that nobody knows yet costs auth a question or this gateway a signature. An
 * address whose credentials were refused as often as RATE_GENERAL allows has no new ones looked at
 * until its window ends. Each gateway counts for itself: the question is asked before any other,
 * and must not cost one. */
void limit_refused(struct limits *l, const char *address);
/* 0, or how long the address has to wait. */
int64_t limit_barred_ms(struct limits *l, const char *address);

MUST_CHECK enum err limits_open(struct gateway *g, struct limits **ret);
void limits_close(struct limits *l); /* after the cache was closed */

#endif
