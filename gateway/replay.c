/* SPDX-License-Identifier: MIT
 *
 * A ring of frame pointers with two marks in it: what was written, and where it ends. Invariant:
 * `forgotten` and `written` count the events before `first` and before `unsent`, so a client's
 * "received" is a place in the ring. Answers leave a hole once they are written. */

#include "gateway/replay.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/heap.h"

enum { SMALLEST = 8 };

static struct frame **slot(const struct replay *r, uint32_t at)
{
    return &r->slots[at & (r->cap - 1)];
}

static void resize(struct replay *r, uint32_t cap)
{
    struct frame **slots = heap_alloc_n(cap, sizeof(struct frame *));
    for (uint32_t at = r->first; at != r->end; at++)
        slots[at & (cap - 1)] = *slot(r, at);
    free(r->slots);
    r->slots = slots;
    r->cap = cap;
}

static void make_room(struct replay *r)
{
    if (r->end - r->first == r->cap)
        resize(r, r->cap == 0 ? SMALLEST : r->cap * 2);
}

static bool is_counted(const struct frame *f)
{
    return f->kind != FRAME_STATE;
}

static void forget_first(struct replay *r)
{
    struct frame *f = *slot(r, r->first++);
    if (f == NULL)
        return;
    r->forgotten++;
    r->kept_bytes -= f->len;
    frame_unref(f);
}

/* Holes at the front are of no use; an empty ring keeps only its smallest size. */
static void tidy(struct replay *r)
{
    while (r->first != r->unsent && *slot(r, r->first) == NULL)
        r->first++;
    if (r->first == r->end && r->cap > SMALLEST)
        resize(r, SMALLEST);
}

bool replay_add(struct replay *r, struct frame *f, uint32_t max_frames)
{
    while (r->first != r->unsent &&
           (r->end - r->first >= max_frames || r->kept_bytes + r->unsent_bytes > REPLAY_BYTES))
        forget_first(r);
    if (r->end - r->first >= max_frames || r->unsent_bytes > REPLAY_BYTES)
        return false;
    make_room(r);
    *slot(r, r->end++) = frame_ref(f);
    if (is_counted(f))
        r->unsent_bytes += f->len;
    return true;
}

struct frame *replay_peek(const struct replay *r, uint32_t i)
{
    return i < r->end - r->unsent ? *slot(r, r->unsent + i) : NULL;
}

void replay_wrote(struct replay *r)
{
    struct frame **at = slot(r, r->unsent++);
    struct frame *f = *at;
    if (is_counted(f))
        r->unsent_bytes -= f->len;
    if (f->kind == FRAME_EVENT) {
        r->written++;
        r->kept_bytes += f->len;
        return;
    }
    *at = NULL;
    frame_unref(f);
    tidy(r);
}

bool replay_received(struct replay *r, uint64_t received)
{
    if (received > r->written)
        return false;
    while (r->forgotten < received)
        forget_first(r);
    tidy(r);
    return true;
}

bool replay_rewind(struct replay *r, uint64_t received)
{
    if (received < r->forgotten || !replay_received(r, received))
        return false;
    /* Events close ranks towards the front; everything else goes. */
    uint32_t to = r->first;
    uint64_t bytes = 0;
    for (uint32_t at = r->first; at != r->end; at++) {
        struct frame *f = *slot(r, at);
        if (f == NULL)
            continue;
        if (f->kind != FRAME_EVENT) {
            frame_unref(f);
            continue;
        }
        bytes += f->len;
        *slot(r, to++) = f;
    }
    r->end = to;
    r->unsent = r->first;
    r->unsent_bytes = (uint32_t)bytes;
    r->kept_bytes = 0;
    r->written = r->forgotten;
    return true;
}

void replay_put_first(struct replay *r, struct frame *f)
{
    make_room(r);
    /* Only where nothing is kept can something come before what waits. */
    *slot(r, --r->first) = frame_ref(f);
    r->unsent = r->first;
    if (is_counted(f))
        r->unsent_bytes += f->len;
}

uint32_t replay_waiting(const struct replay *r)
{
    return r->end - r->unsent;
}

void replay_done(struct replay *r)
{
    for (uint32_t at = r->first; at != r->end; at++)
        frame_unref(*slot(r, at));
    free(r->slots);
    *r = (struct replay){0};
}
