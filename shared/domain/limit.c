/* SPDX-License-Identifier: MIT
 *
 * The limits as rows, for those who publish them. Code that enforces a limit uses its constant. */

#include "shared/domain/limit.h"

#include "shared/base/macros.h"
#include "shared/base/str.h"

#include <pthread.h>

static struct limit_row rows[] = {
#define LIMIT(name, value, text) {#name, value, text},
#include "shared/domain/limit.def"
#undef LIMIT
};

static pthread_once_t lowered = PTHREAD_ONCE_INIT;

static void lower_names(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        str_ascii_lower(rows[i].name);
}

const struct limit_row *limit_rows(size_t *ret_count)
{
    pthread_once(&lowered, lower_names);
    *ret_count = ARRAY_LEN(rows);
    return rows;
}
