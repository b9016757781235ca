/* SPDX-License-Identifier: MIT */
#ifndef SHARED_WIRE_FIELD_H
#define SHARED_WIRE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/domain/snowflake.h"

/* A shape says once how a struct looks as JSON and as a database row: one row a field, its name
 * being the JSON key, the SQL column and the struct member. The C type of the member is checked
 * at compile time.
 *
 * Absent and null: an id, a string, an object and a time are null when zero/NULL, a list when it
 * has no items pointer (a list that was decoded always has one); FIELD_NO_INT stands for a null
 * int, -1 for a null enum; false is null where OPTIONAL says so. A null is decoded only where
 * NULLABLE says so; encoded as null where NULLABLE says so, else left out where OPTIONAL says so,
 * else as null (a list as []). */
enum field_kind {
    FIELD_ID,   /* snowflake; decimal string in JSON, bigint in SQL */
    FIELD_INT,  /* int64_t; RANGE is the value */
    FIELD_BOOL, /* bool */
    FIELD_STR,  /* const char *, valid UTF-8; RANGE is the length in code points */
    FIELD_TIME, /* int64_t microseconds UTC; RFC 3339 in JSON, timestamptz in SQL */
    FIELD_ENUM, /* int, a word of `words` in JSON and in SQL (text) */
    FIELD_PERM, /* uint64_t permission set; decimal string in JSON, bigint in SQL */
    FIELD_JSON, /* const char *, JSON text passed on as it is; RANGE is its size in bytes */
    FIELD_OBJ,  /* struct x *; a JSON object, in SQL a json column */
    FIELD_LIST, /* struct list of struct x; a JSON array, in SQL a json column; RANGE is the count
                 */
    FIELD_IDS,  /* struct list of snowflake; RANGE is the count */
    FIELD_STRS, /* struct list of const char *; RANGE is the count */
};

enum field_flag {
    FIELD_OPTIONAL = 1 << 0, /* in: may be absent; out: left out when null */
    FIELD_NULLABLE = 1 << 1, /* in: may be null; out: null when null */
    FIELD_SECRET = 1 << 2,   /* never logged, write-only in the documents */
    FIELD_ONE_LINE = 1 << 3, /* in: control characters are refused, ends are trimmed */
};

#define FIELD_NO_INT INT64_MIN

struct list {
    void *items; /* `count` elements side by side, in the request's arena */
    size_t count;
};
#define LIST_AT(l, type, i) (&((type *)(l)->items)[i])

struct field {
    const char *name;
    enum field_kind kind;
    unsigned flags;
    size_t offset;
    int64_t lo, hi;           /* RANGE; 0,0 means the kind's own bounds */
    const struct shape *sub;  /* FIELD_OBJ, FIELD_LIST */
    const char *const *words; /* FIELD_ENUM: NULL-terminated, index = value */
    const char *text;         /* one sentence for the documents, or NULL */
};

struct shape {
    const char *name; /* "pin_args" */
    const struct field *fields;
    size_t count;
    size_t size;
    /* PATCH: where the struct keeps `uint64_t given`, one bit a field in order; SIZE_MAX if none.
     */
    size_t given;
};

/* The member's type is asserted: &((struct s *)0)->m must be a `type *`. */
#define FIELD_ROW(s, m, type, k, ...)                                                              \
    {                                                                                              \
        .name = #m, .kind = (k),                                                                   \
        .offset =                                                                                  \
            offsetof(struct s, m) +                                                                \
            0 * sizeof(struct {                                                                    \
                _Static_assert(__builtin_types_compatible_p(__typeof__(((struct s *)0)->m), type), \
                               #s "." #m " is not a " #type);                                      \
                int unused;                                                                        \
            }),                                                                                    \
        __VA_ARGS__                                                                                \
    }

#define RANGE(l, h) .lo = (l), .hi = (h)
#define OPTIONAL    .flags = FIELD_OPTIONAL
#define NULLABLE    .flags = FIELD_NULLABLE
#define OPT_NULL    .flags = FIELD_OPTIONAL | FIELD_NULLABLE
#define FLAGS(f)    .flags = (f)
#define TEXT(t)     .text = (t)

#define F_ID(s, m, ...)      FIELD_ROW(s, m, snowflake, FIELD_ID, __VA_ARGS__)
#define F_INT(s, m, ...)     FIELD_ROW(s, m, int64_t, FIELD_INT, __VA_ARGS__)
#define F_BOOL(s, m, ...)    FIELD_ROW(s, m, bool, FIELD_BOOL, __VA_ARGS__)
#define F_STR(s, m, ...)     FIELD_ROW(s, m, const char *, FIELD_STR, __VA_ARGS__)
#define F_TIME(s, m, ...)    FIELD_ROW(s, m, int64_t, FIELD_TIME, __VA_ARGS__)
#define F_ENUM(s, m, w, ...) FIELD_ROW(s, m, int, FIELD_ENUM, .words = (w), __VA_ARGS__)
#define F_PERM(s, m, ...)    FIELD_ROW(s, m, uint64_t, FIELD_PERM, __VA_ARGS__)
#define F_JSON(s, m, ...)    FIELD_ROW(s, m, const char *, FIELD_JSON, __VA_ARGS__)
#define F_OBJ(s, m, of, ...) \
    FIELD_ROW(s, m, struct of *, FIELD_OBJ, .sub = &of##_shape, __VA_ARGS__)
#define F_LIST(s, m, of, ...) \
    FIELD_ROW(s, m, struct list, FIELD_LIST, .sub = &of##_shape, __VA_ARGS__)
#define F_IDS(s, m, ...)  FIELD_ROW(s, m, struct list, FIELD_IDS, __VA_ARGS__)
#define F_STRS(s, m, ...) FIELD_ROW(s, m, struct list, FIELD_STRS, __VA_ARGS__)

/* SHAPE(pin) makes pin_shape from pin_fields; write `static SHAPE(pin);` where it is one file's. */
#define SHAPE(n)                                                                                \
    const struct shape n##_shape = {#n, n##_fields, sizeof(n##_fields) / sizeof(n##_fields[0]), \
                                    sizeof(struct n), SIZE_MAX}
#define SHAPE_PATCH(n)                                                                          \
    const struct shape n##_shape = {#n, n##_fields, sizeof(n##_fields) / sizeof(n##_fields[0]), \
                                    sizeof(struct n), offsetof(struct n, given)}

/* The shape of nothing, for rows without input. */
struct no_args {
    char unused;
};
extern const struct shape no_args_shape;

const struct field *shape_field(const struct shape *sh, const char *name);
/* Was `name` in the input (SHAPE_PATCH)? Asserts that the field exists. */
bool shape_given(const struct shape *sh, const void *in, const char *name);

#endif
