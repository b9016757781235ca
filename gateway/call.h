/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_CALL_H
#define GATEWAY_CALL_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/limit.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/wire/req.h"

/* One routed request, from REST or from a WebSocket command, to its service and back: scope of an
 * API key, sign-in, rate limit, then the bus, all without waiting. */
struct gateway;
struct identity;
struct route;

struct call {
    const struct route *route;
    const struct identity *who; /* NULL: nobody signed in */
    snowflake app;              /* of somebody not signed in; 0 is the default one */
    const char *ip;
    const char *agent;
    const char *locale;
    const char *request_id;
    const char *trace;
    const char *key;    /* idempotency key, or NULL */
    const char *params; /* JSON object of strings (path and query), or NULL */
    const void *body;   /* JSON text as the client sent it */
    size_t body_len;
};

/* What comes back, whoever answered. body is JSON; for an error a problem document, which the
 * WebSocket sends as it is. Owned by msg and own: struct copies move it, answer_done ends it. */
struct answer {
    enum err err;
    int status;
    const char *body; /* "" when there is none (204) */
    size_t len;
    int64_t retry_after_ms; /* 0: none */
    struct limit_state limit;
    natsMsg *msg;
    struct buf own;
};

/* Exactly once for each call_start: on the calling thread before it returned, or later on any
 * thread. It must not block, and it owns the answer. */
typedef void call_fn(void *arg, struct answer *a);

/* Everything c points to must live, unchanged, until fn runs; the struct itself is copied. */
void call_start(struct gateway *g, const struct call *c, call_fn *fn, void *arg);

/* Only as far as the rate limit, for a RAW row: fn gets status 0 when the request may go on. */
void call_admit(struct gateway *g, const struct call *c, call_fn *fn, void *arg);

/* Goes no further: an error of the gateway's own, decided before the request was counted, with the
 * state of the limit that would have counted it. */
struct refusal {
    enum err err;
    const char *field; /* at fault, or NULL */
    const char *message;
    int64_t retry_after_ms;
};
void call_refuse(struct gateway *g, const struct call *c, const struct refusal *why, call_fn *fn,
                 void *arg);

/* Whom the service is told. */
struct caller call_caller(const struct call *c);

/* An error of our own as an answer, with the field that is at fault or NULL. */
void answer_fail(struct answer *a, enum err e, const char *field, const char *message);
void answer_done(struct answer *a);

#endif
