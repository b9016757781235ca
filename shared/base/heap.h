/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_HEAP_H
#define SHARED_BASE_HEAP_H

/* malloc that cannot fail: the process aborts instead. That is honest because every size a client
 * controls has a limit in a table. Memory is zeroed (the grown part of heap_grow is not). */

#include <stddef.h>

void *heap_alloc(size_t size);
void *heap_alloc_n(size_t count, size_t size); /* aborts when count * size overflows */
void *heap_grow(void *old, size_t size);
char *heap_strdup(const char *s);

#endif
