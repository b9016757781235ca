/* SPDX-License-Identifier: MIT
 *
 * The error table as data. Names are spelled in capitals in err.def and in lower case on the wire;
 * they are lowered once, so that a row says its name a single time. */

#include "shared/base/err.h"

#include "shared/base/macros.h"
#include "shared/base/str.h"

#include <pthread.h>
#include <string.h>

enum { NAME_SIZE = 32 };

struct err_row {
    char name[NAME_SIZE];
    int status;
    int code;
    const char *text;
};

/* clang-format 14 dies of an #include among the rows of an initialiser. */
/* clang-format off */
static struct err_row rows[ERR_COUNT] = {
    {"OK", 200, 0, "OK"},
#define ERR(name, http, code, text) {#name, http, code, text},
#include "shared/base/err.def"
#undef ERR
};
/* clang-format on */

/* A name that does not fit would lose its NUL without a word from the compiler. */
#define ERR(name, http, code, text) \
    _Static_assert(sizeof(#name) <= NAME_SIZE, #name " is too long");
#include "shared/base/err.def"
#undef ERR

static pthread_once_t lowered = PTHREAD_ONCE_INIT;

static void lower_names(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        str_ascii_lower(rows[i].name);
}

/* A value from outside the enum (a bug) is an internal error, not a crash. */
static const struct err_row *row(enum err e)
{
    return (size_t)e < ARRAY_LEN(rows) ? &rows[e] : &rows[ERR_INTERNAL];
}

int err_status(enum err e)
{
    return row(e)->status;
}

int err_code(enum err e)
{
    return row(e)->code;
}

const char *err_text(enum err e)
{
    return row(e)->text;
}

const char *err_name(enum err e)
{
    pthread_once(&lowered, lower_names);
    return row(e)->name;
}

enum err err_from_name(const char *name)
{
    pthread_once(&lowered, lower_names);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return (enum err)i;
    return ERR_INTERNAL;
}
