/* SPDX-License-Identifier: MIT
 *
 * What a client may send, kind by kind, and what it is told about the rest. */

#include <stdio.h>
#include <string.h>

#include "shared/wire/json.h"
#include "tests/test.h"

static const char *const colours[] = {"red", "green", NULL};

struct option {
    const char *text;
    int64_t weight;
};
static const struct field option_fields[] = {
    F_STR(option, text, RANGE(1, 5)),
    F_INT(option, weight, OPTIONAL),
};
static SHAPE(option);

struct all {
    snowflake id;
    int64_t number;
    bool flag;
    const char *text;
    int64_t at;
    int colour;
    uint64_t allow;
    const char *any;
    struct option *best;
    struct list options;
    struct list ids;
    struct list tags;
};
static const struct field all_fields[] = {
    F_ID(all, id, OPTIONAL),
    F_INT(all, number, OPTIONAL, RANGE(-5, 100)),
    F_BOOL(all, flag, OPTIONAL),
    F_STR(all, text, RANGE(2, 6), FLAGS(FIELD_OPTIONAL | FIELD_ONE_LINE)),
    F_TIME(all, at, OPTIONAL),
    F_ENUM(all, colour, colours, OPTIONAL),
    F_PERM(all, allow, OPTIONAL),
    F_JSON(all, any, OPTIONAL, RANGE(0, 32)),
    F_OBJ(all, best, option, OPTIONAL),
    F_LIST(all, options, option, OPTIONAL, RANGE(0, 3)),
    F_IDS(all, ids, OPTIONAL, RANGE(1, 3)),
    F_STRS(all, tags, OPTIONAL),
};
static SHAPE(all);

struct change {
    uint64_t given;
    snowflake channel_id;
    const char *topic;
    int64_t limit;
    int colour;
};
static const struct field change_fields[] = {
    F_ID(change, channel_id),
    F_STR(change, topic, OPT_NULL),
    F_INT(change, limit, OPT_NULL),
    F_ENUM(change, colour, colours, OPT_NULL),
};
static SHAPE_PATCH(change);

/* One decoding and what came of it. */
struct trial {
    struct arena arena;
    struct field_errors errors;
    struct all in;
    enum err err;
};

static json_t *parse(const char *text)
{
    json_t *root = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    CHECK(text == NULL || root != NULL);
    return root;
}

static void try_all(struct trial *t, const char *body, const char *params)
{
    auto_json json_t *b = parse(body);
    auto_json json_t *p = parse(params);
    *t = (struct trial){.err = OK};
    struct decode d = {.arena = &t->arena, .errors = &t->errors};
    t->err = shape_decode(&all_shape, b, p, &d, &t->in);
}

static void finish(struct trial *t)
{
    arena_release(&t->arena);
}

/* The one error the body gives, as "field message"; "" for none. */
static void check_error(const char *body, const char *params, const char *expected)
{
    struct trial t;
    char said[256] = "";
    try_all(&t, body, params);
    for (size_t i = 0; i < t.errors.count; i++)
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s %s", i > 0 ? "; " : "",
                 t.errors.v[i].field, t.errors.v[i].message);
    CHECK(t.err == (t.errors.count > 0 ? ERR_INVALID_FORM : OK));
    CHECK_STR(said, expected);
    finish(&t);
}

TEST(every_kind_is_decoded)
{
    struct trial t;
    try_all(&t,
            "{\"id\":\"7\",\"number\":-3,\"flag\":true,\"text\":\" h\xc3\xa9llo \",\"unknown\":1,"
            "\"at\":\"2026-11-20T09:12:33.5Z\",\"colour\":\"green\",\"allow\":\"0\","
            "\"any\":{\"x\":[1,null]},\"best\":{\"text\":\"a\",\"weight\":4},"
            "\"options\":[{\"text\":\"b\"},{\"text\":\"c\"}],\"ids\":[\"8\",\"9\"],"
            "\"tags\":[\"p\",\"q\"]}",
            NULL);
    CHECK(t.err == OK);
    CHECK(t.in.id == 7 && t.in.number == -3 && t.in.flag && t.in.colour == 1 && t.in.allow == 0);
    CHECK_STR(t.in.text, "h\xc3\xa9llo");
    CHECK(t.in.at == INT64_C(1795165953500000));
    CHECK_STR(t.in.any, "{\"x\":[1,null]}");
    CHECK(t.in.best != NULL && t.in.best->weight == 4);
    CHECK(t.in.options.count == 2 && t.in.ids.count == 2 && t.in.tags.count == 2);
    CHECK_STR(LIST_AT(&t.in.options, struct option, 1)->text, "c");
    CHECK(*LIST_AT(&t.in.ids, snowflake, 1) == 9);
    CHECK_STR(*LIST_AT(&t.in.tags, const char *, 0), "p");
    finish(&t);
}

TEST(what_is_absent_stays_zero)
{
    struct trial t;
    try_all(&t, "{}", NULL);
    struct all zero = {0};
    CHECK(t.err == OK && memcmp(&t.in, &zero, sizeof(zero)) == 0);
    finish(&t);
}

TEST(an_empty_list_is_not_an_absent_one)
{
    struct trial t;
    try_all(&t, "{\"options\":[]}", NULL);
    CHECK(t.err == OK && t.in.options.count == 0 && t.in.options.items != NULL);
    finish(&t);
}

TEST(ids_are_strict_decimal_strings)
{
    const char *refused[] = {"7",
                             "\"\"",
                             "\"0\"",
                             "\"007\"",
                             "\"+7\"",
                             "\" 7\"",
                             "\"7 \"",
                             "\"7a\"",
                             "\"-7\"",
                             "true",
                             "[]",
                             "\"9223372036854775808\"",
                             "\"18446744073709551617\""};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"id\":%s}", refused[i]);
        check_error(body, NULL, "id must be an id (a string of decimal digits)");
    }
    check_error("{\"id\":\"9223372036854775807\"}", NULL, "");
}

TEST(integers_are_integers_within_their_range)
{
    check_error("{\"number\":101}", NULL, "number must be between -5 and 100");
    check_error("{\"number\":-6}", NULL, "number must be between -5 and 100");
    check_error("{\"number\":1.0}", NULL, "number must be an integer");
    check_error("{\"number\":1e1}", NULL, "number must be an integer");
    check_error("{\"number\":\"5\"}", NULL, "number must be an integer");
    check_error("{\"number\":true}", NULL, "number must be an integer");
}

TEST(lengths_are_counted_in_code_points)
{
    check_error("{\"text\":\"\xf0\x9f\x98\x80\"}", NULL, "text must be between 2 and 6 in length");
    check_error("{\"text\":\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"}", NULL, "");
    check_error("{\"text\":\"1234567\"}", NULL, "text must be between 2 and 6 in length");
    check_error("{\"text\":5}", NULL, "text must be a string");
}

TEST(one_line_text_is_trimmed_and_has_no_control_characters)
{
    check_error("{\"text\":\"\\n a\xe2\x80\x83\"}", NULL, "text must be between 2 and 6 in length");
    check_error("{\"text\":\"a\\nb\"}", NULL, "text must not contain control characters");
    check_error("{\"text\":\"a\xe2\x80\xa8"
                "b\"}",
                NULL, "text must not contain control characters");
    check_error("{\"text\":\" ab\\n\"}", NULL, "");
    check_error("{\"text\":\"   \"}", NULL, "text must be between 2 and 6 in length");
}

TEST(words_times_sets_and_booleans_are_checked)
{
    check_error("{\"colour\":\"blue\"}", NULL, "colour must be one of red, green");
    check_error("{\"colour\":1}", NULL, "colour must be one of red, green");
    check_error("{\"at\":\"yesterday\"}", NULL, "at must be a time (RFC 3339)");
    check_error("{\"allow\":\"-1\"}", NULL,
                "allow must be a permission set (a string of decimal digits)");
    check_error("{\"allow\":8}", NULL,
                "allow must be a permission set (a string of decimal digits)");
    check_error("{\"flag\":1}", NULL, "flag must be true or false");
    check_error("{\"flag\":\"true\"}", NULL, "flag must be true or false");
}

TEST(nested_mistakes_have_a_path)
{
    check_error("{\"best\":[]}", NULL, "best must be an object");
    check_error("{\"best\":{}}", NULL, "best.text is required");
    check_error("{\"options\":[{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":\"\"}]}", NULL,
                "options[2].text must be between 1 and 5 in length");
    check_error("{\"options\":[{\"text\":\"a\"},7]}", NULL, "options[1] must be an object");
    check_error("{\"ids\":[\"1\",\"x\"]}", NULL,
                "ids[1] must be an id (a string of decimal digits)");
    check_error("{\"tags\":[null]}", NULL, "tags[0] must be a string");
}

TEST(lists_are_counted)
{
    check_error("{\"ids\":[]}", NULL, "ids must have between 1 and 3 entries");
    check_error("{\"options\":[1,2,3,4]}", NULL, "options must have 3 or fewer entries");
    check_error("{\"options\":{}}", NULL, "options must be a list");
}

TEST(json_is_bounded_by_its_bytes)
{
    check_error("{\"any\":\"12345678901234567890123456789012345\"}", NULL,
                "any must be 32 or fewer bytes of JSON");
}

TEST(null_needs_leave)
{
    check_error("{\"text\":null}", NULL, "text must not be null");
    check_error("{\"options\":null}", NULL, "options must not be null");
}

TEST(all_mistakes_are_told_at_once_up_to_a_bound)
{
    check_error("{\"id\":1,\"number\":\"x\",\"flag\":2}", NULL,
                "id must be an id (a string of decimal digits); number must be an integer; "
                "flag must be true or false");

    struct trial t;
    char body[1024] = "{\"tags\":[";
    for (int i = 0; i < 100; i++)
        strcat(body, i > 0 ? ",1" : "1");
    strcat(body, "]}");
    try_all(&t, body, NULL);
    CHECK(t.err == ERR_INVALID_FORM && t.errors.count == FIELD_ERRORS_MAX);
    finish(&t);
}

TEST(params_are_text_and_win_over_the_body)
{
    struct trial t;
    try_all(&t, "{\"number\":1,\"id\":\"1\"}",
            "{\"number\":\"50\",\"id\":\"2\",\"flag\":\"true\",\"ids\":\"3,4\",\"tags\":\"a,,b\"}");
    CHECK(t.err == OK);
    CHECK(t.in.number == 50 && t.in.id == 2 && t.in.flag);
    CHECK(t.in.ids.count == 2 && *LIST_AT(&t.in.ids, snowflake, 1) == 4);
    CHECK(t.in.tags.count == 3);
    finish(&t);
}

TEST(bad_params_are_field_errors)
{
    check_error("{}", "{\"id\":\"abc\"}", "id must be an id (a string of decimal digits)");
    check_error("{}", "{\"number\":\"\"}", "number must be an integer");
    check_error("{}", "{\"number\":\"5x\"}", "number must be an integer");
    check_error("{}", "{\"number\":\"-5\"}", "");
    check_error("{}", "{\"flag\":\"yes\"}", "flag must be true or false");
    check_error("{}", "{\"best\":\"a\"}", "best must be an object");
    check_error("{}", "{\"options\":\"a\"}", "options must be a list");
    check_error("{}", "{\"ids\":\"\"}", "ids[0] must be an id (a string of decimal digits)");
}

TEST(a_patch_tells_null_from_absent)
{
    auto_arena struct arena a = {0};
    struct field_errors errors = {0};
    struct change in = {0};
    struct decode d = {.arena = &a, .errors = &errors};
    auto_json json_t *body = parse("{\"topic\":null,\"limit\":null,\"colour\":null}");
    auto_json json_t *params = parse("{\"channel_id\":\"5\"}");
    CHECK(shape_decode(&change_shape, body, params, &d, &in) == OK);
    CHECK(shape_given(&change_shape, &in, "topic"));
    CHECK(shape_given(&change_shape, &in, "channel_id"));
    CHECK(in.topic == NULL && in.limit == FIELD_NO_INT && in.colour == -1);

    struct change none = {0};
    auto_json json_t *empty = parse("{}");
    CHECK(shape_decode(&change_shape, empty, params, &d, &none) == OK);
    CHECK(!shape_given(&change_shape, &none, "topic"));
    CHECK(!shape_given(&change_shape, &none, "limit"));
}

TEST(what_is_required_must_be_there)
{
    auto_arena struct arena a = {0};
    struct field_errors errors = {0};
    struct change in = {0};
    struct decode d = {.arena = &a, .errors = &errors};
    CHECK(shape_decode(&change_shape, NULL, NULL, &d, &in) == ERR_INVALID_FORM);
    CHECK(errors.count == 1);
    CHECK_STR(errors.v[0].field, "channel_id");
    CHECK_STR(errors.v[0].message, "is required");
}

TEST(entities_of_ours_are_read_leniently)
{
    auto_arena struct arena a = {0};
    struct all e = {0};
    auto_json json_t *v = parse("{\"id\":12,\"number\":5000,\"text\":null,\"options\":[{}],"
                                "\"at\":\"2026-11-20T09:12:33.123456+00:00\",\"allow\":3}");
    CHECK(shape_decode_entity(&all_shape, v, &a, &e) == OK);
    CHECK(e.id == 12 && e.number == 5000 && e.text == NULL && e.options.count == 1);
    CHECK(e.allow == 3);

    auto_json json_t *broken = parse("{\"options\":[{\"weight\":\"x\"}]}");
    CHECK(shape_decode_entity(&all_shape, broken, &a, &e) == ERR_INTERNAL);

    struct list l = {0};
    auto_json json_t *array = parse("[{\"text\":\"a\"},{\"text\":\"longer than five\"}]");
    CHECK(shape_decode_list(&option_shape, array, &a, &l) == OK);
    CHECK(l.count == 2);
    CHECK(shape_decode_list(&option_shape, v, &a, &l) == ERR_INTERNAL);
}
