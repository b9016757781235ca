/* SPDX-License-Identifier: MIT */

#include "gateway/replay.h"

#include <stdlib.h>

#include "tests/test.h"

enum { MAX = 64 };

static bool add(struct replay *r, enum frame_kind kind, int64_t seq)
{
    struct frame *f = kind == FRAME_EVENT ? frame_event(&event_types[EV_MESSAGE_CREATE],
                                                        (struct event_to){.seq = seq}, "{}", 2)
                                          : frame_text(kind, "{}", 2);
    bool is_taken = replay_add(r, f, MAX);
    frame_unref(f);
    return is_taken;
}

static void write_all(struct replay *r)
{
    while (replay_waiting(r) > 0)
        replay_wrote(r);
}

TEST(what_is_written_waits_to_be_received_and_can_be_written_again)
{
    struct replay r = {0};
    for (int64_t i = 1; i <= 10; i++) {
        CHECK(add(&r, FRAME_EVENT, i));
        CHECK(add(&r, FRAME_ANSWER, 0));
    }
    write_all(&r);
    CHECK(replay_received(&r, 4));
    CHECK(!replay_received(&r, 11));
    CHECK(add(&r, FRAME_EVENT, 11) && add(&r, FRAME_ANSWER, 0));
    CHECK(!replay_rewind(&r, 3));
    CHECK(replay_rewind(&r, 6));
    CHECK_INT(replay_waiting(&r), 5);
    for (uint32_t i = 0; i < 5; i++)
        CHECK_INT(replay_peek(&r, i)->to.seq, 7 + i);
    replay_done(&r);
}

TEST(the_first_place_is_for_what_must_come_before_the_rest)
{
    struct replay r = {0};
    for (int64_t i = 1; i <= 8; i++)
        CHECK(add(&r, FRAME_EVENT, i));
    write_all(&r);
    CHECK(replay_rewind(&r, 0));
    struct frame *f = frame_text(FRAME_ANSWER, "{}", 2);
    replay_put_first(&r, f);
    CHECK(replay_peek(&r, 0) == f && replay_peek(&r, 1)->to.seq == 1);
    frame_unref(f);
    write_all(&r);
    CHECK(replay_received(&r, 8));
    CHECK_INT(r.end - r.first, 0);
    replay_done(&r);
}

TEST(a_full_ring_forgets_what_was_written_but_never_what_was_not)
{
    struct replay r = {0};
    for (int64_t i = 0; i < MAX; i++)
        CHECK(add(&r, FRAME_EVENT, i));
    CHECK(!add(&r, FRAME_EVENT, MAX));
    replay_wrote(&r);
    CHECK(add(&r, FRAME_EVENT, MAX));
    CHECK(!replay_rewind(&r, 0));
    CHECK_INT(replay_waiting(&r), MAX);
    replay_done(&r);
}

/* Against a list that forgets nothing. */
TEST(whatever_happens_the_counts_name_the_same_events)
{
    enum { STEPS = 200000 };
    struct replay r = {0};
    int64_t next = 0;
    uint64_t written = 0;
    uint64_t received = 0;
    unsigned random = 7;
    for (int i = 0; i < STEPS; i++) {
        random = random * 1103515245u + 12345u;
        unsigned choice = random >> 16 & 7;
        if (choice < 3 && add(&r, FRAME_EVENT, next + 1))
            next++;
        else if (choice == 3)
            (void)add(&r, FRAME_ANSWER, 0);
        else if (choice < 6 && replay_waiting(&r) > 0) {
            struct frame *f = replay_peek(&r, 0);
            if (f->kind == FRAME_EVENT && !CHECK_INT(f->to.seq, (long long)++written))
                break;
            replay_wrote(&r);
        } else if (choice == 6 && received < written) {
            received += 1 + (random >> 20) % (written - received);
            CHECK(replay_received(&r, received));
        } else if (choice == 7 && (random >> 20) % 50 == 0 && replay_rewind(&r, received)) {
            written = received;
        }
    }
    CHECK(next > 1000);
    replay_done(&r);
}
