/* SPDX-License-Identifier: MIT */
#ifndef SHARED_WIRE_JSON_H
#define SHARED_WIRE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "shared/base/arena.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/wire/field.h"

/* JSON (RFC 8259) in and out by shape. Reading goes through jansson, which refuses bad UTF-8,
 * U+0000 and duplicate keys; writing goes straight into a buffer. */

/* jansson parses and frees by recursion and a worker's stack is small. */
enum { JSON_DEPTH_MAX = 32 };

static inline void json_unref_p(json_t **j)
{
    json_decref(*j);
}
#define auto_json __attribute__((cleanup(json_unref_p)))

/* Every field that is wrong, up to FIELD_ERRORS_MAX, in the arena of the request. */
#define FIELD_ERRORS_MAX 20
struct field_error {
    const char *field;   /* "content", "options[2].text" */
    const char *message; /* "must be 4000 or fewer in length" */
};
struct field_errors {
    struct field_error v[FIELD_ERRORS_MAX];
    size_t count;
};

/* Parses a body. Empty input gives an empty object; anything but an object is ERR_BAD_JSON and
 * *ret_why says where and why. The caller owns *ret (auto_json). *ret_why may be shown to the
 * client. */
MUST_CHECK enum err json_read_object(struct arena *a, const char *text, size_t len, json_t **ret,
                                     const char **ret_why);

struct decode {
    struct arena *arena;         /* strings and lists are copied here */
    struct field_errors *errors; /* appended to */
    bool is_text;                /* numbers and booleans may be strings (query, path) */
};

/* Fills `ret` (shape->size zeroed bytes) from `body` laid under `params` (either may be NULL;
 * params are always text, lists in them separated by commas). What is absent stays zero, null
 * becomes FIELD_NO_INT for an int and -1 for an enum. Returns ERR_INVALID_FORM when any field is
 * wrong; all of them are in d->errors. */
MUST_CHECK enum err shape_decode(const struct shape *sh, const json_t *body, const json_t *params,
                                 struct decode *d, void *ret);

/* The same for what our own processes and database wrote: no ranges, nothing is required, null is
 * absent, ids may be numbers. What cannot be read at all is ERR_INTERNAL. */
MUST_CHECK enum err shape_decode_entity(const struct shape *sh, const json_t *object,
                                        struct arena *a, void *ret);
MUST_CHECK enum err shape_decode_list(const struct shape *sh, const json_t *array, struct arena *a,
                                      struct list *ret);

/* Append the object, or the array of objects, as JSON. */
void shape_encode(const struct shape *sh, const void *obj, struct buf *out);
void shape_encode_list(const struct shape *sh, const struct list *l, struct buf *out);

/* Append the JSON Schema (2020-12) of a shape as an input (`is_input`) or as an entity. */
void shape_schema(const struct shape *sh, bool is_input, struct buf *out);

#endif
