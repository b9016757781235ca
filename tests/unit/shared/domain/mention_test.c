/* SPDX-License-Identifier: MIT
 *
 * Whom a message names, and what only looks like it. */

#include "shared/domain/mention.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

static struct mentions found;

static void scan(const char *text)
{
    mention_scan(text, strlen(text), &found);
}

static bool is_empty(void)
{
    return found.user_count == 0 && found.role_count == 0 && !found.everyone && !found.here;
}

TEST(users_roles_everyone_and_here_are_found)
{
    scan("<@12> and <@!34>, <@&56>: @everyone! (@here)");
    CHECK(found.user_count == 2 && found.users[0] == 12 && found.users[1] == 34);
    CHECK(found.role_count == 1 && found.roles[0] == 56);
    CHECK(found.everyone && found.here);
}

TEST(each_id_counts_once)
{
    scan("<@1><@1><@!1><@2>");
    CHECK(found.user_count == 2);
}

TEST(code_names_nobody)
{
    static const char *const quiet[] = {
        "`<@1>`",
        "``a ` <@1> @everyone``",
        "```c\n<@&1> @here\n```",
        "```\n` <@1>\n```",
    };
    for (size_t i = 0; i < ARRAY_LEN(quiet); i++) {
        scan(quiet[i]);
        if (!CHECK(is_empty()))
            printf("  %s\n", quiet[i]);
    }
}

TEST(backticks_that_nothing_closes_are_text)
{
    scan("it`s for <@1>");
    CHECK_INT(found.user_count, 1);
    scan("``` <@1> ``");
    CHECK_INT(found.user_count, 1);
    scan("\\`<@1>`");
    CHECK_INT(found.user_count, 1);
    scan("`a` <@1> `b`");
    CHECK_INT(found.user_count, 1);
}

TEST(what_only_looks_like_a_mention_is_text)
{
    static const char *const quiet[] = {
        "",
        "<",
        "<@",
        "<@>",
        "<@1",
        "<@x>",
        "<@ 1>",
        "<@01>",
        "<@0>",
        "<@-1>",
        "<@&>",
        "<@!>",
        "<@&!1>",
        "<@9223372036854775808>",
        "<@11111111111111111111>",
        "mail@everyone.example",
        "@everyones",
        "@Everyone",
        "@hereby",
        "x@here",
        "<@1\n>",
        "\\`",
    };
    for (size_t i = 0; i < ARRAY_LEN(quiet); i++) {
        scan(quiet[i]);
        if (!CHECK(is_empty()))
            printf("  %s\n", quiet[i]);
    }
}

TEST(mentions_stop_at_their_limit)
{
    char text[LIMIT_MENTIONS * 16];
    size_t len = 0;
    for (int i = 1; i <= LIMIT_MENTIONS + 20; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "<@%d>", i);
    scan(text);
    CHECK_INT(found.user_count, LIMIT_MENTIONS);
}

TEST(no_bytes_make_the_scan_read_past_the_text)
{
    static const char letters[] = "<@&!`12>ehro\\ n";
    for (int i = 0; i < 20000; i++) {
        /* Exactly as long as the heap block, so that a sanitizer sees one byte too many. */
        size_t len = test_random() % 24;
        auto_heap char *text = malloc(len + 1);
        for (size_t k = 0; k < len; k++)
            text[k] = letters[test_random() % (sizeof(letters) - 1)];
        auto_heap char *exact = malloc(len > 0 ? len : 1);
        memcpy(exact, text, len);
        mention_scan(exact, len, &found);
        CHECK(found.user_count <= LIMIT_MENTIONS);
    }
}
