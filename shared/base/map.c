/* SPDX-License-Identifier: MIT
 *
 * Linear probing at a load between an eighth and three quarters. Deleting moves later entries of
 * the run back instead of leaving a mark, so a map that lives for months probes as far as a new
 * one. */

#include "shared/base/map.h"

#include "shared/base/heap.h"
#include "shared/base/rand.h"

#include <assert.h>
#include <pthread.h>

enum { SMALLEST = 16 };

/* A NULL value is a free slot. */
struct map_slot {
    uint64_t key;
    void *value;
};

static uint64_t seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    seed = rand_u64();
}

/* Multiply and fold (two rounds): ids differ mostly in their upper bits, and slots are chosen by
 * the lower ones. */
static size_t home(const struct map *m, uint64_t key)
{
    uint64_t h = (key ^ seed) * UINT64_C(0x9E3779B97F4A7C15);
    h = (h ^ h >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return (size_t)(h ^ h >> 32) & (m->cap - 1);
}

/* The slot of the key, or the free one where it would go. */
static struct map_slot *find(const struct map *m, uint64_t key)
{
    size_t at = home(m, key);
    while (m->slots[at].value != NULL && m->slots[at].key != key)
        at = (at + 1) & (m->cap - 1);
    return &m->slots[at];
}

static void resize(struct map *m, size_t cap)
{
    pthread_once(&seeded, make_seed);
    struct map old = *m;
    m->slots = heap_alloc_n(cap, sizeof(*m->slots));
    m->cap = cap;
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].value != NULL)
            *find(m, old.slots[i].key) = old.slots[i];
    free(old.slots);
}

void *map_get(const struct map *m, uint64_t key)
{
    return m->count == 0 ? NULL : find(m, key)->value;
}

void *map_put(struct map *m, uint64_t key, void *value)
{
    assert(value != NULL);
    if ((m->count + 1) * 4 > m->cap * 3)
        resize(m, m->cap == 0 ? SMALLEST : m->cap * 2);
    struct map_slot *slot = find(m, key);
    void *before = slot->value;
    m->count += before == NULL;
    *slot = (struct map_slot){.key = key, .value = value};
    return before;
}

/* An entry behind the hole moves into it unless its home lies between the two. */
static void close_hole(struct map *m, size_t hole)
{
    size_t mask = m->cap - 1;
    for (size_t at = (hole + 1) & mask; m->slots[at].value != NULL; at = (at + 1) & mask) {
        size_t from_home = (at - home(m, m->slots[at].key)) & mask;
        size_t from_hole = (at - hole) & mask;
        if (from_home < from_hole)
            continue;
        m->slots[hole] = m->slots[at];
        hole = at;
    }
    m->slots[hole].value = NULL;
}

void *map_del(struct map *m, uint64_t key)
{
    if (m->count == 0)
        return NULL;
    struct map_slot *slot = find(m, key);
    void *before = slot->value;
    if (before == NULL)
        return NULL;
    close_hole(m, (size_t)(slot - m->slots));
    m->count--;
    if (m->cap > SMALLEST && m->count * 8 < m->cap)
        resize(m, m->cap / 2);
    return before;
}

void map_done(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}

bool map_next(const struct map *m, size_t *at, uint64_t *ret_key, void **ret_value)
{
    for (; *at < m->cap; ++*at) {
        const struct map_slot *slot = &m->slots[*at];
        if (slot->value == NULL)
            continue;
        if (ret_key != NULL)
            *ret_key = slot->key;
        *ret_value = slot->value;
        ++*at;
        return true;
    }
    return false;
}
