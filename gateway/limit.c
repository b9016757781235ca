/* SPDX-License-Identifier: MIT
 *
 * Rate limits. One round trip to Redis counts and reads the window at once, so two gateways cannot
 * both give away the last request. Without Redis each gateway counts for itself in a table of fixed
 * size: limits get looser then, never absent, and chat goes on.
 */
#include "gateway/limit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "gateway/gateway.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/macros.h"
#include "shared/base/rand.h"
#include "shared/service/metrics.h"
#include "shared/store/cache.h"

enum {
    KEY_SIZE = 192,
    LOCAL_SLOTS = 16384, /* a power of two */
    LOCAL_WAYS = 4,      /* slots a key may be in */
};

/* A window of one key; of the keys that could share its place the one that ends first is forgotten.
 */
struct window {
    uint64_t key_hash;
    int64_t ends_us;
    int64_t taken;
};

struct limits {
    const struct gateway_settings *settings;
    struct cache *cache;
    pthread_mutex_t lock; /* guards windows */
    uint64_t seed;
    struct window windows[LOCAL_SLOTS];
};

/* KEYS[1] the window, ARGV[1] its length in ms. Answers {taken, ms left}. */
static struct cache_script take_script = {
    .text = "local n = redis.call('INCR', KEYS[1]) "
            "if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end "
            "return {n, redis.call('PTTL', KEYS[1])}",
    .key_count = 1,
};

/* One question on its way to Redis and back. */
struct taking {
    struct limits *limits;
    struct rate rate;
    const char *bucket;
    limit_fn *fn;
    void *arg;
    char key[KEY_SIZE];
};

static void tell(const struct taking *t, int64_t taken, int64_t left_ms)
{
    struct limit_state state = {
        .bucket = t->bucket,
        .count = t->rate.count,
        .remaining = taken < t->rate.count ? t->rate.count - taken : 0,
        .reset_ms = left_ms,
        .is_over = taken > t->rate.count,
    };
    t->fn(t->arg, &state);
}

/* FNV-1a from a secret start: clients choose account names, they must not choose collisions. */
static uint64_t hash_key(const struct limits *l, const char *key)
{
    uint64_t h = l->seed;
    for (; *key != '\0'; key++)
        h = (h ^ (uint8_t)*key) * 0x100000001b3ULL;
    return h ^ h >> 29;
}

static struct window *find_window(struct limits *l, uint64_t hash)
{
    struct window *set = &l->windows[(hash & (LOCAL_SLOTS / LOCAL_WAYS - 1)) * LOCAL_WAYS];
    struct window *oldest = set;
    for (size_t i = 0; i < LOCAL_WAYS; i++) {
        if (set[i].key_hash == hash)
            return &set[i];
        if (set[i].ends_us < oldest->ends_us)
            oldest = &set[i];
    }
    *oldest = (struct window){.key_hash = hash};
    return oldest;
}

static void take_here(struct taking *t)
{
    struct limits *l = t->limits;
    int64_t now = mono_us();
    pthread_mutex_lock(&l->lock);
    struct window *w = find_window(l, hash_key(l, t->key));
    if (w->ends_us <= now) {
        w->ends_us = now + t->rate.seconds * 1000000;
        w->taken = 0;
    }
    int64_t taken = ++w->taken;
    int64_t left_ms = (w->ends_us - now + 999) / 1000;
    pthread_mutex_unlock(&l->lock);
    metric_add(METRIC_limits_alone_total, 0, 0, 1);
    tell(t, taken, left_ms);
}

static bool is_answer(const struct cache_value *v)
{
    return v->kind == CACHE_LIST && v->count == 2 && v->items[0].kind == CACHE_INT &&
           v->items[1].kind == CACHE_INT;
}

static void on_redis(void *arg, enum err e, const struct cache_value *v)
{
    struct taking *t = arg;
    if (e == OK && is_answer(v))
        tell(t, v->items[0].integer, v->items[1].integer > 0 ? v->items[1].integer : 0);
    else
        take_here(t);
    free(t);
}

void limit_take(struct limits *l, const struct limit_ask *ask, limit_fn *fn, void *arg)
{
    struct rate rate = ask->is_bot ? l->settings->limit_bot : l->settings->limits[ask->class];
    if (rate.count == 0 || ask->class == RATE_NONE) {
        fn(arg, &(struct limit_state){0});
        return;
    }

    struct taking *t = heap_alloc(sizeof(*t));
    t->limits = l;
    t->rate = rate;
    t->bucket = ask->is_bot ? "bot" : rate_class_names[ask->class];
    t->fn = fn;
    t->arg = arg;
    snprintf(t->key, sizeof(t->key), "limit:%s:%s", t->bucket, ask->who);

    char length[24];
    snprintf(length, sizeof(length), "%lld", (long long)rate.seconds * 1000);
    const char *argv[] = {t->key, length};
    if (!cache_is_up(l->cache) ||
        cache_ask_script(l->cache, &take_script, argv, ARRAY_LEN(argv), on_redis, t) != OK) {
        take_here(t);
        free(t);
    }
}

enum err limits_open(struct gateway *g, struct limits **ret)
{
    struct limits *l = heap_alloc(sizeof(*l));
    l->settings = g->settings;
    l->cache = g->cache;
    l->seed = rand_u64();
    pthread_mutex_init(&l->lock, NULL);
    *ret = l;
    return OK;
}

void limits_close(struct limits *l)
{
    if (l == NULL)
        return;
    pthread_mutex_destroy(&l->lock);
    free(l);
}
