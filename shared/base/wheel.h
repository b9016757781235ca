/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_WHEEL_H
#define SHARED_BASE_WHEEL_H

/* A hashed timer wheel: set and cancel in constant time for tens of thousands of timers, precise to
 * one tick, never early. Timers are members of what they guard; the wheel owns nothing but its
 * slots. One thread, and the caller's clock (mono_us). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wheel;
struct timer;

typedef void timer_fn(struct timer *t, void *arg);

/* Zeroed is idle. The fields are the wheel's. */
struct timer {
    struct timer *next;
    struct timer *prev;
    int64_t due_tick;
    timer_fn *fn;
    void *arg;
};

struct wheel *wheel_new(int64_t tick_ms, size_t slots, int64_t now_us);
void wheel_free(struct wheel *w); /* pending timers become idle, none is run */

/* Call fn(t, arg) at due_us; a pending timer is moved. What is due in the past runs at the next
 * tick. */
void timer_set(struct wheel *w, struct timer *t, int64_t due_us, timer_fn *fn, void *arg);
void timer_cancel(struct timer *t); /* idle timers are fine */
bool timer_is_set(const struct timer *t);

/* Runs what is due; returns how many. A callback may set and cancel any timer, its own too, and
 * free what holds it. */
size_t wheel_advance(struct wheel *w, int64_t now_us);

#endif
