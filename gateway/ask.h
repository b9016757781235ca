/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ASK_H
#define GATEWAY_ASK_H

#include <nats/nats.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/wire/field.h"

/* Questions the gateway itself asks the services, and how their answers are read. */
struct bus;
struct caller;

/* The answer as the service gave it: an error it answered is e, its document the body. body lives
 * as long as msg. */
struct ask_answer {
    enum err err;
    int status;
    bool is_usual; /* the status is the row's, which status need not be */
    const char *body;
    size_t len;
    int64_t retry_after_ms;
};
void ask_read(enum err e, const natsMsg *msg, struct ask_answer *ret);

/* An entity out of an answer's JSON; ERR_INTERNAL when it has not that shape. */
MUST_CHECK enum err ask_decode(const struct shape *sh, const struct ask_answer *a,
                               struct arena *arena, void *ret);

/* Ask as the gateway, on nobody's behalf. fn as of bus_ask: exactly once, on any thread; it is
 * called here, with the error, when nothing could be sent. json is the body. */
typedef void ask_fn(void *arg, enum err e, natsMsg *msg);
struct ask_out {
    const char *subject;
    const char *json;
};
void ask_start(struct bus *bus, const char *subject, const char *json, ask_fn *fn, void *arg);
/* The same on behalf of somebody. */
void ask_start_as(struct bus *bus, const struct caller *who, const struct ask_out *out, ask_fn *fn,
                  void *arg);

enum { ASK_TIMEOUT_MS = 3000 };

#endif
