/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a request body, against a shape that has every kind. What is accepted must be
 * written as JSON that is accepted again and written the same; a refusal must say why. */

#include <stdlib.h>
#include <string.h>

#include "shared/wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const colours[] = {"red", "green", NULL};

struct leaf {
    const char *text;
    int64_t weight;
};
static const struct field leaf_fields[] = {
    F_STR(leaf, text, RANGE(1, 8)),
    F_INT(leaf, weight, OPTIONAL),
};
static SHAPE(leaf);

struct body {
    uint64_t given;
    snowflake id;
    int64_t number;
    bool flag;
    const char *text;
    const char *line;
    int64_t at;
    int colour;
    uint64_t allow;
    const char *any;
    struct leaf *leaf;
    struct list leaves;
    struct list ids;
    struct list tags;
};
static const struct field body_fields[] = {
    F_ID(body, id, OPT_NULL),
    F_INT(body, number, OPT_NULL, RANGE(-5, 100)),
    F_BOOL(body, flag, OPTIONAL),
    F_STR(body, text, OPT_NULL),
    F_STR(body, line, RANGE(1, 16), FLAGS(FIELD_OPTIONAL | FIELD_NULLABLE | FIELD_ONE_LINE)),
    F_TIME(body, at, OPT_NULL),
    F_ENUM(body, colour, colours, OPT_NULL),
    F_PERM(body, allow, OPTIONAL),
    F_JSON(body, any, OPT_NULL, RANGE(0, 256)),
    F_OBJ(body, leaf, leaf, OPT_NULL),
    F_LIST(body, leaves, leaf, OPTIONAL, RANGE(0, 8)),
    F_IDS(body, ids, OPTIONAL, RANGE(0, 8)),
    F_STRS(body, tags, OPTIONAL, RANGE(0, 8)),
};
static SHAPE_PATCH(body);

static enum err decode(struct arena *a, const char *text, size_t len, bool is_params,
                       struct body *ret)
{
    auto_json json_t *root = NULL;
    struct field_errors errors = {.count = 0};
    struct decode d = {.arena = a, .errors = &errors};
    const char *why = NULL;
    enum err e = json_read_object(a, text, len, &root, &why);
    if (e != OK && why == NULL)
        abort();
    TRY(e);
    *ret = (struct body){.given = 0};
    e = is_params ? shape_decode(&body_shape, NULL, root, &d, ret)
                  : shape_decode(&body_shape, root, NULL, &d, ret);
    if ((e != OK) != (errors.count > 0))
        abort();
    return e;
}

static void check_round_trip(struct arena *a, const struct body *in)
{
    auto_buf struct buf first = {0};
    auto_buf struct buf second = {0};
    struct body again;
    shape_encode(&body_shape, in, &first);
    if (decode(a, first.data, first.len, false, &again) != OK)
        abort();
    shape_encode(&body_shape, &again, &second);
    if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    struct body in;
    if (decode(&a, (const char *)data, size, false, &in) == OK)
        check_round_trip(&a, &in);
    (void)decode(&a, (const char *)data, size, true, &in);
    return 0;
}
