/* SPDX-License-Identifier: MIT */
/* The registry of statements: every STMT of the linked program puts a pointer into one section, and
 * the linker marks its ends. The pointers are not const (text relocations in a PIE otherwise), the
 * marks are weak (a program without statements has no section), and the order means nothing. */

#include "shared/store/db.h"

#include <assert.h>
#include <pthread.h>

extern struct stmt *__start_parley_stmts[] __attribute__((weak));
extern struct stmt *__stop_parley_stmts[] __attribute__((weak));

static void number_all(void)
{
    size_t n = (size_t)(__stop_parley_stmts - __start_parley_stmts);
    assert(n < UINT16_MAX);
    for (size_t i = 0; i < n; i++)
        __start_parley_stmts[i]->index = (unsigned short)i;
}

size_t stmt_count(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (__start_parley_stmts == NULL)
        return 0;
    pthread_once(&once, number_all);
    return (size_t)(__stop_parley_stmts - __start_parley_stmts);
}

const struct stmt *stmt_at(size_t i)
{
    assert(i < stmt_count());
    return __start_parley_stmts[i];
}
