/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_FRAME_H
#define GATEWAY_FRAME_H

/* One WebSocket frame, header included, built once and shared by every session it goes to:
 * the same bytes for all. Constant after it was built, so any thread may read it; the last one who
 * lets go frees it. */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/event.h"

enum frame_kind {
    FRAME_EVENT,  /* counted by both sides and kept for resume */
    FRAME_ANSWER, /* to one session, forgotten once written */
    FRAME_STATE,  /* the same, but as large as the user's world: not held against a slow reader */
};

struct frame {
    atomic_uint refs;
    enum frame_kind kind;
    const struct event_type *type; /* FRAME_EVENT from the bus */
    struct event_to to;
    uint64_t event;        /* its id, hashed: the same when it is published again; 0: none */
    snowflake about;       /* the channel an event of the server is about: only for who sees it */
    int64_t born;          /* of a message that is told as new though it changed since: its seq */
    struct frame *instead; /* for who knows it already */
    uint32_t body_at;      /* where the event's own JSON begins in bytes */
    uint32_t body_len;
    uint32_t len;
    char bytes[];
};

/* {"op":"event","t":<type>,"d":<body>}. The caller holds the one reference. */
struct frame *frame_event(const struct event_type *type, struct event_to to, const char *body,
                          size_t len);
struct frame *frame_text(enum frame_kind kind, const char *json, size_t len);
/* The last one, RFC 6455 section 5.5.1. text: at most 123 bytes. */
struct frame *frame_close(int code, const char *text);

struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame *f);

/* A queue of references. A zeroed struct is an empty one. */
struct frames {
    struct frame **v;
    uint32_t head; /* v[head] is the oldest */
    uint32_t count;
    uint32_t cap;
};

void frames_push(struct frames *q, struct frame *f);    /* takes a reference of its own */
void frames_unshift(struct frames *q, struct frame *f); /* before the oldest */
/* In order of to.seq; false (and nothing done) when that seq is there already. */
bool frames_insert(struct frames *q, struct frame *f);
struct frame *frames_shift(struct frames *q); /* the caller gets the reference; NULL when empty */
struct frame *frames_at(const struct frames *q, uint32_t i);
void frames_clear(struct frames *q);

#endif
