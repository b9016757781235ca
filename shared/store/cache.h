/* SPDX-License-Identifier: MIT */
#ifndef SHARED_STORE_CACHE_H
#define SHARED_STORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/wire/req.h"

/* Redis: one pipelined asynchronous connection on a thread of its own (hiredis, libev), shared by
 * all threads of the process. It reconnects by itself; while it is away every call answers
 * ERR_UNAVAILABLE at once, and the caller decides what to do without it. */
struct cache;

struct cache_settings {
    const char *url; /* redis://[:password@]host:port[/db] or unix:///path */
};
MUST_CHECK enum err cache_open(const struct cache_settings *s, struct cache **ret);
void cache_close(struct cache *c);
bool cache_is_up(const struct cache *c);

enum cache_kind { CACHE_NIL, CACHE_INT, CACHE_STR, CACHE_LIST, CACHE_ERROR };
struct cache_value {
    enum cache_kind kind;
    int64_t integer;
    const char *str; /* NUL-terminated; CACHE_STR, CACHE_ERROR */
    size_t len;
    struct cache_value *items; /* CACHE_LIST */
    size_t count;
};

/* One command, formatted as hiredis does (%s, %b with length, %lld), waiting within rq's deadline.
 * An error reply of Redis is ERR_INTERNAL with rq->detail. */
MUST_CHECK enum err cache_do(struct req *rq, struct cache_value *ret, const char *fmt, ...);

/* Without waiting: fn(arg, e, v) runs once, on the cache's thread, unless the call itself failed;
 * v lives only during fn and must not block. */
typedef void cache_answer_fn(void *arg, enum err e, const struct cache_value *v);
MUST_CHECK enum err cache_ask(struct cache *c, cache_answer_fn *fn, void *arg, const char *fmt,
                              ...);

/* A Lua script, sent by EVALSHA and loaded when Redis does not know it. argv are keys first. */
struct cache_script {
    const char *text;
    int key_count;
    char sha[41]; /* filled at first use */
};
MUST_CHECK enum err cache_ask_script(struct cache *c, struct cache_script *s,
                                     const char *const *argv, int argc, cache_answer_fn *fn,
                                     void *arg);
MUST_CHECK enum err cache_do_script(struct req *rq, struct cache_script *s, const char *const *argv,
                                    int argc, struct cache_value *ret);

#endif
