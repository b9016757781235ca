/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_CONF_H
#define SHARED_BASE_CONF_H

/* Settings: a table of keys, read once from the environment into a struct, checked before anything
 * opens, immutable afterwards. NAME_FILE names a file that holds the value of NAME (secrets). An
 * empty value counts as absent. Here and nowhere else is the environment read. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum conf_kind { CONF_STR, CONF_INT, CONF_BOOL, CONF_RATE };

enum {
    CONF_REQUIRED = 1, /* no default: refusing to start beats guessing */
    CONF_SECRET = 2,   /* never printed, never logged */
};

/* "100/60": so many in so many seconds. "0/0" is no limit. */
struct rate {
    int64_t count;
    int64_t seconds;
};

struct conf_key {
    const char *name;
    enum conf_kind kind;
    size_t offset;
    const char *fallback; /* the default as text; NULL leaves the member zero */
    unsigned flags;
    const char *help;
    int64_t min; /* CONF_INT only; both 0 means any number >= 0 */
    int64_t max;
};

typedef const char *conf_str;
typedef int64_t conf_int;
typedef bool conf_bool;
typedef struct rate conf_rate;

#define CONF_TYPE_STR  conf_str
#define CONF_TYPE_INT  conf_int
#define CONF_TYPE_BOOL conf_bool
#define CONF_TYPE_RATE conf_rate

/* The kind and offset of struct type's member, refused by the compiler when the kind is wrong. */
#define CONF(type, member, kind)                                                                   \
    CONF_##kind, offsetof(struct type, member) +                                                   \
                     0 * sizeof(char[__builtin_types_compatible_p(                                 \
                                         __typeof__(((struct type *)0)->member), CONF_TYPE_##kind) \
                                         ? 1                                                       \
                                         : -1])

/* Fills the struct at settings; logs every bad or missing key, not only the first. */
bool conf_load(const struct conf_key *keys, size_t count, void *settings) MUST_CHECK;

enum conf_format { CONF_MARKDOWN, CONF_JSON };

/* The table as documentation: markdown rows, or one JSON array. */
void conf_print(const struct conf_key *keys, size_t count, enum conf_format format, FILE *out);

#endif
