/* SPDX-License-Identifier: MIT
 *
 * What clients are shown: every kind, and the difference between null, absent and empty. */

#include "shared/wire/json.h"
#include "tests/test.h"

static const char *const states[] = {"open", "closed", NULL};

struct leaf {
    snowflake id;
    const char *name;
};
static const struct field leaf_fields[] = {
    F_ID(leaf, id),
    F_STR(leaf, name),
};
static SHAPE(leaf);

struct tree {
    snowflake id;
    int64_t count;
    bool is_old;
    const char *name;
    int64_t planted_at;
    int state;
    uint64_t allow;
    const char *extra;
    struct leaf *top;
    struct list leaves;
    struct list friends;
    struct list tags;
};
static const struct field tree_fields[] = {
    F_ID(tree, id),
    F_INT(tree, count, OPT_NULL),
    F_BOOL(tree, is_old),
    F_STR(tree, name, NULLABLE),
    F_TIME(tree, planted_at, OPTIONAL),
    F_ENUM(tree, state, states, OPTIONAL),
    F_PERM(tree, allow),
    F_JSON(tree, extra, OPTIONAL),
    F_OBJ(tree, top, leaf, NULLABLE),
    F_LIST(tree, leaves, leaf),
    F_IDS(tree, friends, OPTIONAL),
    F_STRS(tree, tags, NULLABLE),
};
static SHAPE(tree);

static void check_encoded(const struct shape *sh, const void *obj, const char *expected)
{
    auto_buf struct buf out = {0};
    shape_encode(sh, obj, &out);
    CHECK_STR(buf_str(&out), expected);
}

TEST(every_kind_is_encoded)
{
    struct leaf leaves[] = {
        {1, "a\"b"          },
        {2, "\xe2\x82\xac\n"}
    };
    snowflake friends[] = {3, UINT64_C(9223372036854775807)};
    const char *tags[] = {"x", "y"};
    struct tree t = {
        .id = 77,
        .count = -12,
        .is_old = true,
        .name = "oak",
        .planted_at = INT64_C(1795165953123456),
        .state = 1,
        .allow = 0,
        .extra = "{\"k\":[1]}",
        .top = &leaves[0],
        .leaves = {leaves,  2},
        .friends = {friends, 2},
        .tags = {tags,    2},
    };
    check_encoded(
        &tree_shape, &t,
        "{\"id\":\"77\",\"count\":-12,\"is_old\":true,\"name\":\"oak\","
        "\"planted_at\":\"2026-11-20T09:12:33.123Z\",\"state\":\"closed\",\"allow\":\"0\","
        "\"extra\":{\"k\":[1]},\"top\":{\"id\":\"1\",\"name\":\"a\\\"b\"},"
        "\"leaves\":[{\"id\":\"1\",\"name\":\"a\\\"b\"},"
        "{\"id\":\"2\",\"name\":\"\xe2\x82\xac\\n\"}],"
        "\"friends\":[\"3\",\"9223372036854775807\"],\"tags\":[\"x\",\"y\"]}");
}

TEST(null_absent_and_empty_are_three_things)
{
    struct tree t = {.id = 1, .count = FIELD_NO_INT, .state = -1};
    check_encoded(&tree_shape, &t,
                  "{\"id\":\"1\",\"count\":null,\"is_old\":false,\"name\":null,\"allow\":\"0\","
                  "\"top\":null,\"leaves\":[],\"tags\":null}");
}

struct note {
    bool is_read, is_mine;
};
static const struct field note_fields[] = {
    F_BOOL(note, is_read),
    F_BOOL(note, is_mine, OPTIONAL),
};
static SHAPE(note);

TEST(an_optional_boolean_is_only_said_when_true)
{
    check_encoded(&note_shape, &(struct note){0}, "{\"is_read\":false}");
    check_encoded(&note_shape, &(struct note){true, true}, "{\"is_read\":true,\"is_mine\":true}");
}

TEST(an_encoded_entity_decodes_to_itself)
{
    struct leaf leaf = {5, "root"};
    struct tree t = {
        .id = 9, .count = 3, .name = "fir", .state = 0, .top = &leaf, .leaves = {&leaf, 1}
    };
    auto_buf struct buf text = {0};
    shape_encode(&tree_shape, &t, &text);

    auto_arena struct arena a = {0};
    auto_json json_t *v = json_loadb(text.data, text.len, 0, NULL);
    struct tree back = {0};
    CHECK(shape_decode_entity(&tree_shape, v, &a, &back) == OK);
    auto_buf struct buf again = {0};
    shape_encode(&tree_shape, &back, &again);
    CHECK_STR(buf_str(&again), buf_str(&text));
}

TEST(lists_of_objects_and_empty_objects_encode)
{
    auto_buf struct buf out = {0};
    struct leaf leaves[] = {
        {1, "a"},
        {2, "b"}
    };
    struct list l = {leaves, 2};
    shape_encode_list(&leaf_shape, &l, &out);
    CHECK_STR(buf_str(&out), "[{\"id\":\"1\",\"name\":\"a\"},{\"id\":\"2\",\"name\":\"b\"}]");
    check_encoded(&no_args_shape, &(struct no_args){0}, "{}");
}

TEST(a_schema_is_json_and_says_what_is_required)
{
    auto_buf struct buf out = {0};
    shape_schema(&tree_shape, false, &out);
    auto_json json_t *v = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    CHECK(json_is_object(v));
    const json_t *required = json_object_get(v, "required");
    /* id count is_old name allow top leaves tags: an entity shows null for what may be null. */
    CHECK_INT(json_array_size(required), 8);
    const json_t *properties = json_object_get(v, "properties");
    CHECK_INT(json_object_size(properties), 12);

    auto_buf struct buf in = {0};
    shape_schema(&tree_shape, true, &in);
    auto_json json_t *w = json_loadb(in.data, in.len, JSON_REJECT_DUPLICATES, NULL);
    CHECK_INT(json_array_size(json_object_get(w, "required")), 7);
}
