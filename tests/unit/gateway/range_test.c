/* SPDX-License-Identifier: MIT */
#include "gateway/range.h"

#include "shared/base/macros.h"
#include "tests/test.h"

struct row {
    const char *header;
    uint64_t size;
    enum range_kind kind;
    uint64_t start;
    uint64_t length;
};

TEST(a_range_is_what_the_standard_says)
{
    static const struct row rows[] = {
        {NULL,                           100, RANGE_WHOLE,      0,  100},
        {"bytes=0-0",                    100, RANGE_PART,       0,  1  },
        {"bytes=10-19",                  100, RANGE_PART,       10, 10 },
        {"bytes=90-",                    100, RANGE_PART,       90, 10 },
        {"bytes=-10",                    100, RANGE_PART,       90, 10 },
        {"bytes=-1000",                  100, RANGE_PART,       0,  100},
        {"bytes=50-1000",                100, RANGE_PART,       50, 50 },
        {"bytes=99-99",                  100, RANGE_PART,       99, 1  },
        {"bytes=100-",                   100, RANGE_IMPOSSIBLE, 0,  100},
        {"bytes=-0",                     100, RANGE_IMPOSSIBLE, 0,  100},
        {"bytes=0-",                     0,   RANGE_IMPOSSIBLE, 0,  0  },
        {"bytes=-5",                     0,   RANGE_IMPOSSIBLE, 0,  0  },
        {"bytes=0-18446744073709551615", 100, RANGE_PART,       0,  100},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct range got;
        CHECK_INT(range_read(rows[i].header, NULL, "\"t\"", rows[i].size, &got), rows[i].kind);
        CHECK_INT(got.start, rows[i].start);
        CHECK_INT(got.length, rows[i].length);
    }
}

TEST(what_is_no_range_means_the_whole)
{
    static const char *const headers[] = {"bytes=",
                                          "bytes=-",
                                          "bytes=5-4",
                                          "bytes=a-b",
                                          "items=0-1",
                                          "bytes=0-1,5-6",
                                          "bytes=99999999999999999999-",
                                          "0-5"};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct range got;
        CHECK_INT(range_read(headers[i], NULL, "\"t\"", 100, &got), RANGE_WHOLE);
        CHECK_INT(got.length, 100);
    }
}

TEST(a_range_of_another_version_means_the_whole)
{
    struct range got;
    CHECK_INT(range_read("bytes=0-1", "\"t\"", "\"t\"", 100, &got), RANGE_PART);
    CHECK_INT(range_read("bytes=0-1", "\"u\"", "\"t\"", 100, &got), RANGE_WHOLE);
    CHECK_INT(range_read("bytes=0-1", "W/\"t\"", "\"t\"", 100, &got), RANGE_WHOLE);
}

TEST(a_tag_is_found_in_the_list_a_cache_sends)
{
    CHECK(etag_matches("\"a\", \"t\"", "\"t\""));
    CHECK(etag_matches("W/\"t\"", "\"t\""));
    CHECK(etag_matches("*", "\"t\""));
    CHECK(!etag_matches("\"tt\"", "\"t\""));
    CHECK(!etag_matches("", "\"t\""));
    CHECK(!etag_matches(NULL, "\"t\""));
}
