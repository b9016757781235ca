/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_PRESENCE_H
#define GATEWAY_PRESENCE_H

/* Tells the presence service which sessions are there: from the first time they are active to their
 * end, so also while they have lost their socket and may still be resumed. It is told and not
 * asked: while it is away nothing here waits, and the next beat makes up for what it missed. */

#include "gateway/session.h"

struct loop;

/* A session enters this state; says what follows from it. Before the state changes. */
void presence_follow(struct session *s, enum session_state to);

/* Every session of the loop in a few messages; a gateway that dies stops beating. */
void presence_beat_start(struct loop *l);
void presence_beat_stop(struct loop *l);

#endif
