/* SPDX-License-Identifier: MIT
 *
 * JSON into structs. One function a field kind, chosen by a table; each either stores a value or
 * notes what is wrong and where. Nothing stops at the first mistake, and a struct with mistakes is
 * never handed on. */

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/str.h"
#include "shared/wire/json.h"

enum {
    JSON_FIELD_BYTES = 16 * 1024, /* FIELD_JSON without RANGE */
    LIST_COUNT = 1000,            /* lists without RANGE */
    GIVEN_BITS = 64,
};

struct reader {
    struct arena *arena;
    struct field_errors *errors;
    bool is_text; /* numbers and booleans may be strings */
    bool is_ours; /* written by ourselves: no ranges, nothing required, null is absent */
};

/* Where in the document we are: one a level, on the stack. */
struct at {
    const struct at *up; /* NULL at the root */
    const char *key;     /* of an object's member; NULL in an array */
    size_t index;
};

typedef void read_fn(struct reader *r, const struct at *at, const struct field *f, const json_t *v,
                     void *ret);

static void put_path(const struct at *at, struct buf *out)
{
    if (at->up != NULL)
        put_path(at->up, out);
    if (at->key == NULL)
        buf_printf(out, "[%zu]", at->index);
    else
        buf_printf(out, "%s%s", out->len > 0 ? "." : "", at->key);
}

static void PRINTF_LIKE(3, 4) wrong(struct reader *r, const struct at *at, const char *format, ...)
{
    if (r->errors->count == FIELD_ERRORS_MAX)
        return;
    auto_buf struct buf path = {0};
    put_path(at, &path);

    va_list args;
    va_start(args, format);
    r->errors->v[r->errors->count++] = (struct field_error){
        .field = arena_strndup(r->arena, buf_str(&path), path.len),
        .message = arena_vprintf(r->arena, format, args),
    };
    va_end(args);
}

/* ---- numbers, ids, words ---- */

static bool is_text_string(const struct reader *r, const json_t *v)
{
    return r->is_text && json_is_string(v);
}

static bool parse_int(const char *s, size_t len, int64_t *ret)
{
    bool is_negative = len > 0 && s[0] == '-';
    uint64_t magnitude;
    if (!str_parse_u64(s + is_negative, len - is_negative, &magnitude) || magnitude > INT64_MAX)
        return false;
    *ret = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static void read_int(struct reader *r, const struct at *at, const struct field *f, const json_t *v,
                     void *ret)
{
    int64_t value = json_integer_value(v);
    bool is_int = is_text_string(r, v)
                      ? parse_int(json_string_value(v), json_string_length(v), &value)
                      : json_is_integer(v);
    if (!is_int || value == FIELD_NO_INT) {
        wrong(r, at, "must be an integer");
        return;
    }
    bool has_range = (f->lo != 0 || f->hi != 0) && !r->is_ours;
    if (has_range && (value < f->lo || value > f->hi)) {
        wrong(r, at, "must be between %lld and %lld", (long long)f->lo, (long long)f->hi);
        return;
    }
    *(int64_t *)ret = value;
}

/* JSON that PostgreSQL built may hold a bigint as a number. */
static bool take_u64(const struct reader *r, const json_t *v, uint64_t *ret)
{
    if (r->is_ours && json_is_integer(v) && json_integer_value(v) >= 0) {
        *ret = (uint64_t)json_integer_value(v);
        return true;
    }
    return json_is_string(v) && str_parse_u64(json_string_value(v), json_string_length(v), ret) &&
           *ret <= INT64_MAX;
}

static void read_id(struct reader *r, const struct at *at, const struct field *f UNUSED,
                    const json_t *v, void *ret)
{
    uint64_t id;
    if (take_u64(r, v, &id) && (id != 0 || r->is_ours))
        *(snowflake *)ret = id;
    else
        wrong(r, at, "must be an id (a string of decimal digits)");
}

static void read_perm(struct reader *r, const struct at *at, const struct field *f UNUSED,
                      const json_t *v, void *ret)
{
    uint64_t set;
    if (take_u64(r, v, &set))
        *(uint64_t *)ret = set;
    else
        wrong(r, at, "must be a permission set (a string of decimal digits)");
}

static void read_bool(struct reader *r, const struct at *at, const struct field *f UNUSED,
                      const json_t *v, void *ret)
{
    bool is_word = is_text_string(r, v);
    bool is_true = is_word ? strcmp(json_string_value(v), "true") == 0 : json_is_true(v);
    bool is_false = is_word ? strcmp(json_string_value(v), "false") == 0 : json_is_false(v);
    if (is_true || is_false)
        *(bool *)ret = is_true;
    else
        wrong(r, at, "must be true or false");
}

static void read_time(struct reader *r, const struct at *at, const struct field *f UNUSED,
                      const json_t *v, void *ret)
{
    int64_t us;
    if (json_is_string(v) && time_parse_rfc3339(json_string_value(v), &us))
        *(int64_t *)ret = us;
    else
        wrong(r, at, "must be a time (RFC 3339)");
}

static const char *join_words(struct arena *a, const char *const *words)
{
    const char *text = words[0];
    for (size_t i = 1; words[i] != NULL; i++)
        text = arena_printf(a, "%s, %s", text, words[i]);
    return text;
}

static void read_enum(struct reader *r, const struct at *at, const struct field *f, const json_t *v,
                      void *ret)
{
    const char *word = json_string_value(v);
    for (int i = 0; word != NULL && f->words[i] != NULL; i++) {
        if (strcmp(f->words[i], word) == 0) {
            *(int *)ret = i;
            return;
        }
    }
    wrong(r, at, "must be one of %s", join_words(r->arena, f->words));
}

/* ---- text ---- */

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

static bool breaks_a_line(uint32_t c)
{
    return c < ' ' || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

static void trim(const char **text, size_t *len)
{
    const char *end = *text + *len;
    const char *first = end;
    const char *last = end;
    for (const char *at = *text; at < end;) {
        const char *begin = at;
        if (is_space(utf8_next(&at, end)))
            continue;
        if (first == end)
            first = begin;
        last = at;
    }
    *text = first;
    *len = (size_t)(last - first);
}

static bool is_one_line(const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end)
        if (breaks_a_line(utf8_next(&text, end)))
            return false;
    return true;
}

static bool length_fits(struct reader *r, const struct at *at, const struct field *f, size_t length)
{
    if ((f->lo == 0 && f->hi == 0) || r->is_ours)
        return true;
    if ((int64_t)length >= f->lo && (int64_t)length <= f->hi)
        return true;
    if (f->lo == f->hi)
        wrong(r, at, "must be exactly %lld in length", (long long)f->hi);
    else if (f->lo == 0)
        wrong(r, at, "must be %lld or fewer in length", (long long)f->hi);
    else
        wrong(r, at, "must be between %lld and %lld in length", (long long)f->lo, (long long)f->hi);
    return false;
}

static void read_str(struct reader *r, const struct at *at, const struct field *f, const json_t *v,
                     void *ret)
{
    if (!json_is_string(v)) {
        wrong(r, at, "must be a string");
        return;
    }
    const char *text = json_string_value(v);
    size_t len = json_string_length(v);
    bool one_line = (f->flags & FIELD_ONE_LINE) && !r->is_ours;
    if (one_line)
        trim(&text, &len);
    if (one_line && !is_one_line(text, len)) {
        wrong(r, at, "must not contain control characters");
        return;
    }
    if (length_fits(r, at, f, utf8_length(text, len)))
        *(const char **)ret = arena_strndup(r->arena, text, len);
}

static void read_json(struct reader *r, const struct at *at, const struct field *f, const json_t *v,
                      void *ret)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    size_t limit = f->hi != 0 ? (size_t)f->hi : JSON_FIELD_BYTES;
    size_t len = json_dumpb(v, NULL, 0, flags);
    if (len > limit && !r->is_ours) {
        wrong(r, at, "must be %zu or fewer bytes of JSON", limit);
        return;
    }
    char *text = arena_alloc(r->arena, len + 1);
    (void)json_dumpb(v, text, len, flags);
    *(const char **)ret = text;
}

/* ---- objects and lists ---- */

static void read_object(struct reader *r, const struct at *at, const struct shape *sh,
                        const json_t *body, void *ret);

static void read_obj(struct reader *r, const struct at *at, const struct field *f, const json_t *v,
                     void *ret)
{
    void *object = arena_alloc(r->arena, f->sub->size);
    read_object(r, at, f->sub, v, object);
    *(void **)ret = object;
}

static void read_element(struct reader *r, const struct at *at, const struct field *f,
                         const json_t *v, void *ret)
{
    /* RANGE of a list counts; its elements have the kind's own bounds. */
    const struct field each = {.name = f->name, .flags = f->flags};
    if (f->kind == FIELD_LIST)
        read_object(r, at, f->sub, v, ret);
    else if (f->kind == FIELD_IDS)
        read_id(r, at, &each, v, ret);
    else
        read_str(r, at, &each, v, ret);
}

static size_t element_size(const struct field *f)
{
    if (f->kind == FIELD_LIST)
        return f->sub->size;
    return f->kind == FIELD_IDS ? sizeof(snowflake) : sizeof(const char *);
}

static void read_array(struct reader *r, const struct at *at, const struct field *f,
                       const json_t *v, struct list *ret)
{
    size_t count = json_array_size(v);
    size_t size = element_size(f);
    char *items = arena_alloc_n(r->arena, count > 0 ? count : 1, size);
    for (size_t i = 0; i < count; i++) {
        const struct at here = {.up = at, .index = i};
        read_element(r, &here, f, json_array_get(v, i), items + i * size);
    }
    *ret = (struct list){.items = items, .count = count};
}

static bool count_fits(struct reader *r, const struct at *at, const struct field *f, size_t count)
{
    int64_t hi = f->hi != 0 ? f->hi : LIST_COUNT;
    if (r->is_ours || ((int64_t)count >= f->lo && (int64_t)count <= hi))
        return true;
    if (f->lo == 0)
        wrong(r, at, "must have %lld or fewer entries", (long long)hi);
    else
        wrong(r, at, "must have between %lld and %lld entries", (long long)f->lo, (long long)hi);
    return false;
}

/* "1,2,3" of a query string; "" is one empty entry, which no kind that is listed accepts as an id.
 */
static json_t *split_commas(const char *text)
{
    json_t *array = json_array();
    for (const char *from = text;; from++) {
        size_t len = strcspn(from, ",");
        json_array_append_new(array, json_stringn(from, len));
        from += len;
        if (*from == '\0')
            return array;
    }
}

static void read_list(struct reader *r, const struct at *at, const struct field *f, const json_t *v,
                      void *ret)
{
    auto_json json_t *split = NULL;
    if (is_text_string(r, v) && f->kind != FIELD_LIST)
        v = split = split_commas(json_string_value(v));
    if (!json_is_array(v))
        wrong(r, at, "must be a list");
    else if (count_fits(r, at, f, json_array_size(v)))
        read_array(r, at, f, v, ret);
}

/* ---- a field, a shape ---- */

static read_fn *const readers[] = {
    [FIELD_ID] = read_id,     [FIELD_INT] = read_int,   [FIELD_BOOL] = read_bool,
    [FIELD_STR] = read_str,   [FIELD_TIME] = read_time, [FIELD_ENUM] = read_enum,
    [FIELD_PERM] = read_perm, [FIELD_JSON] = read_json, [FIELD_OBJ] = read_obj,
    [FIELD_LIST] = read_list, [FIELD_IDS] = read_list,  [FIELD_STRS] = read_list,
};

/* Kinds whose null is zero are null already. */
static void read_null(struct reader *r, const struct at *at, const struct field *f, void *ret)
{
    if (!(f->flags & FIELD_NULLABLE) && !r->is_ours)
        wrong(r, at, "must not be null");
    else if (f->kind == FIELD_INT)
        *(int64_t *)ret = FIELD_NO_INT;
    else if (f->kind == FIELD_ENUM)
        *(int *)ret = -1;
}

static void read_value(struct reader *r, const struct at *at, const struct field *f,
                       const json_t *v, void *ret)
{
    if (json_is_null(v))
        read_null(r, at, f, ret);
    else
        readers[f->kind](r, at, f, v, ret);
}

static void mark_given(const struct shape *sh, const struct field *f, void *object)
{
    if (sh->given == SIZE_MAX)
        return;
    assert(sh->count <= GIVEN_BITS);
    uint64_t *given = (void *)((char *)object + sh->given);
    *given |= UINT64_C(1) << (f - sh->fields);
}

static void read_field(struct reader *r, const struct at *at, const struct field *f,
                       const json_t *v, void *ret)
{
    if (v != NULL)
        read_value(r, at, f, v, ret);
    else if (!(f->flags & FIELD_OPTIONAL) && !r->is_ours)
        wrong(r, at, "is required");
}

static void read_object(struct reader *r, const struct at *at, const struct shape *sh,
                        const json_t *body, void *ret)
{
    if (!json_is_object(body)) {
        wrong(r, at, "must be an object");
        return;
    }
    for (const struct field *f = sh->fields; f < sh->fields + sh->count; f++) {
        const struct at here = {.up = at, .key = f->name};
        const json_t *v = json_object_get(body, f->name);
        if (v != NULL)
            mark_given(sh, f, ret);
        read_field(r, &here, f, v, (char *)ret + f->offset);
    }
}

enum err shape_decode(const struct shape *sh, const json_t *body, const json_t *params,
                      struct decode *d, void *ret)
{
    struct reader from_body = {d->arena, d->errors, .is_text = d->is_text};
    struct reader from_params = {d->arena, d->errors, .is_text = true};
    size_t before = d->errors->count;

    for (const struct field *f = sh->fields; f < sh->fields + sh->count; f++) {
        const struct at here = {.key = f->name};
        const json_t *param = json_object_get(params, f->name);
        const json_t *v = param != NULL ? param : json_object_get(body, f->name);
        if (v != NULL)
            mark_given(sh, f, ret);
        read_field(param != NULL ? &from_params : &from_body, &here, f, v, (char *)ret + f->offset);
    }
    return d->errors->count > before ? ERR_INVALID_FORM : OK;
}

enum err shape_decode_entity(const struct shape *sh, const json_t *object, struct arena *a,
                             void *ret)
{
    struct field_errors errors = {.count = 0};
    struct reader r = {a, &errors, .is_ours = true};
    const struct at root = {.key = sh->name};
    read_object(&r, &root, sh, object, ret);
    return errors.count > 0 ? ERR_INTERNAL : OK;
}

enum err shape_decode_list(const struct shape *sh, const json_t *array, struct arena *a,
                           struct list *ret)
{
    struct field_errors errors = {.count = 0};
    struct reader r = {a, &errors, .is_ours = true};
    const struct at root = {.key = sh->name};
    const struct field f = {.name = sh->name, .kind = FIELD_LIST, .sub = sh};
    struct list list = {0};
    read_list(&r, &root, &f, array, &list);
    if (errors.count > 0)
        return ERR_INTERNAL;
    *ret = list;
    return OK;
}
