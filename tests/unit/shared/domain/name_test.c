/* SPDX-License-Identifier: MIT
 *
 * What may serve as a name. */

#include "shared/domain/limit.h"
#include "shared/domain/name.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

static bool is_title(const char *text)
{
    return name_check_title(text, 1, 100) == NULL;
}

TEST(ordinary_usernames_are_fine)
{
    static const char *const good[] = {
        "al", "Alice", "bob_42", "a.b-c", "_x_", "12", "abcdefghijklmnopqrstuvwxyz012345"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!CHECK(name_check_username(good[i]) == NULL))
            printf("  %s\n", good[i]);
}

TEST(usernames_that_confuse_are_refused)
{
    static const char *const bad[] = {"",     "a",    "abcdefghijklmnopqrstuvwxyz0123456",
                                      "a b",  "a@b",  "a#1",
                                      ".ab",  "ab.",  "-ab",
                                      "ab-",  "a..b", "\xD0\xB0lice",
                                      "a\nb", "<ab>", "a/b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK(name_check_username(bad[i]) != NULL))
            printf("  %s\n", bad[i]);
}

TEST(plausible_addresses_are_fine)
{
    static const char *const good[] = {"a@b", "first.last+tag@sub.example.org",
                                       "o'brien@example.ie",
                                       "\xC3\xBC@b\xC3\xBC"
                                       "cher.example"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!CHECK(name_check_email(good[i]) == NULL))
            printf("  %s\n", good[i]);
}

TEST(what_cannot_be_an_address_is_refused)
{
    static const char *const bad[] = {"",      "a",     "@",     "a@",      "@b",     "a@b@c",
                                      "a b@c", "a@b c", "a@-b",  "a@b-",    "a@b..c", "a@.b",
                                      "a@b.",  "a@b\n", "<a@b>", "a@[::1]", "a,b@c"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK(name_check_email(bad[i]) != NULL))
            printf("  %s\n", bad[i]);
    char local[80];
    memset(local, 'x', 65);
    memcpy(local + 65, "@y", 3);
    CHECK(name_check_email(local) != NULL);
}

TEST(titles_keep_what_people_type)
{
    static const char *const good[] = {"general",
                                       "g\xC3\xBCnther & co",
                                       "a  b",
                                       "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80",
                                       "\xE2\x9D\xA4\xEF\xB8\x8F",
                                       "\xE6\x97\xA5\xE6\x9C\xAC"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!CHECK(is_title(good[i])))
            printf("  %s\n", good[i]);
}

TEST(titles_that_cannot_be_seen_or_turn_text_round_are_refused)
{
    static const char *const bad[] = {"",
                                      "a\nb",
                                      "a\x7f",
                                      "a\xE2\x80\xAE"
                                      "b",
                                      "\xE2\x80\x8B",
                                      "a\xE2\x81\xA6",
                                      "\xE2\x80\x8D",
                                      "\xE3\x85\xA4",
                                      "\xC2\x85",
                                      "\xE2\xA0\x80",
                                      "\xEF\xBB\xBF"
                                      "a"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK(!is_title(bad[i])))
            printf("  case %zu\n", i);
}

TEST(titles_are_measured_in_characters)
{
    CHECK(name_check_title("\xC3\xBC\xC3\xBC", 2, 2) == NULL);
    CHECK(name_check_title("\xC3\xBC", 2, 2) != NULL);
    CHECK(name_check_title("\xC3\xBC\xC3\xBC\xC3\xBC", 2, 2) != NULL);
    CHECK(name_check_title("", 0, 2) == NULL);
}

TEST(white_space_of_any_kind_is_trimmed_at_the_ends_only)
{
    auto_arena struct arena a = {0};
    CHECK_STR(name_trim(&a, "  a b \t\n"), "a b");
    CHECK_STR(name_trim(&a, "\xC2\xA0\xE3\x80\x80x\xE2\x80\x83"), "x");
    CHECK_STR(name_trim(&a, " \t "), "");
    CHECK_STR(name_trim(&a, ""), "");
    CHECK_STR(name_trim(&a, "x"), "x");
}
