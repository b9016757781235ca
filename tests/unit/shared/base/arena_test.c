/* SPDX-License-Identifier: MIT
 *
 * The arena: zeroed, aligned, reusable, and fair to what others own. */

#include "shared/base/arena.h"
#include "tests/test.h"

#include <stdint.h>
#include <string.h>

TEST(arena_memory_is_zeroed_even_when_a_block_is_used_again)
{
    auto_arena struct arena a = {0};
    for (int turn = 0; turn < 3; turn++) {
        unsigned char *bytes = arena_alloc(&a, 1000);
        for (int i = 0; i < 1000; i++)
            CHECK(bytes[i] == 0);
        memset(bytes, 0xAA, 1000);
        arena_reset(&a);
    }
}

TEST(arena_memory_is_aligned_for_anything)
{
    auto_arena struct arena a = {0};
    for (size_t size = 0; size < 100; size++)
        CHECK((uintptr_t)arena_alloc(&a, size) % 16 == 0);
}

TEST(pieces_of_an_arena_do_not_overlap_whatever_their_size)
{
    auto_arena struct arena a = {0};
    unsigned char *pieces[64];
    for (size_t i = 0; i < 64; i++) {
        pieces[i] = arena_alloc(&a, i * 97 + 1);
        memset(pieces[i], (int)i, i * 97 + 1);
    }
    for (size_t i = 0; i < 64; i++)
        for (size_t at = 0; at < i * 97 + 1; at++)
            CHECK(pieces[i][at] == i);
}

TEST(a_reset_arena_hands_out_its_first_block_again)
{
    auto_arena struct arena a = {0};
    void *first = arena_alloc(&a, 8);
    arena_alloc(&a, 100000);
    CHECK_INT(a.total, 100008);
    arena_reset(&a);
    CHECK_INT(a.total, 0);
    CHECK(arena_alloc(&a, 8) == first);
}

TEST(arena_text_ends_where_it_should)
{
    auto_arena struct arena a = {0};
    CHECK_STR(arena_strdup(&a, "pin"), "pin");
    CHECK_STR(arena_strndup(&a, "pinned", 3), "pin");
    CHECK_STR(arena_strndup(&a, "", 0), "");
    CHECK_STR(arena_printf(&a, "%s-%d", "channel", 7), "channel-7");
    char *wide = arena_printf(&a, "%5000d", 1);
    CHECK_INT(strlen(wide), 5000);
}

struct note {
    const char *text;
    char *log;
};

static void write_note(void *obj)
{
    struct note *note = obj;
    note->log[strlen(note->log)] = note->text[0];
}

TEST(what_was_deferred_last_runs_first_and_only_once)
{
    char log[8] = "";
    struct arena a = {0};
    struct note one = {"1", log};
    struct note two = {"2", log};
    arena_defer(&a, write_note, &one);
    arena_defer(&a, write_note, &two);
    arena_reset(&a);
    arena_release(&a);
    CHECK_STR(log, "21");
}
