/* SPDX-License-Identifier: MIT */
/* Commands and scripts, waited for or not. A waiting caller is always answered, because the loop
 * answers everything it takes within its own time-out; so the caller's frame may live on its stack.
 */

#include <hiredis/hiredis.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/heap.h"
#include "shared/base/str.h"
#include "shared/store/cache_private.h"

enum { SCRIPT_ARGS_MAX = 24 };

enum err cache_ask(struct cache *c, cache_answer_fn *fn, void *arg, const char *fmt, ...)
{
    char *command = NULL;
    va_list args;
    va_start(args, fmt);
    int len = redisvFormatCommand(&command, fmt, args);
    va_end(args);
    if (len < 0)
        return ERR_INTERNAL;
    return cache_ask_formatted(c, command, len, fn, arg);
}

/* ---- waiting ---- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool is_answered;
    enum err e;
    struct arena *arena;
    struct cache_value *value;
};

static void value_copy(struct arena *a, const struct cache_value *from, struct cache_value *to)
{
    *to = *from;
    if (from->str != NULL)
        to->str = arena_strndup(a, from->str, from->len);
    if (from->kind != CACHE_LIST)
        return;
    to->items = arena_alloc_n(a, from->count + 1, sizeof(*to->items));
    for (size_t i = 0; i < from->count; i++)
        value_copy(a, &from->items[i], &to->items[i]);
}

static void on_waited(void *arg, enum err e, const struct cache_value *v)
{
    struct waiter *w = arg;
    pthread_mutex_lock(&w->lock);
    w->e = e;
    if (e == OK)
        value_copy(w->arena, v, w->value);
    w->is_answered = true;
    pthread_cond_signal(&w->answered);
    pthread_mutex_unlock(&w->lock);
}

static enum err wait_answer(struct req *rq, struct waiter *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->is_answered)
        pthread_cond_wait(&w->answered, &w->lock);
    pthread_mutex_unlock(&w->lock);
    if (w->e != OK)
        return fail(rq, w->e, "cache: no answer");
    if (w->value->kind == CACHE_ERROR)
        return fail(rq, ERR_INTERNAL, "cache: %s", w->value->str);
    return OK;
}

enum err cache_do(struct req *rq, struct cache_value *ret, const char *fmt, ...)
{
    char *command = NULL;
    va_list args;
    va_start(args, fmt);
    int len = redisvFormatCommand(&command, fmt, args);
    va_end(args);
    if (len < 0)
        return fail(rq, ERR_INTERNAL, "cache: bad command");
    struct cache_value value = {.kind = CACHE_NIL};
    struct waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .arena = &rq->arena,
                       .value = &value};
    enum err e = cache_ask_formatted(rq->cache, command, len, on_waited, &w);
    if (e != OK)
        return fail(rq, e, "cache: away");
    TRY(wait_answer(rq, &w));
    if (ret != NULL)
        *ret = value;
    return OK;
}

/* ---- scripts ---- */

static pthread_mutex_t sha_lock = PTHREAD_MUTEX_INITIALIZER;

static void script_name(struct cache_script *s)
{
    pthread_mutex_lock(&sha_lock);
    if (s->sha[0] == '\0') {
        unsigned char digest[SHA_DIGEST_LENGTH];
        SHA1((const unsigned char *)s->text, strlen(s->text), digest);
        str_hex(digest, sizeof(digest), s->sha);
    }
    pthread_mutex_unlock(&sha_lock);
}

static char *script_command(struct cache_script *s, bool is_whole, const char *const *argv,
                            int argc, int64_t *ret_len)
{
    char keys[12];
    const char *v[SCRIPT_ARGS_MAX + 3] = {is_whole ? "EVAL" : "EVALSHA",
                                          is_whole ? s->text : s->sha, keys};
    size_t lens[SCRIPT_ARGS_MAX + 3];
    snprintf(keys, sizeof(keys), "%d", s->key_count);
    for (int i = 0; i < argc; i++)
        v[i + 3] = argv[i];
    for (int i = 0; i < argc + 3; i++)
        lens[i] = strlen(v[i]);
    char *command = NULL;
    *ret_len = redisFormatCommandArgv(&command, argc + 3, v, lens);
    return command;
}

/* Redis forgets scripts when it restarts: then the whole text is sent, once. */
struct script_ask {
    struct cache *cache;
    cache_answer_fn *fn;
    void *arg;
    char *whole; /* the EVAL command */
    int64_t whole_len;
};

static void on_script(void *arg, enum err e, const struct cache_value *v)
{
    struct script_ask *a = arg;
    bool is_unknown = e == OK && v->kind == CACHE_ERROR && strncmp(v->str, "NOSCRIPT", 8) == 0;
    if (is_unknown) {
        e = cache_ask_formatted(a->cache, a->whole, a->whole_len, a->fn, a->arg);
        a->whole = NULL;
    }
    if (!is_unknown || e != OK)
        a->fn(a->arg, e, e == OK ? v : NULL);
    free(a->whole);
    free(a);
}

enum err cache_ask_script(struct cache *c, struct cache_script *s, const char *const *argv,
                          int argc, cache_answer_fn *fn, void *arg)
{
    if (argc > SCRIPT_ARGS_MAX)
        return ERR_INTERNAL;
    script_name(s);
    struct script_ask *a = heap_alloc(sizeof(*a));
    *a = (struct script_ask){.cache = c, .fn = fn, .arg = arg};
    a->whole = script_command(s, true, argv, argc, &a->whole_len);
    int64_t len;
    char *command = script_command(s, false, argv, argc, &len);
    enum err e = cache_ask_formatted(c, command, len, on_script, a);
    if (e != OK) {
        free(a->whole);
        free(a);
    }
    return e;
}

enum err cache_do_script(struct req *rq, struct cache_script *s, const char *const *argv, int argc,
                         struct cache_value *ret)
{
    struct cache_value value = {.kind = CACHE_NIL};
    struct waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .arena = &rq->arena,
                       .value = &value};
    enum err e = cache_ask_script(rq->cache, s, argv, argc, on_waited, &w);
    if (e != OK)
        return fail(rq, e, "cache: away");
    TRY(wait_answer(rq, &w));
    if (ret != NULL)
        *ret = value;
    return OK;
}
