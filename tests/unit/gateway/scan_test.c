/* SPDX-License-Identifier: MIT */

#include "gateway/scan.h"

#include <string.h>

#include "tests/test.h"

static struct span of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static bool member_is(const char *object, const char *name, const char *wanted)
{
    struct span value;
    return scan_member(of(object), name, &value) && span_is(value, wanted);
}

TEST(a_member_is_found_as_it_is_written)
{
    CHECK(member_is("{\"a\":1,\"b\":\"x\"}", "b", "\"x\""));
    CHECK(member_is(" { \"d\" : { \"a\" : [ 1 , { } ] , \"b\":\"}\" } , \"t\":1 } ", "d",
                    "{ \"a\" : [ 1 , { } ] , \"b\":\"}\" }"));
    CHECK(member_is("{\"a\":\"\\\"b\\\":2\",\"b\":3}", "b", "3"));
    CHECK(member_is("{\"a\":true}", "a", "true"));
    CHECK(member_is("{\"a\":1,\"a\":2}", "a", "1"));
}

TEST(what_is_not_there_is_an_empty_span)
{
    struct span value = {"x", 1};
    CHECK(scan_member(of("{}"), "a", &value) && value.at == NULL);
    CHECK(scan_member(of("{\"b\":{\"a\":1}}"), "a", &value) && value.at == NULL);
}

TEST(what_is_no_object_or_cut_off_is_refused)
{
    static const char *const bad[] = {
        "",          "x",         "[]",          "{",          "{\"a\"",      "{\"a\":",
        "{\"a\":1",  "{\"a\":1,", "{\"a\":1,}",  "{\"a\":\"b", "{\"a\":[1}",  "{\"a\":1}x",
        "{\"a\" 1}", "{a:1}",     "{\"a\":1 2}", "\"\\",       "{\"a\":\"\\",
    };
    struct span value;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!scan_member(of(bad[i]), "a", &value));
}

TEST(items_of_an_array_come_one_by_one)
{
    struct span item;
    size_t at = 0;
    struct span array = of("[{\"id\":\"1\"}, \"]\" ,[2],3]");
    CHECK(scan_item(array, &at, &item) && span_is(item, "{\"id\":\"1\"}"));
    CHECK(scan_item(array, &at, &item) && span_is(item, "\"]\""));
    CHECK(scan_item(array, &at, &item) && span_is(item, "[2]"));
    CHECK(scan_item(array, &at, &item) && span_is(item, "3"));
    CHECK(!scan_item(array, &at, &item));
    at = 0;
    CHECK(!scan_item(of("[]"), &at, &item));
}

TEST(ids_numbers_and_plain_text_are_strict)
{
    snowflake id;
    uint64_t number;
    struct span text;
    CHECK(scan_id(of("\"123\""), &id) && id == 123);
    CHECK(!scan_id(of("123"), &id) && !scan_id(of("\"0\""), &id) && !scan_id(of("\"1x\""), &id));
    CHECK(scan_uint(of("17"), &number) && number == 17);
    CHECK(!scan_uint(of("-1"), &number) && !scan_uint(of("1.5"), &number));
    CHECK(!scan_uint((struct span){NULL, 0}, &number));
    CHECK(scan_plain(of("\"abc\""), &text) && span_is(text, "abc"));
    CHECK(!scan_plain(of("\"a\\u0000\""), &text) && !scan_plain(of("\""), &text));
}
