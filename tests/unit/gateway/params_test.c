/* SPDX-License-Identifier: MIT */
#include "gateway/params.h"

#include <string.h>

#include "shared/base/buf.h"
#include "tests/test.h"

static struct route_match one_param(const char *name, const char *value)
{
    return (struct route_match){
        .params = {{name, strlen(name), value, strlen(value)}},
        .param_count = 1,
    };
}

TEST(path_and_query_become_one_object_of_strings)
{
    auto_arena struct arena a = {0};
    struct route_match m = one_param("channel_id", "42");
    const char *json = NULL;
    const char *name = NULL;
    CHECK_INT(params_encode(&a, &m, "limit=50&q=a+b%21", &json, &name), OK);
    CHECK_STR(json, "{\"limit\":\"50\",\"q\":\"a b!\",\"channel_id\":\"42\"}");
}

TEST(nothing_at_all_is_no_object)
{
    auto_arena struct arena a = {0};
    struct route_match m = {0};
    const char *json = "";
    const char *name = NULL;
    CHECK_INT(params_encode(&a, &m, NULL, &json, &name), OK);
    CHECK(json == NULL);
    CHECK_INT(params_encode(&a, &m, "&&", &json, &name), OK);
    CHECK(json == NULL);
}

TEST(the_last_value_wins_and_the_path_over_all)
{
    auto_arena struct arena a = {0};
    struct route_match m = one_param("id", "1");
    const char *json = NULL;
    const char *name = NULL;
    CHECK_INT(params_encode(&a, &m, "id=2&x=1&x=2&%69d=3", &json, &name), OK);
    CHECK_STR(json, "{\"id\":\"1\",\"x\":\"2\"}");
}

TEST(a_value_cannot_break_out_of_its_string)
{
    auto_arena struct arena a = {0};
    struct route_match m = one_param("name", "a%22%2C%22b%22%3A%22c%0D%0A");
    const char *json = NULL;
    const char *name = NULL;
    CHECK_INT(params_encode(&a, &m, NULL, &json, &name), OK);
    CHECK_STR(json, "{\"name\":\"a\\\",\\\"b\\\":\\\"c\\r\\n\"}");
}

TEST(what_cannot_be_decoded_is_named)
{
    static const struct {
        const char *query;
        const char *name;
    } rows[] = {
        {"a=%",             "a"    },
        {"a=%1",            "a"    },
        {"a=%zz",           "a"    },
        {"a=%00",           "a"    },
        {"a=%ff",           "a"    },
        {"a=%c0%80",        "a"    },
        {"%ff=1",           "query"},
        {"b=1&a=%ed%a0%80", "a"    }
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena a = {0};
        struct route_match m = {0};
        const char *json = NULL;
        const char *name = NULL;
        CHECK_INT(params_encode(&a, &m, rows[i].query, &json, &name), ERR_INVALID_FORM);
        CHECK_STR(name, rows[i].name);
    }
}

TEST(a_percent_at_the_very_end_is_refused_and_one_before_two_digits_is_not)
{
    char out[16];
    size_t len = 0;
    CHECK(percent_decode("%41", 3, false, out, &len));
    CHECK_STR(out, "A");
    CHECK(percent_decode("a+b", 3, false, out, &len));
    CHECK_STR(out, "a+b");
    CHECK(!percent_decode("%4", 2, false, out, &len));
    /* Two digits behind the end do not count. */
    CHECK(!percent_decode("%41", 2, false, out, &len));
}

TEST(more_parameters_than_the_limit_are_refused)
{
    auto_arena struct arena a = {0};
    auto_buf struct buf query = {0};
    struct route_match m = {0};
    const char *json = NULL;
    const char *name = NULL;
    for (int i = 0; i < PARAMS_MAX; i++)
        buf_printf(&query, "&p%d=x", i);
    CHECK_INT(params_encode(&a, &m, buf_str(&query), &json, &name), OK);
    buf_adds(&query, "&more=x");
    CHECK_INT(params_encode(&a, &m, buf_str(&query), &json, &name), ERR_INVALID_FORM);
}
