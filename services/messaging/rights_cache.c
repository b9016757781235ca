/* SPDX-License-Identifier: MIT */
/* Two direct-mapped tables under a few locks; what collides is overwritten, so neither grows. The
 * tables are untouched memory until used: an idle process pays nothing for them. */

#include "services/messaging/rights_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"

enum {
    ENTRIES = 16384,
    VERSIONS = 4096,
    LOCKS = 64,
    TRUST_US = 900000,       /* how old a server's number may be: less than the second promised */
    ENTRY_LIFE_US = 10000000 /* names in an entry may be this old */
};

struct version {
    snowflake server_id;
    int64_t seq;
    int64_t read_us; /* 0: not known */
    uint64_t changes;
    int touched;
};

struct rights_cache {
    struct kept entries[ENTRIES];
    struct version versions[VERSIONS];
    pthread_mutex_t entry_locks[LOCKS];
    pthread_mutex_t version_locks[LOCKS];
};

struct rights_cache *rights_cache_new(void)
{
    struct rights_cache *c = heap_alloc(sizeof(*c));
    for (int i = 0; i < LOCKS; i++) {
        pthread_mutex_init(&c->entry_locks[i], NULL);
        pthread_mutex_init(&c->version_locks[i], NULL);
    }
    return c;
}

void rights_cache_free(struct rights_cache *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < LOCKS; i++) {
        pthread_mutex_destroy(&c->entry_locks[i]);
        pthread_mutex_destroy(&c->version_locks[i]);
    }
    free(c);
}

static size_t mix(uint64_t id)
{
    id *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(id >> 32);
}

static void unlock_p(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}
#define auto_unlock __attribute__((cleanup(unlock_p), unused)) pthread_mutex_t

static pthread_mutex_t *locked(pthread_mutex_t *lock)
{
    pthread_mutex_lock(lock);
    return lock;
}

static size_t entry_index(snowflake user_id, snowflake where)
{
    return mix(user_id ^ mix(where)) % ENTRIES;
}

bool kept_find(struct rights_cache *c, snowflake user_id, snowflake where, struct kept *ret)
{
    size_t at = entry_index(user_id, where);
    auto_unlock *lock = locked(&c->entry_locks[at % LOCKS]);
    const struct kept *k = &c->entries[at];
    if (k->user_id != user_id || k->where != where || mono_us() - k->loaded_us > ENTRY_LIFE_US)
        return false;
    *ret = *k;
    return true;
}

void kept_store(struct rights_cache *c, const struct kept *k)
{
    size_t at = entry_index(k->user_id, k->where);
    auto_unlock *lock = locked(&c->entry_locks[at % LOCKS]);
    c->entries[at] = *k;
    c->entries[at].loaded_us = mono_us();
}

/* The slot of a server. Another server may share it; touching one then only costs the other a
 * reading. */
static struct version *version_locked(struct rights_cache *c, snowflake server_id,
                                      pthread_mutex_t **ret_lock)
{
    size_t at = mix(server_id) % VERSIONS;
    *ret_lock = locked(&c->version_locks[at % LOCKS]);
    return &c->versions[at];
}

enum version_state version_check(struct rights_cache *c, snowflake server_id, int64_t seq,
                                 int64_t now_us)
{
    auto_unlock *lock;
    const struct version *v = version_locked(c, server_id, &lock);
    if (v->server_id != server_id || v->touched > 0 || v->read_us == 0 ||
        now_us - v->read_us > TRUST_US)
        return VERSION_UNKNOWN;
    return v->seq == seq ? VERSION_SAME : VERSION_OTHER;
}

struct version_mark version_mark(struct rights_cache *c, snowflake server_id)
{
    auto_unlock *lock;
    return (struct version_mark){version_locked(c, server_id, &lock)->changes, mono_us()};
}

void version_note(struct rights_cache *c, snowflake server_id, int64_t seq,
                  struct version_mark mark)
{
    auto_unlock *lock;
    struct version *v = version_locked(c, server_id, &lock);
    if (v->changes != mark.changes || v->touched > 0)
        return;
    v->server_id = server_id;
    v->seq = seq;
    v->read_us = mark.at_us;
}

static void distrust(struct rights_cache *c, snowflake server_id, int touched)
{
    auto_unlock *lock;
    struct version *v = version_locked(c, server_id, &lock);
    v->touched += touched;
    v->changes++;
    v->read_us = 0;
}

void version_touch(struct rights_cache *c, snowflake server_id)
{
    distrust(c, server_id, 1);
}

void version_untouch(struct rights_cache *c, snowflake server_id)
{
    distrust(c, server_id, -1);
}

void rights_forget(struct rights_cache *c, snowflake server_id)
{
    distrust(c, server_id, 0);
}
