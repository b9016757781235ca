/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ROUTES_H
#define GATEWAY_ROUTES_H

#include <stddef.h>

#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/service/rpc.h"

/* What the outside can ask for: the rows of every services/<name>/api.def that have a method. Built
 * once at start, constant afterwards, so any thread may look. */
struct route {
    const char *method;
    const char *path;    /* below /api/v1: "/channels/{channel_id}" */
    const char *subject; /* "messaging.channel.get"; on the bus "rpc." before it */
    enum guard guard;
    enum rpc_mode mode;
    enum rate_class rate;
    int status;
    const char *raw; /* MODE_RAW: name of the gateway's own handler (bytes.h) */
};

extern const struct route routes[];
extern const size_t route_count;

/* Before anything else of this file; routes_done is for leak checkers. */
void routes_init(void);
void routes_done(void);

/* A parameter's value, still percent-encoded: a piece of the path that was matched. */
struct route_param {
    const char *name;
    size_t name_len;
    const char *value;
    size_t len;
};

#define ROUTE_PARAMS_MAX 4
#define ROUTE_ALLOW_SIZE 48
struct route_match {
    const struct route *route;
    struct route_param params[ROUTE_PARAMS_MAX];
    size_t param_count;
    char allow[ROUTE_ALLOW_SIZE]; /* when the path exists: "GET, HEAD, OPTIONS" */
};

/* OK, ERR_UNKNOWN_ROUTE or ERR_METHOD_NOT_ALLOWED. path is what follows /api/v1, without query, and
 * must outlive the match. HEAD finds the GET route. */
MUST_CHECK enum err route_match(const char *method, const char *path, size_t len,
                                struct route_match *ret);

/* By the subject ("messaging.message.create") or, where that is unique, by what follows the
 * service ("message.create"): how a WebSocket command names its endpoint. NULL: no such route. */
const struct route *route_by_name(const char *name, size_t len);

#endif
