/* SPDX-License-Identifier: MIT
 *
 * The one place that meets an exhausted heap. Nothing here returns NULL, so no caller has a path
 * for it that was never tested. */

#include "shared/base/heap.h"

#include <stdlib.h>
#include <string.h>

void *heap_alloc(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL)
        abort();
    return memory;
}

void *heap_alloc_n(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        abort();
    return heap_alloc(bytes);
}

void *heap_grow(void *old, size_t size)
{
    void *memory = realloc(old, size > 0 ? size : 1);
    if (memory == NULL)
        abort();
    return memory;
}

char *heap_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(heap_alloc(size), s, size);
}
