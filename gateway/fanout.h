/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_FANOUT_H
#define GATEWAY_FANOUT_H

/* From the bus to the loops. Each server and each user with a session here has one subscription,
 * whichever loops want it; an event becomes one frame, encoded once, handed to each of those loops
 * through its queue. */

#include "gateway/frame.h"
#include "gateway/loop.h"
#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/wire/bus.h"

struct fanout;
struct hearing;

enum { LOOPS_MAX = 64 };

MUST_CHECK enum err fanout_open(struct bus *b, struct loop *const *loops, size_t count,
                                struct fanout **ret);
void fanout_close(struct fanout *f); /* no loop hears anything any more */

enum audience_kind { HEAR_SERVER, HEAR_USER };

/* From now on this loop is given the events (server_hear, feed_hear), once the bus has taken the
 * subscription: fanout_flush says when. Loop threads. */
struct hearing *fanout_hear(struct fanout *f, enum audience_kind kind, snowflake app, snowflake id,
                            struct loop *l);
void fanout_unhear(struct fanout *f, struct hearing *h, struct loop *l);

/* run is posted to the loop when all subscriptions made so far are in force; is_ok says whether
 * they are. Those who wait at the same time share one round trip. */
struct flush {
    struct post post;
    struct loop *loop;
    bool is_ok;
};
void fanout_flush(struct fanout *f, struct flush *fl);

#endif
