/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_INBOUND_H
#define SHARED_SERVICE_INBOUND_H

/* Private to shared/service: one message from the bus, from its arrival to its answer. */

#include "shared/service/runtime.h"

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

struct inbound {
    natsMsg *msg;
    const struct rpc *rpc; /* NULL: a fleeting event for `hears` */
    const struct listen *hears;
    size_t row; /* rpc's index in the table, for metrics */
    int64_t arrived_us;
    int64_t began_us;
};

struct inbound *inbound_new(natsMsg *msg);
void inbound_free(struct inbound *in);

/* Fill rq and from out of the headers; rq keeps its arena. False when nobody waits any more. */
bool inbound_open(const struct runtime *rt, struct inbound *in, struct db *db, struct req *rq,
                  struct caller *from);

/* The body and the parameters of path and query; the caller owns both (auto_json). */
MUST_CHECK enum err inbound_read(const struct inbound *in, struct req *rq, json_t **ret_body,
                                 json_t **ret_params);

/* Answer, count, log. */
void inbound_answer(const struct runtime *rt, const struct inbound *in, struct req *rq, enum err e);

/* From the delivery thread: refuse at once what will not be served. */
void inbound_refuse(const struct runtime *rt, natsMsg *msg, enum err e, int retry_after_ms);

#endif
