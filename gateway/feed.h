/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_FEED_H
#define GATEWAY_FEED_H

/* A user with sessions on this loop, and the events that are theirs alone. The durable ones have
 * dense numbers: what comes again or late is dropped, lest a kick that is told twice undoes the
 * joining after it, and what comes early waits for what is missing. */

#include "gateway/frame.h"
#include "gateway/loop.h"
#include "shared/base/wheel.h"

struct hearing;
struct session;

struct feed {
    snowflake user;
    struct loop *loop;
    struct hearing *hearing;
    struct session *sessions; /* linked by next_in_feed */
    int64_t seq;              /* the last numbered event passed on; 0: none was, and none told */
    int64_t known;            /* the highest number heard of */
    struct frames ahead;      /* came too early */
    struct timer gap;         /* how long to wait for missing ones */
    struct timer linger;
};

/* The session's user is listened to from now on; flush before asking for state. */
void feed_enter(struct session *s);
void feed_leave(struct session *s); /* fine for one that never entered */

struct session *feed_sessions(const struct loop *l, snowflake user); /* or NULL */
void feed_hear(struct feed *f, struct frame *frame);
/* A session begins with a state that has the user's events up to this number. */
void feed_told(struct feed *f, int64_t seq);
/* One event of its user, for a session that has its state. */
void feed_event(struct session *s, struct frame *f);
/* The bus was away: find out whether events were missed meanwhile. */
void feeds_recheck(struct loop *l);
void feeds_free(struct loop *l);

#endif
