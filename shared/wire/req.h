/* SPDX-License-Identifier: MIT */
#ifndef SHARED_WIRE_REQ_H
#define SHARED_WIRE_REQ_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/domain/snowflake.h"
#include "shared/wire/field.h"

struct bus;
struct cache;
struct db;
struct event;
struct field_errors;

/* Who asks, as the gateway established it; strings live as long as the request. */
struct caller {
    snowflake user; /* 0 before log-in */
    snowflake app;
    snowflake session;
    bool is_admin;          /* instance administrator */
    bool is_bot;            /* an API key or a bot, not a session */
    const char *ip;         /* textual address; never logged in full */
    const char *agent;      /* User-Agent */
    const char *locale;     /* "en" */
    const char *request_id; /* printable, <= 64 */
    const char *trace;      /* W3C traceparent, or NULL */
    const char *key;        /* idempotency key, or NULL */
};

/* One request on its way through the dispatcher: a courier, not a warehouse. It lives on the
 * stack of the worker that answers it; everything it made dies with its arena. */
struct req {
    struct arena arena;
    const char *subject; /* "messaging.pin.add" */
    const struct caller *from;
    snowflake actor; /* from->user */
    snowflake app;   /* from->app */
    struct db *db;   /* this worker's connection */
    struct bus *bus;
    struct cache *cache;
    void *state;                 /* struct service .state: what one process may keep */
    int64_t deadline_us;         /* monotonic */
    struct buf reply;            /* the answer's JSON; empty is 204 */
    struct event *events;        /* newest first; published after COMMIT */
    struct field_errors *errors; /* NULL until the first */
    const char *detail;          /* why it failed, for the log only */
    int retry_after_ms;          /* with ERR_SLOW_MODE, ERR_UNAVAILABLE ... */
    int status;                  /* of a success, when it is not the row's own */
    enum err refusal;            /* see refuse() */
    bool in_tx;
    int64_t outbox_row; /* where COMMIT kept the durable events; 0: nowhere */
};
_Static_assert(sizeof(struct req) <= 192, "struct req is a courier");

/* Return fail(rq, ERR_X, "why: %s", text): keeps the reason for the log. */
enum err fail(struct req *rq, enum err e, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Return fail_field(rq, "content", "must not be empty"): ERR_INVALID_FORM with this field. */
enum err fail_field(struct req *rq, const char *field, const char *message);

/* Return fail_after(rq, ERR_SLOW_MODE, ms): the client may come back after so long. */
enum err fail_after(struct req *rq, enum err e, int retry_after_ms);

/* An id for something new; ERR_UNAVAILABLE while this process holds no worker number. */
MUST_CHECK static inline enum err new_id(struct req *rq, snowflake *ret_id)
{
    *ret_id = snowflake_next();
    return *ret_id != 0 ? OK : fail(rq, ERR_UNAVAILABLE, "no worker number is leased");
}

/* Return refuse(rq, ERR_REFRESH_REUSED): what the handler wrote is committed and its events are
 * published, but the answer is this error. For refusals that must leave a mark. */
static inline enum err refuse(struct req *rq, enum err e)
{
    rq->refusal = e;
    return OK;
}

/* Write the answer. The last call wins. Both return OK so that they can end a handler. */
enum err reply(struct req *rq, const struct shape *sh, const void *obj);
enum err reply_list(struct req *rq, const struct shape *sh, const struct list *l);

/* Append the problem document (RFC 9457, "Problem Details for HTTP APIs") for e. */
void problem_encode(const struct req *rq, enum err e, struct buf *out);

#endif
