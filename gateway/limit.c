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
#include "gateway/peer.h"
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

/* The same answer, and nothing counted. */
static struct cache_script look_script = {
    .text = "return {tonumber(redis.call('GET', KEYS[1]) or 0), redis.call('PTTL', KEYS[1])}",
    .key_count = 1,
};

/* How a window is asked, by Redis and without it. */
struct asking {
    struct cache_script *script;
    int64_t (*here)(struct limits *l, const char *key, int64_t seconds, int64_t *ret_left_ms);
};

/* One question on its way to Redis and back. */
struct taking {
    const struct asking *how;
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

static struct window *set_of(struct limits *l, uint64_t hash)
{
    return &l->windows[(hash & (LOCAL_SLOTS / LOCAL_WAYS - 1)) * LOCAL_WAYS];
}

static struct window *find_window(struct limits *l, uint64_t hash)
{
    struct window *set = set_of(l, hash);
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

static int64_t count_here(struct limits *l, const char *key, int64_t seconds, int64_t *ret_left_ms)
{
    int64_t now = mono_us();
    pthread_mutex_lock(&l->lock);
    struct window *w = find_window(l, hash_key(l, key));
    if (w->ends_us <= now) {
        w->ends_us = now + seconds * 1000000;
        w->taken = 0;
    }
    int64_t taken = ++w->taken;
    *ret_left_ms = (w->ends_us - now + 999) / 1000;
    pthread_mutex_unlock(&l->lock);
    return taken;
}

static int64_t look_here(struct limits *l, const char *key, int64_t seconds UNUSED,
                         int64_t *ret_left_ms)
{
    uint64_t hash = hash_key(l, key);
    int64_t taken = 0;
    int64_t left_us = 0;
    int64_t now = mono_us();
    pthread_mutex_lock(&l->lock);
    const struct window *set = set_of(l, hash);
    for (size_t i = 0; i < LOCAL_WAYS; i++)
        if (set[i].key_hash == hash && set[i].ends_us > now) {
            taken = set[i].taken;
            left_us = set[i].ends_us - now;
        }
    pthread_mutex_unlock(&l->lock);
    *ret_left_ms = (left_us + 999) / 1000;
    return taken;
}

static const struct asking take = {&take_script, count_here};
static const struct asking look = {&look_script, look_here};

static void ask_here(struct taking *t)
{
    int64_t left_ms;
    int64_t taken = t->how->here(t->limits, t->key, t->rate.seconds, &left_ms);
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
        ask_here(t);
    free(t);
}

static void start(struct limits *l, const struct asking *how, const struct limit_ask *ask,
                  limit_fn *fn, void *arg)
{
    struct rate rate = ask->is_bot ? l->settings->limit_bot : l->settings->limits[ask->class];
    if (rate.count == 0 || ask->class == RATE_NONE) {
        fn(arg, &(struct limit_state){0});
        return;
    }

    struct taking *t = heap_alloc(sizeof(*t));
    t->how = how;
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
        cache_ask_script(l->cache, how->script, argv, ARRAY_LEN(argv), on_redis, t) != OK) {
        ask_here(t);
        free(t);
    }
}

void limit_take(struct limits *l, const struct limit_ask *ask, limit_fn *fn, void *arg)
{
    start(l, &take, ask, fn, arg);
}

void limit_look(struct limits *l, const struct limit_ask *ask, limit_fn *fn, void *arg)
{
    start(l, &look, ask, fn, arg);
}

/* ---- refused credentials ---- */

static void refused_key(const char *address, char ret[KEY_SIZE])
{
    char bucket[PEER_TEXT_SIZE];
    peer_bucket(address, bucket);
    snprintf(ret, KEY_SIZE, "refused:%s", bucket);
}

void limit_refused(struct limits *l, const char *address)
{
    char key[KEY_SIZE];
    int64_t left_ms;
    if (l->settings->limits[RATE_GENERAL].count == 0)
        return;
    refused_key(address, key);
    (void)count_here(l, key, l->settings->limits[RATE_GENERAL].seconds, &left_ms);
}

/* Whoever was never refused needs no place. */
int64_t limit_barred_ms(struct limits *l, const char *address)
{
    char key[KEY_SIZE];
    int64_t left_ms;
    int64_t count = l->settings->limits[RATE_GENERAL].count;
    if (count == 0)
        return 0;
    refused_key(address, key);
    return look_here(l, key, 0, &left_ms) >= count ? left_ms : 0;
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
