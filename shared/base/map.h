/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_MAP_H
#define SHARED_BASE_MAP_H

/* Ids to pointers: an open-addressing hash map that grows and shrinks. A zeroed struct is an empty
 * map. Values are never NULL and stay the caller's. Keys that clients can choose are safe: the hash
 * is seeded per process. One thread. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t cap; /* 0 or a power of two */
    size_t count;
};

void *map_get(const struct map *m, uint64_t key);
void *map_put(struct map *m, uint64_t key, void *value); /* returns what it replaced, or NULL */
void *map_del(struct map *m, uint64_t key);              /* returns what it held, or NULL */
void map_done(struct map *m);                            /* frees the map, not the values */

/* for (size_t at = 0; map_next(&m, &at, &key, &value);) … in no order. Neither put nor delete while
 * walking; ret_key may be NULL. */
bool map_next(const struct map *m, size_t *at, uint64_t *ret_key, void **ret_value);

#endif
