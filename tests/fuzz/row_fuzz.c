/* SPDX-License-Identifier: MIT
 *
 * Any text as the columns of a row of the database, each kind once. A line is a column's value,
 * an empty one is NULL. */

#include <stdlib.h>

#include "shared/base/clock.h"
#include "shared/store/db_private.h"
#include "tests/fuzz/fuzz.h"

static const char *const colours[] = {"red", "green", NULL};

struct leaf {
    const char *text;
    int64_t weight;
};
static const struct field leaf_fields[] = {
    F_STR(leaf, text),
    F_INT(leaf, weight),
};
static SHAPE(leaf);

struct row {
    snowflake id;
    int64_t number;
    bool flag;
    const char *text;
    int64_t at;
    int colour;
    struct list ids;
    struct list tags;
    struct leaf *leaf;
    struct list leaves;
};
static const struct field row_fields[] = {
    F_ID(row, id),          F_INT(row, number),           F_BOOL(row, flag), F_STR(row, text),
    F_TIME(row, at),        F_ENUM(row, colour, colours), F_IDS(row, ids),   F_STRS(row, tags),
    F_OBJ(row, leaf, leaf), F_LIST(row, leaves, leaf),
};
static SHAPE(row);

static PGresult *make_result(struct arena *a, struct fuzz_text *rest)
{
    PGresAttDesc columns[ARRAY_LEN(row_fields)] = {0};
    for (size_t i = 0; i < ARRAY_LEN(row_fields); i++)
        columns[i].name = (char *)(uintptr_t)row_fields[i].name;
    PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    expect(PQsetResultAttrs(res, ARRAY_LEN(columns), columns) == 1);
    for (size_t i = 0; i < ARRAY_LEN(row_fields); i++) {
        char *value = fuzz_line(a, rest);
        int len = value[0] != '\0' ? (int)strlen(value) : -1;
        expect(PQsetvalue(res, 0, (int)i, value, len) == 1);
    }
    return res;
}

/* Everything that was read can be looked at. */
static size_t walk(const struct row *row)
{
    size_t sum = row->text != NULL ? strlen(row->text) : 0;
    const uint64_t *ids = row->ids.items;
    const char *const *tags = row->tags.items;
    const struct leaf *leaves = row->leaves.items;
    for (size_t i = 0; i < row->ids.count; i++)
        sum += ids[i] != 0;
    for (size_t i = 0; i < row->tags.count; i++)
        sum += strlen(tags[i]);
    for (size_t i = 0; i < row->leaves.count; i++)
        sum += leaves[i].text != NULL ? strlen(leaves[i].text) : 0;
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    struct fuzz_text rest = fuzz_text(data, size);
    struct row row = {0};
    struct db_plan plan = {0};
    PGresult *res = make_result(&a, &rest);
    db_plan_make(&row_shape, res, &plan);
    if (db_row_fill(&a, &plan, res, 0, &row)) {
        char time[TIME_TEXT_SIZE];
        time_format_rfc3339(row.at, time);
        expect(row.colour >= 0 && row.colour < 2);
        expect(walk(&row) <= 2 * size);
    }
    free(plan.cells);
    PQclear(res);
    return 0;
}
