/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_CATCHUP_H
#define GATEWAY_CATCHUP_H

/* What a returning client misses, by its cursors: all of it, or it begins anew; never a part. */

#include "gateway/cursors.h"
#include "gateway/frame.h"
#include "gateway/session.h"
#include "gateway/state.h"

enum catchup {
    CATCHUP_READY,      /* catchup_collect may be called, in this turn */
    CATCHUP_WAITING,    /* entry_advance follows */
    CATCHUP_IMPOSSIBLE, /* it misses too much or what it may not read, or has what it should not */
};
enum catchup catchup_check(struct session *s, struct state *state, struct cursors *cursors);

/* The missing events in order; the state's channels are then told as far as those reach. */
void catchup_collect(struct session *s, struct state *state, struct cursors *cursors,
                     struct frames *out);

#endif
