/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_LOOP_H
#define GATEWAY_LOOP_H

/* One thread of the realtime side and everything that lives on it: sockets, sessions, the servers
 * and users they listen to. Nothing of it is shared: other threads reach a loop by loop_post and in
 * no other way, so nothing below is locked. */

#include <stdint.h>

#include "gateway/line.h"
#include "shared/base/buf.h"
#include "shared/base/map.h"
#include "shared/base/mpsc.h"
#include "shared/base/wheel.h"

struct ev_loop;
struct fanout;
struct gateway;
struct loop_private;
struct session;
struct sockets;

struct loop {
    struct gateway *gateway;
    struct sockets *sockets;
    struct fanout *fanout;
    unsigned index;
    struct wheel *wheel;   /* deadlines of seconds: ticks are half a second */
    struct map sessions;   /* by serial: how an answer finds who asked, if they are still there */
    struct map by_key;     /* by the first bytes of the session id: how resume finds them */
    struct map servers;    /* by id */
    struct map feeds;      /* by user */
    struct map backlogs;   /* by channel: what returning sessions miss */
    struct line line;      /* of sessions that wait for their state */
    struct session *dirty; /* have something to be written, or are closing */
    uint64_t serials;
    struct buf fresh; /* serials of those presence has not been told of */
    struct timer welcome;
    struct buf gone; /* ids of those that have ended, which presence has not been told of */
    struct timer goodbye;
    struct timer beat;    /* of presence: who is there */
    struct timer recheck; /* whether users' events were missed could not be found out yet */
    struct loop_private *private;
};

/* Something for the loop to do; a member of what it needs, which run frees. */
struct post {
    struct mpsc_node node;
    void (*run)(struct loop *l, struct post *p);
};

struct loop *loop_new(struct gateway *g, unsigned index);
void loop_free(struct loop *l); /* after loop_stop */

void loop_start(struct loop *l);
void loop_stop(struct loop *l); /* returns when its thread has ended */
struct ev_loop *loop_ev(struct loop *l);

/* Any thread. In order, for each thread that posts. */
void loop_post(struct loop *l, struct post *p);

/* Somebody else's thread will post an answer; the loop is not taken down before it did. Loop
 * thread.
 */
void loop_ask_begins(struct loop *l);
void loop_ask_ends(struct loop *l);
/* Any other thread: until no answer is outstanding, or for that long. */
void loop_wait_for_answers(struct loop *l, int64_t ms);

/* How many posts wait: whoever makes them faster than the loop works must look. Any thread. */
int loop_backlog(struct loop *l);

/* For waits of milliseconds, which the wheel is too coarse for; costs nothing while none is set.
 * timer_cancel takes them back. */
void loop_soon(struct loop *l, struct timer *t, int64_t ms, timer_fn *fn, void *arg);
void loop_later(struct loop *l, struct timer *t, int64_t ms, timer_fn *fn, void *arg);

#endif
