/* SPDX-License-Identifier: MIT */
/* Parameters as PostgreSQL reads them: text, but bytes as they are. Arrays are array literals, so
 * that a batch of any size is one statement with a fixed number of parameters. */

#include <assert.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/store/db_private.h"

enum { NUMBER_SIZE = 24 };

static char *put_u64(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return end;
}

static const char *number_text(struct arena *a, uint64_t magnitude, bool is_negative)
{
    char digits[NUMBER_SIZE];
    char *end = digits + sizeof(digits);
    char *start = put_u64(end, magnitude);
    if (is_negative)
        *--start = '-';
    return arena_strndup(a, start, (size_t)(end - start));
}

static const char *int_text(struct arena *a, int64_t value)
{
    return number_text(a, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

static const char *time_text(struct arena *a, int64_t us)
{
    /* Microseconds matter to the database; the formatter of clock.h stops at milliseconds. */
    char text[TIME_TEXT_SIZE];
    time_format_rfc3339(us, text);
    int64_t fraction = ((us % 1000000) + 1000000) % 1000000;
    return arena_printf(a, "%.19s.%06dZ", text, (int)fraction);
}

static const char *ids_text(struct arena *a, const struct param *p, bool is_signed)
{
    char *out = arena_alloc(a, p->many.n * NUMBER_SIZE + 3);
    char *at = out;
    *at++ = '{';
    for (size_t i = 0; i < p->many.n; i++) {
        uint64_t value = ((const uint64_t *)p->many.p)[i];
        bool is_negative = is_signed && (int64_t)value < 0;
        char digits[NUMBER_SIZE];
        char *end = digits + sizeof(digits);
        char *start = put_u64(end, is_negative ? -value : value);
        if (is_negative)
            *--start = '-';
        if (i > 0)
            *at++ = ',';
        memcpy(at, start, (size_t)(end - start));
        at += end - start;
    }
    *at++ = '}';
    *at = '\0';
    return out;
}

static char *put_quoted(char *at, const char *s)
{
    *at++ = '"';
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            *at++ = '\\';
        *at++ = *s;
    }
    *at++ = '"';
    return at;
}

static const char *strs_text(struct arena *a, const struct param *p)
{
    const char *const *v = p->many.p;
    size_t size = 3;
    for (size_t i = 0; i < p->many.n; i++)
        size += v[i] == NULL ? sizeof("NULL,") : 2 * strlen(v[i]) + sizeof("\"\",");
    char *out = arena_alloc(a, size);
    char *at = out;
    *at++ = '{';
    for (size_t i = 0; i < p->many.n; i++) {
        if (i > 0)
            *at++ = ',';
        at = v[i] == NULL ? stpcpy(at, "NULL") : put_quoted(at, v[i]);
    }
    *at++ = '}';
    *at = '\0';
    return out;
}

static const char *param_text(struct arena *a, const struct param *p)
{
    switch (p->kind) {
    case PARAM_NULL:
        return NULL;
    case PARAM_INT:
        return int_text(a, p->i);
    case PARAM_ID:
        return number_text(a, p->id, false);
    case PARAM_BOOL:
        return p->i != 0 ? "t" : "f";
    case PARAM_STR:
        return p->s;
    case PARAM_TIME:
        return time_text(a, p->i);
    case PARAM_BYTES:
        return p->many.p != NULL ? p->many.p : "";
    case PARAM_IDS:
        return ids_text(a, p, false);
    case PARAM_INTS:
        return ids_text(a, p, true);
    case PARAM_STRS:
        return strs_text(a, p);
    }
    return NULL;
}

void db_values_fill(struct arena *a, struct params p, struct db_values *v)
{
    assert(p.n <= DB_PARAMS_MAX);
    v->n = (int)p.n;
    for (size_t i = 0; i < p.n; i++) {
        v->text[i] = param_text(a, &p.v[i]);
        v->format[i] = p.v[i].kind == PARAM_BYTES;
        v->length[i] = p.v[i].kind == PARAM_BYTES ? (int)p.v[i].many.n : 0;
    }
}
