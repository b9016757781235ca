/* SPDX-License-Identifier: MIT
 *
 * A turn of the loop: sockets that are readable, posts that arrived, deadlines that passed; and
 * before it sleeps, one flush of every session that something was appended to. That order is what
 * makes several events cost one write. */

#include "gateway/loop.h"

#include <ev.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "gateway/session.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"

enum { TICK_MS = 500, TICKS = 512, SOON_MS = 5, SOON_TICKS = 256, STACK = 256 * 1024 };

struct loop_private {
    struct ev_loop *ev;
    ev_async wake;
    ev_prepare before_sleep;
    ev_timer tick;
    ev_timer soon_tick;
    struct wheel *soon;
    int64_t soon_until; /* the latest deadline on the fine wheel */
    struct mpsc posts;
    atomic_int backlog;
    atomic_bool is_stopping;
    atomic_int asks;
    atomic_int posting;   /* threads inside loop_post */
    struct stopper quiet; /* nudged whenever asks falls to zero */
    pthread_t thread;
};

static void on_wake(struct ev_loop *ev, ev_async *w, int events)
{
    (void)events;
    struct loop *l = w->data;
    struct mpsc_node *node = mpsc_take(&l->private->posts);
    int done = 0;
    while (node != NULL) {
        struct post *p = CONTAINER_OF(node, struct post, node);
        node = node->next;
        p->run(l, p);
        done++;
    }
    atomic_fetch_sub_explicit(&l->private->backlog, done, memory_order_relaxed);
    if (atomic_load(&l->private->is_stopping))
        ev_break(ev, EVBREAK_ALL);
}

static void on_before_sleep(struct ev_loop *ev, ev_prepare *w, int events)
{
    (void)ev, (void)events;
    session_flush_dirty(w->data);
}

static void on_tick(struct ev_loop *ev, ev_timer *w, int events)
{
    (void)ev, (void)events;
    struct loop *l = w->data;
    wheel_advance(l->wheel, mono_us());
}

static void on_soon(struct ev_loop *ev, ev_timer *w, int events)
{
    (void)events;
    struct loop *l = w->data;
    wheel_advance(l->private->soon, mono_us());
    if (mono_us() > l->private->soon_until + SOON_MS * INT64_C(2000))
        ev_timer_stop(ev, w);
}

static void watchers_init(struct loop *l)
{
    struct loop_private *p = l->private;
    ev_async_init(&p->wake, on_wake);
    ev_prepare_init(&p->before_sleep, on_before_sleep);
    ev_timer_init(&p->tick, on_tick, TICK_MS / 1000.0, TICK_MS / 1000.0);
    ev_timer_init(&p->soon_tick, on_soon, 0, SOON_MS / 1000.0);
    p->wake.data = p->before_sleep.data = p->tick.data = p->soon_tick.data = l;
    ev_async_start(p->ev, &p->wake);
    ev_prepare_start(p->ev, &p->before_sleep);
    ev_timer_start(p->ev, &p->tick);
}

struct loop *loop_new(struct gateway *g, unsigned index)
{
    struct loop *l = heap_alloc(sizeof(*l));
    l->gateway = g;
    l->index = index;
    l->wheel = wheel_new(TICK_MS, TICKS, mono_us());
    l->private = heap_alloc(sizeof(*l->private));
    stopper_init(&l->private->quiet);
    l->private->soon = wheel_new(SOON_MS, SOON_TICKS, mono_us());
    l->private->ev = ev_loop_new(EVFLAG_AUTO);
    if (l->private->ev == NULL)
        die("loop: libev has no backend");
    watchers_init(l);
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    ev_loop_destroy(l->private->ev);
    wheel_free(l->private->soon);
    stopper_done(&l->private->quiet);
    wheel_free(l->wheel);
    map_done(&l->sessions);
    map_done(&l->by_key);
    map_done(&l->servers);
    map_done(&l->feeds);
    map_done(&l->backlogs);
    line_done(&l->line);
    free(l->private);
    free(l);
}

static void *run(void *arg)
{
    struct loop *l = arg;
    ev_run(l->private->ev, 0);
    return NULL;
}

void loop_start(struct loop *l)
{
    thread_start(&l->private->thread, run, l);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->private->is_stopping, true);
    ev_async_send(l->private->ev, &l->private->wake);
    pthread_join(l->private->thread, NULL);
    /* Who posted the last answer may not have come out of loop_post yet. */
    while (atomic_load(&l->private->posting) > 0)
        sched_yield();
}

struct ev_loop *loop_ev(struct loop *l)
{
    return l->private->ev;
}

void loop_post(struct loop *l, struct post *p)
{
    atomic_fetch_add(&l->private->posting, 1);
    atomic_fetch_add_explicit(&l->private->backlog, 1, memory_order_relaxed);
    if (mpsc_push(&l->private->posts, &p->node))
        ev_async_send(l->private->ev, &l->private->wake);
    atomic_fetch_sub(&l->private->posting, 1);
}

void loop_ask_begins(struct loop *l)
{
    atomic_fetch_add(&l->private->asks, 1);
}

void loop_ask_ends(struct loop *l)
{
    if (atomic_fetch_sub(&l->private->asks, 1) == 1)
        stopper_nudge(&l->private->quiet);
}

void loop_wait_for_answers(struct loop *l, int64_t ms)
{
    int64_t until = mono_us() + ms * 1000;
    while (atomic_load(&l->private->asks) > 0 && mono_us() < until)
        (void)stopper_wait(&l->private->quiet, (int)((until - mono_us()) / 1000) + 1);
}

int loop_backlog(struct loop *l)
{
    return atomic_load_explicit(&l->private->backlog, memory_order_relaxed);
}

void loop_soon(struct loop *l, struct timer *t, int64_t ms, timer_fn *fn, void *arg)
{
    struct loop_private *p = l->private;
    int64_t now = mono_us();
    if (!ev_is_active(&p->soon_tick)) {
        wheel_advance(p->soon, now);
        ev_timer_again(p->ev, &p->soon_tick);
    }
    int64_t due = now + ms * 1000;
    timer_set(p->soon, t, due, fn, arg);
    if (due > p->soon_until)
        p->soon_until = due;
}

void loop_later(struct loop *l, struct timer *t, int64_t ms, timer_fn *fn, void *arg)
{
    timer_set(l->wheel, t, mono_us() + ms * 1000, fn, arg);
}
