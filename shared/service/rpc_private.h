/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_RPC_PRIVATE_H
#define SHARED_SERVICE_RPC_PRIVATE_H

/* Private to shared/service: the two halves of rpc_call, for the batch writers, which admit many
 * requests one by one and then run them together. */

#include "shared/service/rpc.h"

/* Decode and authorise; *ret_in lives in rq's arena. */
MUST_CHECK enum err rpc_admit(const struct rpc *rpc, rpc_authorise_fn *may, struct req *rq,
                              const json_t *body, const json_t *params, void **ret_in);

/* Run one admitted request in the way its mode says. */
MUST_CHECK enum err rpc_run(const struct rpc *rpc, struct req *rq, const void *in);

/* A request with a key that ended with e: the answer kept for that key, if there is one, else e. */
MUST_CHECK enum err rpc_recall(const struct rpc *rpc, struct req *rq, enum err e);

/* The HTTP status of rq's success. */
int rpc_status(const struct rpc *rpc, const struct req *rq);

#endif
