/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_FEED_H
#define GATEWAY_FEED_H

/* A user with sessions on this loop, and the events that are theirs alone: they are passed on as
 * they come, for each says a state of its own and none depends on another. */

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
    struct timer linger;
};

/* The session's user is listened to from now on; flush before asking for state. */
void feed_enter(struct session *s);
void feed_leave(struct session *s); /* fine for one that never entered */

struct session *feed_sessions(const struct loop *l, snowflake user); /* or NULL */
void feed_hear(struct feed *f, struct frame *frame);
/* One event of its user, for a session that has its state. */
void feed_event(struct session *s, struct frame *f);
void feeds_free(struct loop *l);

#endif
