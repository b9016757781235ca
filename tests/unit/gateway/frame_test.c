/* SPDX-License-Identifier: MIT */

#include "gateway/frame.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static bool begins_with(const struct frame *f, const char *bytes, size_t len)
{
    return f->len > len && memcmp(f->bytes, bytes, len) == 0;
}

TEST(the_header_is_as_long_as_the_payload_needs)
{
    static char text[70000];
    memset(text, ' ', sizeof(text));
    struct frame *small = frame_text(FRAME_ANSWER, text, 125);
    struct frame *middle = frame_text(FRAME_ANSWER, text, 126);
    struct frame *large = frame_text(FRAME_ANSWER, text, 70000);
    CHECK(begins_with(small, "\x81\x7d", 2) && small->len == 127);
    CHECK(begins_with(middle, "\x81\x7e\x00\x7e", 4) && middle->len == 130);
    CHECK(begins_with(large, "\x81\x7f\0\0\0\0\0\x01\x11\x70", 10) && large->len == 70010);
    frame_unref(small);
    frame_unref(middle);
    frame_unref(large);
}

TEST(an_event_is_its_body_in_an_envelope)
{
    static const char wanted[] = "{\"op\":\"event\",\"t\":\"message.create\",\"d\":{\"id\":\"1\"}}";
    struct frame *f = frame_event(&event_types[EV_MESSAGE_CREATE],
                                  (struct event_to){.channel = 7, .seq = 3}, "{\"id\":\"1\"}", 10);
    CHECK(f->len == 2 + sizeof(wanted) - 1);
    CHECK(memcmp(f->bytes + 2, wanted, sizeof(wanted) - 1) == 0);
    CHECK(f->body_len == 10 && memcmp(f->bytes + f->body_at, "{\"id\":\"1\"}", 10) == 0);
    CHECK(f->kind == FRAME_EVENT && f->to.channel == 7 && f->to.seq == 3);
    frame_unref(f);
}

static struct frame *numbered(int64_t seq)
{
    return frame_event(&event_types[EV_MESSAGE_CREATE], (struct event_to){.seq = seq}, "{}", 2);
}

TEST(a_queue_keeps_order_at_both_ends_and_by_number)
{
    struct frames q = {0};
    static const int64_t coming[] = {5, 3, 9, 3, 7, 4};
    for (size_t i = 0; i < 6; i++) {
        struct frame *f = numbered(coming[i]);
        CHECK(frames_insert(&q, f) == (i != 3));
        frame_unref(f);
    }
    struct frame *first = numbered(1);
    for (int i = 0; i < 20; i++)
        frames_unshift(&q, first);
    for (int i = 0; i < 20; i++)
        frame_unref(frames_shift(&q));
    frame_unref(first);
    static const int64_t going[] = {3, 4, 5, 7, 9};
    for (size_t i = 0; i < 5; i++) {
        struct frame *f = frames_shift(&q);
        CHECK_INT(f->to.seq, going[i]);
        frame_unref(f);
    }
    CHECK(frames_shift(&q) == NULL);
    frames_clear(&q);
}
