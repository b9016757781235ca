/* SPDX-License-Identifier: MIT */
/* The condition waits on the monotonic clock, so that a clock set back holds nobody up. */

#include "shared/base/thread.h"

#include <signal.h>
#include <time.h>

#include "shared/base/log.h"

void thread_start(pthread_t *ret, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(ret, &attr, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (failed != 0)
        die("thread: error %d", failed);
}

void stopper_init(struct stopper *s)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    *s = (struct stopper){.is_stopped = false};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
}

void stopper_done(struct stopper *s)
{
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}

bool stopper_wait(struct stopper *s, int wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&s->lock);
    int timed_out = 0;
    while (!s->is_stopped && !s->is_nudged && timed_out == 0)
        timed_out = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    s->is_nudged = false;
    bool is_stopped = s->is_stopped;
    pthread_mutex_unlock(&s->lock);
    return is_stopped;
}

static void wake(struct stopper *s, bool *flag)
{
    pthread_mutex_lock(&s->lock);
    *flag = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void stopper_nudge(struct stopper *s)
{
    wake(s, &s->is_nudged);
}

void stopper_stop(struct stopper *s)
{
    wake(s, &s->is_stopped);
}
