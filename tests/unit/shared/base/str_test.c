/* SPDX-License-Identifier: MIT
 *
 * Text at the edges: exactly one spelling of each value. */

#include "shared/base/rand.h"
#include "shared/base/str.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

TEST(good_utf8_is_accepted)
{
    static const char *const good[] = {"",
                                       "ascii",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        CHECK(utf8_valid(good[i], strlen(good[i])));
    CHECK(utf8_valid("a\0b", 3));
}

TEST(overlong_surrogate_stray_cut_and_too_large_utf8_is_refused)
{
    static const char *const bad[] = {
        "\x80",         "\xBF",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF",         "\xC3",         "\xE2\x82",         "\xF0\x9F\x98",     "ok\xC3(",
        "\xE2(\x82"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK(!utf8_valid(bad[i], strlen(bad[i]))))
            printf("  case %zu\n", i);
}

TEST(length_and_walk_count_code_points)
{
    const char *text = "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80";
    CHECK_INT(utf8_length(text, strlen(text)), 4);
    const char *at = text;
    const char *end = text + strlen(text);
    CHECK_INT(utf8_next(&at, end), 'a');
    CHECK_INT(utf8_next(&at, end), 0xFC);
    CHECK_INT(utf8_next(&at, end), 0x20AC);
    CHECK_INT(utf8_next(&at, end), 0x1F600);
    CHECK_INT(utf8_next(&at, end), 0);
    CHECK(at == end);
}

static bool parses(const char *text)
{
    uint64_t value;
    return str_parse_u64(text, strlen(text), &value);
}

TEST(numbers_have_one_spelling)
{
    uint64_t value = 0;
    CHECK(str_parse_u64("18446744073709551615", 20, &value) && value == UINT64_MAX);
    CHECK(str_parse_u64("0", 1, &value) && value == 0);
    CHECK(!parses(""));
    CHECK(!parses("18446744073709551616"));
    CHECK(!parses("99999999999999999999999"));
    CHECK(!parses("01"));
    CHECK(!parses("+1"));
    CHECK(!parses("-1"));
    CHECK(!parses(" 1"));
    CHECK(!parses("1 "));
    CHECK(!parses("0x1"));
}

TEST(written_numbers_are_read_back)
{
    for (int i = 0; i < 1000; i++) {
        uint64_t value = rand_u64() >> (rand_u64() % 64);
        char text[U64_TEXT_SIZE];
        uint64_t back = ~value;
        size_t len = str_format_u64(value, text);
        CHECK_INT(len, strlen(text));
        CHECK(str_parse_u64(text, len, &back) && back == value);
    }
}

TEST(constant_time_equality_is_equality)
{
    CHECK(str_eq_ct("", ""));
    CHECK(str_eq_ct("secret", "secret"));
    CHECK(!str_eq_ct("secret", "secreT"));
    CHECK(!str_eq_ct("Secret", "secret"));
    CHECK(!str_eq_ct("secret", "secret1"));
}

/* RFC 4648, section 10. */
TEST(base64_gives_the_vectors_of_its_rfc)
{
    static const char *const vectors[][2] = {
        {"",       ""        },
        {"f",      "Zg=="    },
        {"fo",     "Zm8="    },
        {"foo",    "Zm9v"    },
        {"foob",   "Zm9vYg=="},
        {"fooba",  "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"}
    };
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        char out[BASE64_SIZE(6)];
        CHECK_INT(base64_encode(vectors[i][0], strlen(vectors[i][0]), out), strlen(vectors[i][1]));
        CHECK_STR(out, vectors[i][1]);
    }
}

TEST(random_bytes_survive_base64url)
{
    for (size_t n = 0; n < 100; n++) {
        unsigned char bytes[100];
        unsigned char back[100];
        char text[BASE64URL_SIZE(100)];
        size_t got = 0;
        rand_bytes(bytes, n);
        size_t len = base64url_encode(bytes, n, text);
        CHECK_INT(len + 1, BASE64URL_SIZE(n));
        CHECK(strpbrk(text, "+/=") == NULL);
        CHECK(base64url_decode(text, len, back, sizeof(back), &got));
        CHECK(got == n && memcmp(bytes, back, n) == 0);
        if (n > 0)
            CHECK(!base64url_decode(text, len, back, n - 1, &got));
    }
}

TEST(base64url_with_padding_foreign_bytes_or_stray_bits_is_refused)
{
    static const char *const bad[] = {"Zg==", "Zm9v\n", "Zm 9", "Zm+v", "Zm/v",
                                      "Z",    "Zm9vY",  "Zh",   "Zm9"};
    unsigned char out[16];
    size_t n;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK(!base64url_decode(bad[i], strlen(bad[i]), out, sizeof(out), &n)))
            printf("  %s\n", bad[i]);
    CHECK(!base64url_decode("Zm\0v", 4, out, sizeof(out), &n));
}

TEST(hex_and_lower_case_are_plain)
{
    char hex[HEX_SIZE(4)];
    str_hex("\x00\x1f\xa0\xff", 4, hex);
    CHECK_STR(hex, "001fa0ff");
    char name[] = "MANAGE_Roles-\xC3\x9C";
    str_ascii_lower(name);
    CHECK_STR(name, "manage_roles-\xC3\x9C");
    str_ascii_printable(name);
    CHECK_STR(name, "manage_roles-??");
}
