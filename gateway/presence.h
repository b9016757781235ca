/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_PRESENCE_H
#define GATEWAY_PRESENCE_H

/* Tells the presence service which sessions are there. It is told and not asked: while it is away
 * nothing here waits, and the next beat makes up for what it missed. */

struct loop;
struct session;

void presence_open(const struct session *s);
void presence_close(const struct session *s);

/* Every session of the loop in a few messages; a gateway that dies stops beating. */
void presence_beat_start(struct loop *l);
void presence_beat_stop(struct loop *l);

#endif
