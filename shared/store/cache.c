/* SPDX-License-Identifier: MIT */
/* Any thread hands a formatted command to the loop thread through a queue; the loop keeps every
 * command it gave to hiredis in `asked`, in order, because Redis answers in order. hiredis 0.14 has
 * no time-out on its asynchronous side, so a timer looks at the oldest: too old means that Redis
 * hangs, and the connection is dropped, which answers all of them. "Up" is only believed after
 * Redis has answered a PING on the new connection. */

#include "shared/store/cache.h"

#include <ev.h>
#include <hiredis/adapters/libev.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/mpsc.h"
#include "shared/base/thread.h"
#include "shared/store/cache_private.h"

enum { ANSWER_US = 500000, TICK_MS = 100, RECONNECT_US = 200000, QUEUE_MAX = 65536 };

struct ask {
    struct mpsc_node node;
    struct ask *next; /* in asked */
    char *command;    /* hiredis' memory */
    int64_t command_len;
    cache_answer_fn *fn;
    void *arg;
    int64_t asked_us;
};

struct cache {
    struct cache_address address;
    struct ev_loop *loop;
    ev_async wake;
    ev_timer tick;
    pthread_t thread;
    struct mpsc queue;
    atomic_int depth; /* queued and asked: the bound of the queue */
    atomic_bool is_up;
    atomic_bool is_stopping;
    redisAsyncContext *redis; /* NULL while away; the rest is the loop thread's alone */
    struct ask *oldest;
    struct ask *newest;
    int64_t ping_us; /* sent and not answered, else 0 */
    int64_t retry_us;
};

static void ask_finish(struct cache *c, struct ask *a, enum err e, const struct cache_value *v)
{
    a->fn(a->arg, e, v);
    free(a->command);
    free(a);
    atomic_fetch_sub(&c->depth, 1);
}

static void on_answer(redisAsyncContext *redis, void *reply, void *arg)
{
    struct cache *c = redis->data;
    struct ask *a = arg;
    c->oldest = a->next;
    if (c->oldest == NULL)
        c->newest = NULL;
    if (reply == NULL) {
        ask_finish(c, a, ERR_UNAVAILABLE, NULL);
        return;
    }
    auto_arena struct arena arena = {0};
    struct cache_value v;
    cache_value_fill(&arena, reply, &v);
    ask_finish(c, a, OK, &v);
}

static void ask_now(struct cache *c, struct ask *a)
{
    if (c->redis == NULL || !atomic_load(&c->is_up)) {
        ask_finish(c, a, ERR_UNAVAILABLE, NULL);
        return;
    }
    a->asked_us = mono_us();
    a->next = NULL;
    if (c->newest != NULL)
        c->newest->next = a;
    else
        c->oldest = a;
    struct ask *before = c->newest;
    c->newest = a;
    if (redisAsyncFormattedCommand(c->redis, on_answer, a, a->command, (size_t)a->command_len) ==
        REDIS_OK)
        return;
    c->newest = before;
    if (before != NULL)
        before->next = NULL;
    else
        c->oldest = NULL;
    ask_finish(c, a, ERR_UNAVAILABLE, NULL);
}

static void on_wake(struct ev_loop *loop, ev_async *w, int events)
{
    (void)events;
    struct cache *c = w->data;
    for (struct mpsc_node *n = mpsc_take(&c->queue); n != NULL;) {
        struct mpsc_node *next = n->next;
        ask_now(c, CONTAINER_OF(n, struct ask, node));
        n = next;
    }
    if (atomic_load(&c->is_stopping))
        ev_break(loop, EVBREAK_ALL);
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    (void)status;
    struct cache *c = redis->data;
    c->redis = NULL;
    c->ping_us = 0;
    c->retry_us = mono_us() + RECONNECT_US;
    if (atomic_exchange(&c->is_up, false))
        LOG(WARN, "cache.lost", KV("detail", redis->errstr));
}

static void on_ping(redisAsyncContext *redis, void *reply, void *arg)
{
    struct cache *c = arg;
    (void)redis;
    c->ping_us = 0;
    const redisReply *r = reply;
    if (r == NULL)
        return;
    if (r->type == REDIS_REPLY_ERROR)
        LOG(ERROR, "cache.refused", KV("detail", (const char *)r->str));
    else if (!atomic_exchange(&c->is_up, true))
        LOG(INFO, "cache.up");
}

/* A connection that fails to come up frees itself after this call. */
static void on_connect(const redisAsyncContext *redis, int status)
{
    struct cache *c = redis->data;
    if (status == REDIS_OK)
        return;
    c->redis = NULL;
    c->ping_us = 0;
    c->retry_us = mono_us() + RECONNECT_US;
}

static void greet(struct cache *c)
{
    if (c->address.password != NULL)
        redisAsyncCommand(c->redis, NULL, NULL, "AUTH %s", c->address.password);
    redisAsyncCommand(c->redis, NULL, NULL, "SELECT %d", c->address.db);
    c->ping_us = mono_us();
    redisAsyncCommand(c->redis, on_ping, c, "PING");
}

static void connect_again(struct cache *c)
{
    if (c->redis != NULL || mono_us() < c->retry_us)
        return;
    c->retry_us = mono_us() + RECONNECT_US;
    redisAsyncContext *redis = c->address.path != NULL
                                   ? redisAsyncConnectUnix(c->address.path)
                                   : redisAsyncConnect(c->address.host, c->address.port);
    if (redis == NULL || redis->err != 0) {
        if (redis != NULL)
            redisAsyncFree(redis);
        return;
    }
    c->redis = redis;
    redis->data = c;
    redisLibevAttach(c->loop, redis);
    redisAsyncSetConnectCallback(redis, on_connect);
    redisAsyncSetDisconnectCallback(redis, on_disconnect);
    greet(c);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    struct cache *c = w->data;
    int64_t late_us = mono_us() - ANSWER_US;
    bool is_hanging = (c->oldest != NULL && c->oldest->asked_us < late_us) ||
                      (c->ping_us != 0 && c->ping_us < late_us);
    if (c->redis != NULL && is_hanging) {
        redisAsyncContext *redis = c->redis;
        redisAsyncFree(redis); /* answers everything that waits with nothing */
        c->redis = NULL;
        c->ping_us = 0;
        if (atomic_exchange(&c->is_up, false))
            LOG(WARN, "cache.lost", KV("detail", "no answer"));
    }
    connect_again(c);
}

static void *cache_main(void *arg)
{
    struct cache *c = arg;
    connect_again(c);
    ev_run(c->loop, 0);
    if (c->redis != NULL)
        redisAsyncFree(c->redis);
    c->redis = NULL;
    on_wake(c->loop, &c->wake, 0); /* what came in meanwhile: nobody is left unanswered */
    return NULL;
}

enum err cache_open(const struct cache_settings *s, struct cache **ret)
{
    struct cache *c = heap_alloc(sizeof(*c));
    if (!cache_address_parse(s->url, &c->address)) {
        free(c);
        return ERR_INTERNAL;
    }
    c->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
    c->wake.data = c;
    c->tick.data = c;
    ev_async_init(&c->wake, on_wake);
    ev_async_start(c->loop, &c->wake);
    ev_timer_init(&c->tick, on_tick, TICK_MS / 1000.0, TICK_MS / 1000.0);
    ev_timer_start(c->loop, &c->tick);
    thread_start(&c->thread, cache_main, c);
    *ret = c;
    return OK;
}

void cache_close(struct cache *c)
{
    if (c == NULL)
        return;
    atomic_store(&c->is_stopping, true);
    atomic_store(&c->is_up, false);
    ev_async_send(c->loop, &c->wake);
    pthread_join(c->thread, NULL);
    ev_loop_destroy(c->loop);
    cache_address_done(&c->address);
    free(c);
}

bool cache_is_up(const struct cache *c)
{
    return c != NULL && atomic_load(&c->is_up);
}

/* Takes the command's memory in any case. */
enum err cache_ask_formatted(struct cache *c, char *command, int64_t len, cache_answer_fn *fn,
                             void *arg)
{
    if (!cache_is_up(c) || atomic_load(&c->depth) >= QUEUE_MAX) {
        free(command);
        return ERR_UNAVAILABLE;
    }
    atomic_fetch_add(&c->depth, 1);
    struct ask *a = heap_alloc(sizeof(*a));
    a->command = command;
    a->command_len = len;
    a->fn = fn;
    a->arg = arg;
    if (mpsc_push(&c->queue, &a->node))
        ev_async_send(c->loop, &c->wake);
    return OK;
}
