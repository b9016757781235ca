/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_ARENA_H
#define SHARED_BASE_ARENA_H

/* A bump allocator: everything one request needs, released in one call. Allocation never returns
 * NULL (the process aborts) and memory is zeroed. A zeroed struct is an empty arena. One thread. */

#include "shared/base/macros.h"

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena_deferred;

struct arena {
    struct arena_block *head;
    struct arena_deferred *deferred;
    size_t total; /* bytes handed out since the last reset, for the request's metrics */
};

#define arena_new(arena, type)      ((type *)arena_alloc((arena), sizeof(type)))
#define arena_new_n(arena, type, n) ((type *)arena_alloc_n((arena), (n), sizeof(type)))

void *arena_alloc(struct arena *a, size_t size);
void *arena_alloc_n(struct arena *a, size_t count, size_t size);
void *arena_memdup(struct arena *a, const void *bytes, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Run fn(obj) when the arena is reset or released, last deferred first; for objects other
 * libraries own. */
void arena_defer(struct arena *a, void (*fn)(void *), void *obj);

/* Forget everything; reset keeps the first block for the next request, release keeps nothing. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#define auto_arena __attribute__((cleanup(arena_release)))

#endif
