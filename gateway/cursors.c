/* SPDX-License-Identifier: MIT
 *
 * Sorted once and searched for every channel of the state. */

#include "gateway/cursors.h"

#include <stdlib.h>

#include "shared/base/heap.h"

static int by_id(const void *a, const void *b)
{
    snowflake x = ((const struct cursor_row *)a)->id;
    snowflake y = ((const struct cursor_row *)b)->id;
    return (x > y) - (x < y);
}

bool cursors_read(struct span json, struct cursors *ret)
{
    struct span key, value;
    size_t max = 0;
    if (json.at == NULL)
        return false;
    for (size_t at = 0; scan_next(json, &at, &key, &value);)
        max++;
    if (max > CURSORS_MAX)
        return false;
    ret->rows = heap_alloc_n(max + 1, sizeof(ret->rows[0]));
    ret->count = 0;
    for (size_t at = 0; scan_next(json, &at, &key, &value); ret->count++) {
        uint64_t seq;
        struct cursor_row *row = &ret->rows[ret->count];
        if (!snowflake_parse_n(key.at, key.len, &row->id) || !scan_uint(value, &seq) ||
            seq > INT64_MAX) {
            cursors_done(ret);
            return false;
        }
        row->seq = (int64_t)seq;
    }
    qsort(ret->rows, ret->count, sizeof(ret->rows[0]), by_id);
    return true;
}

void cursors_done(struct cursors *c)
{
    free(c->rows);
    *c = (struct cursors){0};
}

int64_t cursors_take(struct cursors *c, snowflake id)
{
    struct cursor_row key = {.id = id};
    struct cursor_row *row =
        c->count > 0 ? bsearch(&key, c->rows, c->count, sizeof(key), by_id) : NULL;
    if (row == NULL)
        return -1;
    row->is_used = true;
    return row->seq;
}

void cursors_reuse(struct cursors *c)
{
    for (size_t i = 0; i < c->count; i++)
        c->rows[i].is_used = false;
}

bool cursors_all_used(const struct cursors *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (!c->rows[i].is_used)
            return false;
    return true;
}
