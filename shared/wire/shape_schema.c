/* SPDX-License-Identifier: MIT
 *
 * Shapes as JSON Schema (2020-12), for the documents. The schema says what shape_decode accepts and
 * shape_encode writes; when one of them changes, this file does. */

#include <string.h>

#include "shared/wire/json.h"

/* A shape that contains itself is described down to this depth. */
enum { SCHEMA_DEPTH = 6 };

struct schema {
    struct buf *out;
    bool is_input;
    int depth;
};

static void put_shape(struct schema s, const struct shape *sh);

static void put_type(struct schema s, const struct field *f, const char *type)
{
    if (f->flags & FIELD_NULLABLE)
        buf_printf(s.out, "\"type\":[\"%s\",\"null\"]", type);
    else
        buf_printf(s.out, "\"type\":\"%s\"", type);
}

static void put_bounds(struct schema s, const struct field *f, const char *lo, const char *hi)
{
    if (f->lo == 0 && f->hi == 0)
        return;
    if (f->lo != 0 || strcmp(lo, "minimum") == 0)
        buf_printf(s.out, ",\"%s\":%lld", lo, (long long)f->lo);
    buf_printf(s.out, ",\"%s\":%lld", hi, (long long)f->hi);
}

static void put_words(struct schema s, const struct field *f)
{
    buf_adds(s.out, ",\"enum\":[");
    for (size_t i = 0; f->words[i] != NULL; i++) {
        if (i > 0)
            buf_addc(s.out, ',');
        buf_json_str(s.out, f->words[i], strlen(f->words[i]));
    }
    buf_adds(s.out, f->flags & FIELD_NULLABLE ? ",null]" : "]");
}

static void put_list(struct schema s, const struct field *f, const char *items)
{
    put_type(s, f, "array");
    put_bounds(s, f, "minItems", "maxItems");
    buf_adds(s.out, ",\"items\":");
    if (items != NULL)
        buf_adds(s.out, items);
    else
        put_shape(s, f->sub);
}

static void put_object(struct schema s, const struct field *f)
{
    if (f->flags & FIELD_NULLABLE)
        buf_adds(s.out, "\"anyOf\":[{\"type\":\"null\"},");
    else
        buf_adds(s.out, "\"allOf\":[");
    put_shape(s, f->sub);
    buf_addc(s.out, ']');
}

#define ID_PATTERN     "\"pattern\":\"^[1-9][0-9]{0,18}$\""
#define NUMBER_PATTERN "\"pattern\":\"^(0|[1-9][0-9]{0,18})$\""

static void put_kind(struct schema s, const struct field *f)
{
    switch (f->kind) {
    case FIELD_ID:
        put_type(s, f, "string");
        buf_adds(s.out, "," ID_PATTERN);
        return;
    case FIELD_PERM:
        put_type(s, f, "string");
        buf_adds(s.out, "," NUMBER_PATTERN);
        return;
    case FIELD_INT:
        put_type(s, f, "integer");
        put_bounds(s, f, "minimum", "maximum");
        return;
    case FIELD_BOOL:
        put_type(s, f, "boolean");
        return;
    case FIELD_STR:
        put_type(s, f, "string");
        put_bounds(s, f, "minLength", "maxLength");
        return;
    case FIELD_TIME:
        put_type(s, f, "string");
        buf_adds(s.out, ",\"format\":\"date-time\"");
        return;
    case FIELD_ENUM:
        put_type(s, f, "string");
        put_words(s, f);
        return;
    case FIELD_JSON:
        buf_adds(s.out, "\"$comment\":\"any JSON value\"");
        return;
    case FIELD_OBJ:
        put_object(s, f);
        return;
    case FIELD_LIST:
        put_list(s, f, NULL);
        return;
    case FIELD_IDS:
        put_list(s, f, "{\"type\":\"string\"," ID_PATTERN "}");
        return;
    case FIELD_STRS:
        put_list(s, f, "{\"type\":\"string\"}");
        return;
    }
}

static void put_property(struct schema s, const struct field *f)
{
    buf_json_str(s.out, f->name, strlen(f->name));
    buf_adds(s.out, ":{");
    put_kind(s, f);
    if (f->text != NULL) {
        buf_adds(s.out, ",\"description\":");
        buf_json_str(s.out, f->text, strlen(f->text));
    }
    if ((f->flags & FIELD_SECRET) && s.is_input)
        buf_adds(s.out, ",\"writeOnly\":true");
    buf_addc(s.out, '}');
}

/* An entity leaves out only what is OPTIONAL and not NULLABLE. */
static bool is_required(struct schema s, const struct field *f)
{
    if (!(f->flags & FIELD_OPTIONAL))
        return true;
    return !s.is_input && (f->flags & FIELD_NULLABLE);
}

static void put_required(struct schema s, const struct shape *sh)
{
    const char *before = ",\"required\":[";
    for (const struct field *f = sh->fields; f < sh->fields + sh->count; f++) {
        if (!is_required(s, f))
            continue;
        buf_adds(s.out, before);
        buf_json_str(s.out, f->name, strlen(f->name));
        before = ",";
    }
    if (strcmp(before, ",") == 0)
        buf_addc(s.out, ']');
}

static void put_shape(struct schema s, const struct shape *sh)
{
    buf_adds(s.out, "{\"type\":\"object\",\"title\":");
    buf_json_str(s.out, sh->name, strlen(sh->name));
    if (s.depth++ < SCHEMA_DEPTH) {
        buf_adds(s.out, ",\"properties\":{");
        for (const struct field *f = sh->fields; f < sh->fields + sh->count; f++) {
            if (f > sh->fields)
                buf_addc(s.out, ',');
            put_property(s, f);
        }
        buf_addc(s.out, '}');
        put_required(s, sh);
    }
    buf_addc(s.out, '}');
}

void shape_schema(const struct shape *sh, bool is_input, struct buf *out)
{
    put_shape((struct schema){.out = out, .is_input = is_input}, sh);
}
