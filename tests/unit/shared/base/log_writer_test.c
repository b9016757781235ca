/* SPDX-License-Identifier: MIT
 *
 * What a collector at the other end of the pipe sees, and when. */

#include "shared/base/log_writer.h"
#include "tests/test.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static int ends[2];

static bool has_something(int timeout_ms)
{
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1;
}

static const char *read_all(void)
{
    static char text[128];
    ssize_t n = has_something(5000) ? read(ends[0], text, sizeof(text) - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static struct log_writer *begin(void)
{
    CHECK(pipe(ends) == 0);
    return log_writer_new(ends[1]);
}

static void end(struct log_writer *w)
{
    log_writer_free(w);
    close(ends[0]);
    close(ends[1]);
}

TEST(an_urgent_line_is_written_at_once_after_those_that_waited)
{
    struct log_writer *w = begin();
    log_writer_add(w, "one\n", 4, false);
    log_writer_add(w, "two\n", 4, true);
    CHECK(has_something(0));
    CHECK_STR(read_all(), "one\ntwo\n");
    end(w);
}

TEST(a_line_that_waits_is_written_without_another_one)
{
    struct log_writer *w = begin();
    log_writer_add(w, "one\n", 4, false);
    log_writer_add(w, "two\n", 4, false);
    CHECK_STR(read_all(), "one\ntwo\n");
    log_writer_add(w, "three\n", 6, false);
    CHECK_STR(read_all(), "three\n");
    end(w);
}

TEST(lines_that_fill_the_room_are_written_and_none_is_lost)
{
    enum { LINES = 20000, LINE = 8 };
    struct log_writer *w = begin();
    size_t got = 0;
    char bytes[4096];
    for (int i = 0; i < LINES; i++) {
        log_writer_add(w, "1234567\n", LINE, false);
        while (has_something(0))
            got += (size_t)read(ends[0], bytes, sizeof(bytes));
    }
    log_writer_flush(w);
    while (has_something(0))
        got += (size_t)read(ends[0], bytes, sizeof(bytes));
    CHECK_INT(got, LINES * LINE);
    end(w);
}

TEST(what_waits_is_written_at_the_end)
{
    struct log_writer *w = begin();
    log_writer_add(w, "one\n", 4, false);
    log_writer_free(w);
    CHECK_STR(read_all(), "one\n");
    close(ends[0]);
    close(ends[1]);
}
