/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_RING_H
#define SHARED_BASE_RING_H

/* A bounded queue of pointers between any number of threads. A full ring refuses at once: the
 * producer answers "unavailable" rather than wait. After ring_close nothing goes in, what is inside
 * can still be taken, and nobody waits any more. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

struct ring *ring_new(size_t capacity);
void ring_free(struct ring *r); /* no thread may be inside */

bool ring_push(struct ring *r, void *item) MUST_CHECK; /* false: full or closed */

/* Oldest first; NULL (0 items) after timeout_ms without one, or at once when closed and empty. */
void *ring_pop(struct ring *r, int64_t timeout_ms);
size_t ring_pop_batch(struct ring *r, void **ret_items, size_t max, int64_t timeout_ms);

void ring_close(struct ring *r);
bool ring_is_closed(struct ring *r);
size_t ring_depth(struct ring *r);

#endif
