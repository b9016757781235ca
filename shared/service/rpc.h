/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_RPC_H
#define SHARED_SERVICE_RPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/domain/permission.h"
#include "shared/wire/field.h"
#include "shared/wire/req.h"

/* The contract: one row of services/<name>/api.def is one endpoint. Gateway, dispatcher, documents
 * and tests grow from the same row. Columns:
 *   API(method, path, subject, fn, input, output, guard, permission, mode, rate, status, text)
 *   API_BATCH(method, path, subject, fn, input, output, guard, permission, rate, status, text)
 *   RAW(method, path, subject, name, guard, permission, rate, status, text)   gateway's own code,
 *     which first asks the RPC row of the same subject
 *   RPC(subject, fn, input, output, guard, mode, text)                        no REST face
 * output is NOTHING, ONE(entity) or MANY(entity); input names <input>_shape. */
enum guard {
    GUARD_PUBLIC,  /* anybody; the row says why */
    GUARD_USER,    /* somebody signed in */
    GUARD_ADMIN,   /* an instance administrator */
    GUARD_SERVER,  /* a member of `server_id` with the permission there */
    GUARD_CHANNEL, /* somebody who sees `channel_id` and has the permission in it */
    GUARD_SERVICE, /* only processes of ours: never routed from outside */
};

enum rpc_mode {
    MODE_READ,   /* no transaction */
    MODE_WRITE,  /* one transaction; honours the idempotency key */
    MODE_SECRET, /* WRITE whose answer holds a secret and is not kept for the key */
    MODE_CALL,   /* no transaction: asks other services; each statement commits by itself */
    MODE_BATCH,  /* the handler gets all requests that wait, as an array, in one transaction */
    MODE_RAW,    /* bytes, streamed by hand-written code in the gateway */
};

/* Each class is one bucket a user, or an address before sign-in; the gateway's settings LIMIT_* say
 * how large. */
enum rate_class {
    RATE_NONE,
    RATE_GENERAL,
    RATE_MESSAGING,
    RATE_AUTH,
    RATE_UPLOAD,
    RATE_DOWNLOAD, /* a page of history may show many pictures */
    RATE_SIGNAL,   /* a call that begins passes many candidates on */
    RATE_COUNT
};
extern const char *const rate_class_names[RATE_COUNT];

enum rpc_output { OUTPUT_NOTHING, OUTPUT_ONE, OUTPUT_MANY };

typedef enum err rpc_fn(struct req *rq, const void *in);
/* Fill errs[i] for each request; an error returned fails (and retries one by one) them all. */
typedef enum err rpc_batch_fn(struct req *rq, struct req **rqs, const void *const *ins,
                              enum err *errs, size_t n);

struct rpc {
    const char *method; /* NULL: no REST face */
    const char *path;   /* below /api/v1, with {params} */
    const char *subject;
    rpc_fn *call;
    rpc_batch_fn *batch;
    const struct shape *input;
    enum rpc_output output;
    const struct shape *entity;
    enum guard guard;
    uint64_t permission;
    enum rpc_mode mode;
    enum rate_class rate;
    int status;
    const char *text;
};

struct rpc_table {
    const struct rpc *rows;
    size_t count;
};

/* Decides SERVER and CHANNEL guards: OK, ERR_UNKNOWN_SERVER/CHANNEL (the caller must not know that
 * it exists) or ERR_MISSING_PERMISSIONS. where is server_id or channel_id of the input. USER guards
 * pass by it too (where is 0), outside any transaction, for services that must know the caller.
 * Services that do not own memberships use guard_ask (which asks messaging over the bus). */
typedef enum err rpc_authorise_fn(struct req *rq, enum guard guard, snowflake where,
                                  uint64_t permission);
enum err guard_ask(struct req *rq, enum guard guard, snowflake where, uint64_t permission);

/* Decode, authorise, run in the row's mode, keep or recall the answer of its key: everything of a
 * request that is not transport. rq->events are then to be published, whatever the result. Used by
 * the dispatcher and by unit tests.
 *
 * What a process answers on the bus has these headers: Parley-Status, the HTTP status, unless it is
 * the row's own (or 204 without a body); of an error also Parley-Error, its name
 * ("unknown_channel"), and Parley-Retry-After, in milliseconds, when there is a time to come back;
 * the body is then the problem document. */
MUST_CHECK enum err rpc_call(const struct rpc *rpc, rpc_authorise_fn *may, struct req *rq,
                             const json_t *body, const json_t *params);

#endif
