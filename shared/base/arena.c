/* SPDX-License-Identifier: MIT
 *
 * Blocks in a list, newest first, bumped from the head. The first block is small and survives a
 * reset, so an ordinary request allocates nothing; what is handed out is zeroed then, not when a
 * block is made, because a block is used again. */

#include "shared/base/arena.h"

#include "shared/base/heap.h"

#include <stdint.h>
#include <string.h>

enum {
    FIRST_BLOCK = 4096,
    NEXT_BLOCK = 32768,
    ALIGNMENT = 16,
};

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t cap;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

struct arena_deferred {
    struct arena_deferred *next;
    void (*fn)(void *);
    void *obj;
};

static struct arena_block *block_push(struct arena *a, size_t need)
{
    size_t cap = a->head == NULL ? FIRST_BLOCK - sizeof(struct arena_block) : NEXT_BLOCK;
    if (cap < need)
        cap = need;
    struct arena_block *block = heap_grow(NULL, sizeof(*block) + cap);
    block->next = a->head;
    block->used = 0;
    block->cap = cap;
    a->head = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        abort();
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_block *block = a->head;
    if (block == NULL || block->cap - block->used < rounded)
        block = block_push(a, rounded);
    void *memory = block->bytes + block->used;
    block->used += rounded;
    a->total += size;
    return memset(memory, 0, rounded);
}

void *arena_alloc_n(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        abort();
    return arena_alloc(a, bytes);
}

void *arena_memdup(struct arena *a, const void *bytes, size_t size)
{
    void *copy = arena_alloc(a, size);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *copy = arena_alloc(a, len + 1);
    if (len > 0)
        memcpy(copy, s, len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len < 0)
        abort();
    char *text = arena_alloc(a, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *obj)
{
    struct arena_deferred *deferred = arena_new(a, struct arena_deferred);
    deferred->next = a->deferred;
    deferred->fn = fn;
    deferred->obj = obj;
    a->deferred = deferred;
}

/* A deferred function may still use what else is in the arena, so they all run before any block
 * goes. */
static void run_deferred(struct arena *a)
{
    while (a->deferred != NULL) {
        struct arena_deferred *deferred = a->deferred;
        a->deferred = deferred->next;
        deferred->fn(deferred->obj);
    }
}

void arena_reset(struct arena *a)
{
    run_deferred(a);
    a->total = 0;
    if (a->head == NULL)
        return;
    while (a->head->next != NULL) {
        struct arena_block *block = a->head;
        a->head = block->next;
        free(block);
    }
    a->head->used = 0;
    /* One huge first allocation must not be kept for ever. */
    if (a->head->cap > FIRST_BLOCK)
        arena_release(a);
}

void arena_release(struct arena *a)
{
    run_deferred(a);
    while (a->head != NULL) {
        struct arena_block *block = a->head;
        a->head = block->next;
        free(block);
    }
    a->total = 0;
}
