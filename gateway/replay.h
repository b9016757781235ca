/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_REPLAY_H
#define GATEWAY_REPLAY_H

/* What one session is sent, in order: frames still to be written, and behind them the events that
 * were written but that the client has not said it received. Grows from nothing, bounded in frames
 * and bytes: what was written is forgotten first; a reader too slow for what was not is refused.
 * A zeroed struct is empty. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/frame.h"

struct replay {
    struct frame **slots; /* NULL in a slot: an answer that was written */
    uint32_t cap;         /* 0 or a power of two */
    uint32_t first;       /* first <= unsent <= end, modulo 2^32 */
    uint32_t unsent;
    uint32_t end;
    uint32_t unsent_bytes; /* of events and answers */
    uint32_t kept_bytes;   /* of events already written */
    uint64_t forgotten;    /* events before first */
    uint64_t written;      /* events before unsent */
};

enum { REPLAY_BYTES = 4 * 1024 * 1024 };

/* False: the reader is too far behind, the frame was not taken. */
bool replay_add(struct replay *r, struct frame *f, uint32_t max_frames);

/* The i-th frame to be written; NULL when there are fewer. */
struct frame *replay_peek(const struct replay *r, uint32_t i);
void replay_wrote(struct replay *r); /* the oldest of them */

/* The client has received so many events in all; false: more than were ever written. */
bool replay_received(struct replay *r, uint64_t received);

/* As if nothing after `received` had been written yet; answers that waited are dropped. False:
 * something after `received` is forgotten, or so much was never written. */
bool replay_rewind(struct replay *r, uint64_t received);
/* Written before everything that waits. */
void replay_put_first(struct replay *r, struct frame *f);

uint32_t replay_waiting(const struct replay *r); /* frames to be written */
void replay_done(struct replay *r);

#endif
