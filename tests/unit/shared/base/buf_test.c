/* SPDX-License-Identifier: MIT
 *
 * The byte buffer: growth, numbers, and JSON strings. */

#include "shared/base/buf.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

TEST(an_empty_buffer_reads_as_an_empty_string)
{
    auto_buf struct buf b = {0};
    CHECK_STR(buf_str(&b), "");
    buf_reset(&b);
    CHECK_STR(buf_str(&b), "");
}

TEST(a_buffer_keeps_every_byte_and_ends_with_a_nul)
{
    auto_buf struct buf b = {0};
    for (int i = 0; i < 100000; i++)
        buf_addc(&b, (char)('a' + i % 26));
    CHECK_INT(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        CHECK(b.data[i] == 'a' + i % 26);
    CHECK(b.data[b.len] == '\0');
}

TEST(numbers_are_written_to_their_ends)
{
    auto_buf struct buf b = {0};
    buf_add_u64(&b, 0);
    buf_addc(&b, ' ');
    buf_add_u64(&b, UINT64_MAX);
    buf_addc(&b, ' ');
    buf_add_i64(&b, INT64_MIN);
    buf_addc(&b, ' ');
    buf_add_i64(&b, -7);
    CHECK_STR(buf_str(&b), "0 18446744073709551615 -9223372036854775808 -7");
}

TEST(formatted_text_is_appended_whole)
{
    auto_buf struct buf b = {0};
    buf_adds(&b, "x");
    buf_printf(&b, "%0200d", 5);
    CHECK_INT(b.len, 201);
    CHECK_STR(b.data + 199, "05");
}

static void check_json(const char *text, size_t len, const char *expected)
{
    auto_buf struct buf b = {0};
    buf_json_str(&b, text, len);
    CHECK_STR(buf_str(&b), expected);
}

TEST(json_strings_escape_what_json_forbids_and_nothing_else)
{
    check_json("", 0, "\"\"");
    check_json("plain", 5, "\"plain\"");
    check_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    check_json("\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"");
    check_json("\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\"");
    check_json("a\0b", 3, "\"a\\u0000b\"");
    check_json("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80", 11,
               "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\"");
    check_json("\n\nend\n", 6, "\"\\n\\nend\\n\"");
}

TEST(a_stolen_text_belongs_to_the_thief)
{
    struct buf b = {0};
    buf_adds(&b, "loot");
    char *loot = buf_steal(&b);
    CHECK_STR(loot, "loot");
    CHECK(b.data == NULL && b.len == 0);
    free(loot);
    char *nothing = buf_steal(&b);
    CHECK_STR(nothing, "");
    free(nothing);
}
