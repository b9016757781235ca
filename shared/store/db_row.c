/* SPDX-License-Identifier: MIT */
/* Rows to structs: the text of each column by the kind of the field of the same name. Columns that
 * hold lists or whole objects are JSON and go through the shapes' own reader. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/str.h"
#include "shared/store/db_private.h"
#include "shared/wire/json.h"

static short column_of(const PGresult *res, const char *prefix, const char *name, char *ret_whole)
{
    int len = snprintf(ret_whole, DB_NAME_MAX, "%s%s", prefix, name);
    assert(len > 0 && len < DB_NAME_MAX);
    return (short)PQfnumber(res, ret_whole);
}

/* prefix: what the names of its columns begin with, "" or "author." */
static void add_cells(struct db_plan *plan, const struct shape *sh, const PGresult *res,
                      const char *prefix, short within)
{
    for (const struct field *f = sh->fields; f < sh->fields + sh->count; f++) {
        char name[DB_NAME_MAX];
        char first[DB_NAME_MAX];
        assert(plan->count < DB_CELLS_MAX);
        short column = column_of(res, prefix, f->name, name);
        short at = plan->count;
        if (column >= 0) {
            plan->cells[plan->count++] = (struct db_cell){f, column, within, false};
        } else if (f->kind == FIELD_OBJ) {
            char inner[DB_NAME_MAX];
            (void)column_of(res, name, ".", inner);
            column = column_of(res, inner, f->sub->fields[0].name, first);
            if (column < 0)
                continue;
            plan->cells[plan->count++] = (struct db_cell){f, column, within, true};
            add_cells(plan, f->sub, res, inner, at);
        }
    }
}

void db_plan_make(const struct shape *sh, const PGresult *res, struct db_plan *plan)
{
    struct db_cell cells[DB_CELLS_MAX];
    struct db_plan made = {.shape = sh, .cells = cells};
    add_cells(&made, sh, res, "", -1);
    free(plan->cells);
    *plan = made;
    plan->cells = heap_alloc_n((size_t)made.count + 1, sizeof(*cells));
    memcpy(plan->cells, cells, (size_t)made.count * sizeof(*cells));
}

/* "2026-11-20 09:12:33.123456+00": what DateStyle ISO in UTC prints. */
static bool time_read(const char *s, int64_t *ret)
{
    char text[40];
    size_t len = strlen(s);
    if (len < 20 || len + 4 > sizeof(text))
        return false;
    memcpy(text, s, len + 1);
    text[10] = 'T';
    char *zone = strpbrk(text + 19, "+-");
    if (zone == NULL)
        return false;
    if (strlen(zone) == 3)
        memcpy(zone + 3, ":00", 4);
    return time_parse_rfc3339(text, ret);
}

static bool int_read(const char *s, int64_t *ret)
{
    char *end;
    *ret = strtoll(s, &end, 10);
    return end != s && *end == '\0';
}

static bool id_read(const char *s, uint64_t *ret)
{
    return str_parse_u64(s, strlen(s), ret);
}

static bool word_read(const struct field *f, const char *s, int *ret)
{
    for (int i = 0; f->words[i] != NULL; i++)
        if (strcmp(f->words[i], s) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

/* "{1,2,3}" */
static bool ids_read(struct arena *a, const char *s, struct list *ret)
{
    size_t n = strlen(s);
    if (n < 2 || s[0] != '{' || s[n - 1] != '}')
        return false;
    size_t count = n > 2;
    for (const char *c = s; *c != '\0'; c++)
        count += *c == ',';
    uint64_t *ids = arena_alloc(a, (count + 1) * sizeof(*ids));
    const char *at = s + 1;
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(at, ",}");
        if (!str_parse_u64(at, len, &ids[i]))
            return false;
        at += len + 1;
    }
    *ret = (struct list){ids, count};
    return true;
}

static void json_unref(void *j)
{
    json_decref((json_t *)j);
}

static json_t *json_column(struct arena *a, const char *s)
{
    json_t *j = json_loads(s, JSON_DECODE_ANY, NULL);
    if (j != NULL)
        arena_defer(a, json_unref, j);
    return j;
}

static bool strs_read(struct arena *a, const char *s, struct list *ret)
{
    json_t *j = json_column(a, s);
    if (!json_is_array(j))
        return false;
    size_t count = json_array_size(j);
    const char **v = arena_alloc(a, (count + 1) * sizeof(*v));
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(j, i));
        if (text == NULL)
            return false;
        v[i] = text;
    }
    *ret = (struct list){v, count};
    return true;
}

static bool obj_read(struct arena *a, const struct field *f, const char *s, void **ret)
{
    json_t *j = json_column(a, s);
    if (json_is_null(j))
        return true;
    void *obj = arena_alloc(a, f->sub->size);
    if (!json_is_object(j) || shape_decode_entity(f->sub, j, a, obj) != OK)
        return false;
    *ret = obj;
    return true;
}

static bool list_read(struct arena *a, const struct field *f, const char *s, struct list *ret)
{
    json_t *j = json_column(a, s);
    return json_is_array(j) && shape_decode_list(f->sub, j, a, ret) == OK;
}

static bool field_read(struct arena *a, const struct field *f, const char *s, void *member)
{
    switch (f->kind) {
    case FIELD_ID:
    case FIELD_PERM:
        return id_read(s, member);
    case FIELD_INT:
        return int_read(s, member);
    case FIELD_BOOL:
        *(bool *)member = s[0] == 't';
        return true;
    case FIELD_STR:
    case FIELD_JSON:
        *(const char **)member = arena_strdup(a, s);
        return true;
    case FIELD_TIME:
        return time_read(s, member);
    case FIELD_ENUM:
        return word_read(f, s, member);
    case FIELD_OBJ:
        return obj_read(a, f, s, member);
    case FIELD_LIST:
        return list_read(a, f, s, member);
    case FIELD_IDS:
        return ids_read(a, s, member);
    case FIELD_STRS:
        return strs_read(a, s, member);
    }
    return false;
}

static bool cell_fill(struct arena *a, const struct db_cell *c, const PGresult *res, int row,
                      void *member)
{
    if (!PQgetisnull(res, row, c->column))
        return field_read(a, c->field, PQgetvalue(res, row, c->column), member);
    if (c->field->kind == FIELD_INT)
        *(int64_t *)member = FIELD_NO_INT;
    return true;
}

bool db_row_fill(struct arena *a, const struct db_plan *plan, const PGresult *res, int row,
                 void *ret)
{
    char *objects[DB_CELLS_MAX]; /* of the cells that are objects */
    for (short i = 0; i < plan->count; i++) {
        const struct db_cell *c = &plan->cells[i];
        char *whole = c->within < 0 ? ret : objects[c->within];
        objects[i] = NULL;
        if (whole == NULL)
            continue;
        void *member = whole + c->field->offset;
        if (!c->is_columns) {
            if (!cell_fill(a, c, res, row, member))
                return false;
        } else if (!PQgetisnull(res, row, c->column)) {
            objects[i] = arena_alloc(a, c->field->sub->size);
            *(void **)member = objects[i];
        }
    }
    return true;
}
