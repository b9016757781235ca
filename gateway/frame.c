/* SPDX-License-Identifier: MIT
 *
 * Frames as RFC 6455 section 5.2 wants them from a server: final, unmasked. The header is in
 * front of the payload from the beginning, because writing to a thousand sockets must not copy. */

#include "gateway/frame.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/heap.h"

enum { HEAD_MAX = 10, FINAL = 0x80, TEXT = 1, CLOSE = 8, LENGTH_16 = 126, LENGTH_64 = 127 };

static size_t head_write(unsigned char head[HEAD_MAX], int opcode, size_t payload)
{
    head[0] = (unsigned char)(FINAL | opcode);
    if (payload < LENGTH_16) {
        head[1] = (unsigned char)payload;
        return 2;
    }
    size_t width = payload <= UINT16_MAX ? 2 : 8;
    head[1] = width == 2 ? LENGTH_16 : LENGTH_64;
    for (size_t i = 0; i < width; i++)
        head[2 + i] = (unsigned char)((uint64_t)payload >> (8 * (width - 1 - i)));
    return 2 + width;
}

/* A frame with its header; *ret_payload is where the caller writes. */
static struct frame *frame_new(enum frame_kind kind, int opcode, size_t payload, char **ret_payload)
{
    unsigned char head[HEAD_MAX];
    size_t head_len = head_write(head, opcode, payload);
    struct frame *f = heap_alloc(sizeof(*f) + head_len + payload);
    atomic_init(&f->refs, 1);
    f->kind = kind;
    f->len = (uint32_t)(head_len + payload);
    memcpy(f->bytes, head, head_len);
    *ret_payload = f->bytes + head_len;
    return f;
}

static char *put(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

struct frame *frame_event(const struct event_type *type, struct event_to to, const char *body,
                          size_t len)
{
    static const char front[] = "{\"op\":\"event\",\"t\":\"";
    static const char middle[] = "\",\"d\":";
    size_t name_len = strlen(type->name);
    size_t payload = sizeof(front) - 1 + name_len + sizeof(middle) - 1 + len + 1;

    char *at;
    struct frame *f = frame_new(FRAME_EVENT, TEXT, payload, &at);
    at = put(at, front, sizeof(front) - 1);
    at = put(at, type->name, name_len);
    at = put(at, middle, sizeof(middle) - 1);
    f->body_at = (uint32_t)(at - f->bytes);
    f->body_len = (uint32_t)len;
    at = put(at, body, len);
    *at = '}';
    f->type = type;
    f->to = to;
    return f;
}

struct frame *frame_text(enum frame_kind kind, const char *json, size_t len)
{
    char *at;
    struct frame *f = frame_new(kind, TEXT, len, &at);
    put(at, json, len);
    return f;
}

struct frame *frame_close(int code, const char *text)
{
    char *at;
    size_t len = strlen(text);
    struct frame *f = frame_new(FRAME_ANSWER, CLOSE, 2 + len, &at);
    at[0] = (char)(code >> 8);
    at[1] = (char)code;
    put(at + 2, text, len);
    return f;
}

struct frame *frame_ref(struct frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void frame_unref(struct frame *f)
{
    if (f == NULL || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
        return;
    frame_unref(f->instead);
    free(f);
}

struct frame *frames_at(const struct frames *q, uint32_t i)
{
    return i < q->count ? q->v[q->head + i] : NULL;
}

/* Room for one more at either end of what is in use. */
static void frames_room(struct frames *q)
{
    enum { SLACK = 4 };
    if (q->head > 0 && q->head + q->count < q->cap)
        return;
    uint32_t cap = q->count * 2 + 2 * SLACK;
    struct frame **v = heap_alloc_n(cap, sizeof(struct frame *));
    if (q->count > 0)
        memcpy(v + SLACK, q->v + q->head, q->count * sizeof(struct frame *));
    free(q->v);
    *q = (struct frames){.v = v, .head = SLACK, .count = q->count, .cap = cap};
}

void frames_push(struct frames *q, struct frame *f)
{
    frames_room(q);
    q->v[q->head + q->count++] = frame_ref(f);
}

void frames_unshift(struct frames *q, struct frame *f)
{
    frames_room(q);
    q->v[--q->head] = frame_ref(f);
    q->count++;
}

bool frames_insert(struct frames *q, struct frame *f)
{
    uint32_t at = q->count;
    while (at > 0 && frames_at(q, at - 1)->to.seq > f->to.seq)
        at--;
    if (at > 0 && frames_at(q, at - 1)->to.seq == f->to.seq)
        return false;
    frames_push(q, f);
    struct frame **v = q->v + q->head;
    memmove(v + at + 1, v + at, (q->count - 1 - at) * sizeof(struct frame *));
    v[at] = f;
    return true;
}

struct frame *frames_shift(struct frames *q)
{
    if (q->count == 0)
        return NULL;
    struct frame *f = q->v[q->head++];
    q->count--;
    return f;
}

void frames_clear(struct frames *q)
{
    for (uint32_t i = 0; i < q->count; i++)
        frame_unref(q->v[q->head + i]);
    free(q->v);
    *q = (struct frames){0};
}
