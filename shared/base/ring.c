/* SPDX-License-Identifier: MIT
 *
 * One mutex, one condition, a circular array. The lock is held for a few assignments; at tens of
 * thousands of requests a second it is not what costs. Waiting is on the monotonic clock. */

#include "shared/base/ring.h"

#include "shared/base/clock.h"
#include "shared/base/heap.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    size_t capacity;
    size_t first;
    size_t depth;
    bool is_closed;
    void *items[];
};

struct ring *ring_new(size_t capacity)
{
    assert(capacity > 0);
    struct ring *r = heap_alloc(sizeof(*r) + capacity * sizeof(r->items[0]));
    r->capacity = capacity;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return r;
}

void ring_free(struct ring *r)
{
    if (r == NULL)
        return;
    pthread_cond_destroy(&r->filled);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

bool ring_push(struct ring *r, void *item)
{
    pthread_mutex_lock(&r->lock);
    bool fits = !r->is_closed && r->depth < r->capacity;
    if (fits) {
        r->items[(r->first + r->depth) % r->capacity] = item;
        r->depth++;
        pthread_cond_signal(&r->filled);
    }
    pthread_mutex_unlock(&r->lock);
    return fits;
}

/* With the lock held: until there is something, the ring is closed, or time is up. */
static void wait_filled(struct ring *r, int64_t timeout_ms)
{
    int64_t until_us = mono_us() + timeout_ms * 1000;
    struct timespec until = {
        .tv_sec = until_us / 1000000,
        .tv_nsec = until_us % 1000000 * 1000,
    };
    while (r->depth == 0 && !r->is_closed)
        if (pthread_cond_timedwait(&r->filled, &r->lock, &until) == ETIMEDOUT)
            return;
}

size_t ring_pop_batch(struct ring *r, void **ret_items, size_t max, int64_t timeout_ms)
{
    pthread_mutex_lock(&r->lock);
    wait_filled(r, timeout_ms);
    size_t n = r->depth < max ? r->depth : max;
    for (size_t i = 0; i < n; i++)
        ret_items[i] = r->items[(r->first + i) % r->capacity];
    r->first = (r->first + n) % r->capacity;
    r->depth -= n;
    pthread_mutex_unlock(&r->lock);
    return n;
}

void *ring_pop(struct ring *r, int64_t timeout_ms)
{
    void *item = NULL;
    return ring_pop_batch(r, &item, 1, timeout_ms) == 1 ? item : NULL;
}

void ring_close(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->is_closed = true;
    pthread_cond_broadcast(&r->filled);
    pthread_mutex_unlock(&r->lock);
}

bool ring_is_closed(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    bool is_closed = r->is_closed;
    pthread_mutex_unlock(&r->lock);
    return is_closed;
}

size_t ring_depth(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    size_t depth = r->depth;
    pthread_mutex_unlock(&r->lock);
    return depth;
}
