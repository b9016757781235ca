/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_QUERY_H
#define GATEWAY_QUERY_H

/* A loop asks a service: the answer is taken apart on the bus's thread, so that the loop never
 * parses, and comes back to the loop. Between the two anything may have gone, so a query names what
 * it is about by ids and never by pointers. */

#include "gateway/ask.h"
#include "gateway/loop.h"
#include "shared/domain/snowflake.h"
#include "shared/wire/req.h"

struct query;

/* What the answer means; NULL: it makes no sense. Any thread. */
typedef void *query_parse_fn(const struct ask_answer *a);

/* On the loop, exactly once: q->result is whatever parse made (NULL with an error) and done's to
 * free; q itself is not. */
typedef void query_done_fn(struct loop *l, struct query *q);

struct query {
    const struct caller *who; /* NULL: the gateway itself; only used while it is sent */
    const char *subject;      /* "rpc.…" */
    const char *json;
    query_parse_fn *parse;
    query_done_fn *done;

    snowflake server; /* what done wants to remember */
    snowflake channel;
    uint64_t session; /* its serial */
    uint64_t entry;
    int64_t after;

    enum err err;
    void *result;
    struct loop *loop;
    struct post post;
};

/* Copies *q; subject and json need not outlive the call. */
void query_start(struct loop *l, const struct query *q);

#endif
