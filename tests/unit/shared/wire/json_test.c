/* SPDX-License-Identifier: MIT
 *
 * Which text is a body. */

#include "shared/wire/json.h"

#include <string.h>

#include "tests/test.h"

static enum err read_text(const char *text, size_t len, json_t **ret)
{
    auto_arena struct arena a = {0};
    const char *why = NULL;
    enum err e = json_read_object(&a, text, len, ret, &why);
    CHECK((e == OK) == (why == NULL));
    return e;
}

static enum err try_text(const char *text)
{
    auto_json json_t *root = NULL;
    return read_text(text, strlen(text), &root);
}

TEST(an_absent_body_is_an_empty_object)
{
    auto_json json_t *root = NULL;
    CHECK(read_text(NULL, 0, &root) == OK);
    CHECK(json_is_object(root) && json_object_size(root) == 0);
}

TEST(only_an_object_is_a_body)
{
    CHECK(try_text("{\"a\":[1,{\"b\":null}]}") == OK);
    CHECK(try_text("[]") == ERR_BAD_JSON);
    CHECK(try_text("\"a\"") == ERR_BAD_JSON);
    CHECK(try_text("null") == ERR_BAD_JSON);
    CHECK(try_text("{\"a\":1") == ERR_BAD_JSON);
    CHECK(try_text("{} {}") == ERR_BAD_JSON);
}

TEST(duplicate_keys_and_bad_text_are_refused)
{
    CHECK(try_text("{\"a\":1,\"a\":2}") == ERR_BAD_JSON);
    CHECK(try_text("{\"a\":\"\\u0000\"}") == ERR_BAD_JSON);
    CHECK(try_text("{\"a\":\"\xff\"}") == ERR_BAD_JSON);
    CHECK(try_text("{\"a\":\"\\ud800\"}") == ERR_BAD_JSON);
    CHECK(try_text("{\"a\":123456789012345678901234567890}") == ERR_BAD_JSON);
}

static enum err try_depth(int depth)
{
    char text[4096];
    int at = snprintf(text, sizeof(text), "{\"a\":");
    for (int i = 1; i < depth; i++)
        text[at++] = '[';
    for (int i = 1; i < depth; i++)
        text[at++] = ']';
    text[at++] = '}';
    text[at] = '\0';
    return try_text(text);
}

TEST(depth_is_bounded_before_the_parser_recurses)
{
    CHECK(try_depth(JSON_DEPTH_MAX) == OK);
    CHECK(try_depth(JSON_DEPTH_MAX + 1) == ERR_BAD_JSON);
    CHECK(try_depth(2000) == ERR_BAD_JSON);
    CHECK(try_text("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"}") == OK);
}
