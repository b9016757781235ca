/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_THREAD_H
#define SHARED_BASE_THREAD_H

/* Threads of ours: small stacks, all signals blocked (the main thread alone takes them), and one
 * way to end: a stopper the thread waits on between two pieces of work. */

#include "shared/base/macros.h"

#include <pthread.h>
#include <stdbool.h>

enum { THREAD_STACK = 256 * 1024 };

/* Dies when the system has no thread left: that is a start-up failure. */
void thread_start(pthread_t *ret, void *(*fn)(void *), void *arg);

struct stopper {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopped;
    bool is_nudged;
};

void stopper_init(struct stopper *s);
void stopper_done(struct stopper *s);

/* Waits up to wait_ms, less when nudged or stopped; true once stopped. */
bool stopper_wait(struct stopper *s, int wait_ms);
void stopper_nudge(struct stopper *s); /* the next or the present wait ends at once */
void stopper_stop(struct stopper *s);

#endif
