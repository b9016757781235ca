/* SPDX-License-Identifier: MIT
 *
 * Structs into JSON, straight into the buffer: every event and every page of history goes through
 * here, so there is no tree in between and nothing is formatted by printf. */

#include <string.h>

#include "shared/base/clock.h"
#include "shared/wire/json.h"

typedef void write_fn(const struct field *f, const void *value, struct buf *out);

static void put_str(const char *s, struct buf *out)
{
    buf_json_str(out, s, strlen(s));
}

static void put_u64(uint64_t value, struct buf *out)
{
    buf_addc(out, '"');
    buf_add_u64(out, value);
    buf_addc(out, '"');
}

static void write_id(const struct field *f UNUSED, const void *value, struct buf *out)
{
    put_u64(*(const uint64_t *)value, out);
}

static void write_int(const struct field *f UNUSED, const void *value, struct buf *out)
{
    buf_add_i64(out, *(const int64_t *)value);
}

static void write_bool(const struct field *f UNUSED, const void *value, struct buf *out)
{
    buf_adds(out, *(const bool *)value ? "true" : "false");
}

static void write_str(const struct field *f UNUSED, const void *value, struct buf *out)
{
    put_str(*(const char *const *)value, out);
}

static void write_time(const struct field *f UNUSED, const void *value, struct buf *out)
{
    char text[TIME_TEXT_SIZE + 2] = "\"";
    time_format_rfc3339(*(const int64_t *)value, text + 1);
    text[TIME_TEXT_SIZE] = '"';
    buf_add(out, text, TIME_TEXT_SIZE + 1);
}

static void write_enum(const struct field *f, const void *value, struct buf *out)
{
    put_str(f->words[*(const int *)value], out);
}

static void write_json(const struct field *f UNUSED, const void *value, struct buf *out)
{
    buf_adds(out, *(const char *const *)value);
}

static void write_obj(const struct field *f, const void *value, struct buf *out)
{
    shape_encode(f->sub, *(const void *const *)value, out);
}

static void write_list(const struct field *f, const void *value, struct buf *out)
{
    shape_encode_list(f->sub, value, out);
}

static void write_ids(const struct field *f UNUSED, const void *value, struct buf *out)
{
    const struct list *l = value;
    buf_addc(out, '[');
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        put_u64(*LIST_AT(l, const snowflake, i), out);
    }
    buf_addc(out, ']');
}

static void write_strs(const struct field *f UNUSED, const void *value, struct buf *out)
{
    const struct list *l = value;
    buf_addc(out, '[');
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        put_str(*LIST_AT(l, const char *const, i), out);
    }
    buf_addc(out, ']');
}

static write_fn *const writers[] = {
    [FIELD_ID] = write_id,     [FIELD_INT] = write_int,   [FIELD_BOOL] = write_bool,
    [FIELD_STR] = write_str,   [FIELD_TIME] = write_time, [FIELD_ENUM] = write_enum,
    [FIELD_PERM] = write_id,   [FIELD_JSON] = write_json, [FIELD_OBJ] = write_obj,
    [FIELD_LIST] = write_list, [FIELD_IDS] = write_ids,   [FIELD_STRS] = write_strs,
};

static bool is_null(const struct field *f, const void *value)
{
    switch (f->kind) {
    case FIELD_ID:
        return *(const snowflake *)value == 0;
    case FIELD_INT:
        return *(const int64_t *)value == FIELD_NO_INT;
    case FIELD_TIME:
        return *(const int64_t *)value == 0;
    case FIELD_ENUM:
        return *(const int *)value < 0;
    case FIELD_STR:
    case FIELD_JSON:
    case FIELD_OBJ:
        return *(const void *const *)value == NULL;
    case FIELD_LIST:
    case FIELD_IDS:
    case FIELD_STRS:
        return ((const struct list *)value)->items == NULL;
    case FIELD_BOOL:
        return (f->flags & FIELD_OPTIONAL) && !*(const bool *)value;
    case FIELD_PERM:
        return false;
    }
    return false;
}

static bool is_list(const struct field *f)
{
    return f->kind == FIELD_LIST || f->kind == FIELD_IDS || f->kind == FIELD_STRS;
}

static const char *null_of(const struct field *f)
{
    return is_list(f) && !(f->flags & FIELD_NULLABLE) ? "[]" : "null";
}

static void put_key(const struct field *f, char before, struct buf *out)
{
    size_t len = strlen(f->name);
    buf_reserve(out, len + 4);
    buf_add(out, (const char[]){before, '"'}, 2);
    buf_add(out, f->name, len);
    buf_add(out, "\":", 2);
}

void shape_encode(const struct shape *sh, const void *obj, struct buf *out)
{
    char before = '{';
    for (const struct field *f = sh->fields; f < sh->fields + sh->count; f++) {
        const void *value = (const char *)obj + f->offset;
        bool null = is_null(f, value);
        if (null && (f->flags & (FIELD_OPTIONAL | FIELD_NULLABLE)) == FIELD_OPTIONAL)
            continue;
        put_key(f, before, out);
        if (null)
            buf_adds(out, null_of(f));
        else
            writers[f->kind](f, value, out);
        before = ',';
    }
    buf_adds(out, before == '{' ? "{}" : "}");
}

void shape_encode_list(const struct shape *sh, const struct list *l, struct buf *out)
{
    const char *items = l->items;
    buf_addc(out, '[');
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        shape_encode(sh, items + i * sh->size, out);
    }
    buf_addc(out, ']');
}
