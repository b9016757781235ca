/* SPDX-License-Identifier: MIT
 *
 * RFC 3339 in both directions, against the C library's calendar. */

#include "shared/base/clock.h"
#include "tests/test.h"

#include <stdio.h>
#include <time.h>

static const char *format(int64_t us)
{
    static char text[TIME_TEXT_SIZE];
    time_format_rfc3339(us, text);
    return text;
}

TEST(known_moments_are_written_as_everybody_writes_them)
{
    CHECK_STR(format(0), "1970-01-01T00:00:00.000Z");
    CHECK_STR(format(-1), "1969-12-31T23:59:59.999Z");
    CHECK_STR(format(INT64_C(1420070400000000)), "2015-01-01T00:00:00.000Z");
    CHECK_STR(format(INT64_C(951782399999999)), "2000-02-28T23:59:59.999Z");
    CHECK_STR(format(INT64_C(951782400000000)), "2000-02-29T00:00:00.000Z");
}

TEST(moments_outside_of_four_digit_years_are_clamped)
{
    CHECK_STR(format(INT64_MAX), "9999-12-31T23:59:59.999Z");
    CHECK_STR(format(INT64_MIN), "0001-01-01T00:00:00.000Z");
}

TEST(random_moments_agree_with_gmtime_and_come_back)
{
    for (int i = 0; i < 20000; i++) {
        /* Years 1 to 9999, to the millisecond. */
        int64_t ms = (int64_t)(test_random() % UINT64_C(315537897600000)) - INT64_C(62135596800000);
        time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
        struct tm tm;
        gmtime_r(&seconds, &tm);
        char expected[80];
        (void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                       tm.tm_sec, (int)(ms - (int64_t)seconds * 1000));
        int64_t back = 0;
        if (!CHECK_STR(format(ms * 1000), expected) ||
            !CHECK(time_parse_rfc3339(expected, &back)) || !CHECK_INT(back, ms * 1000))
            return;
    }
}

static int64_t parsed(const char *text)
{
    int64_t us = -1;
    CHECK(time_parse_rfc3339(text, &us));
    return us;
}

TEST(offsets_fractions_and_lower_case_are_read)
{
    CHECK_INT(parsed("1970-01-01T01:00:00+01:00"), 0);
    CHECK_INT(parsed("1969-12-31T18:30:00-05:30"), 0);
    CHECK_INT(parsed("1970-01-01t00:00:00.5z"), 500000);
    CHECK_INT(parsed("1970-01-01 00:00:00.123456789Z"), 123456);
    CHECK_INT(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
}

TEST(what_is_no_moment_is_refused)
{
    static const char *const wrong[] = {
        "",
        "1970",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-13-01T00:00:00Z",
        "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567890Z",
        "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00+0100",
        "0000-01-01T00:00:00Z",
        " 1970-01-01T00:00:00Z",
        "-970-01-01T00:00:00Z",
    };
    int64_t us;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (!CHECK(!time_parse_rfc3339(wrong[i], &us)))
            printf("  %s\n", wrong[i]);
}

TEST(the_monotonic_clock_never_goes_back)
{
    int64_t before = mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = mono_us();
        CHECK(now >= before);
        before = now;
    }
}
