/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_MACROS_H
#define SHARED_BASE_MACROS_H

/* The few macros the whole tree may use. TRY is the only one that changes control flow: it returns
 * from the enclosing function, so it stands alone on its line in functions whose every resource is
 * owned by a scope (auto_x) or an arena. */

#include "shared/base/err.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK                        __attribute__((warn_unused_result))
#define UNUSED                            __attribute__((unused))
#define PRINTF_LIKE(format_at, first_arg) __attribute__((format(printf, format_at, first_arg)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds this member, as intrusive lists and queues need it. */
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Return the error of expr, if it is one. */
#define TRY(expr)                   \
    do {                            \
        enum err try_err_ = (expr); \
        if (try_err_ != OK)         \
            return try_err_;        \
    } while (0)

static inline void fd_clear(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void file_clear(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

static inline void heap_clear(void *pointer)
{
    free(*(void **)pointer);
}

/* Owned by the scope: auto_fd int fd = -1; auto_file FILE *file = NULL; */
#define auto_fd   __attribute__((cleanup(fd_clear)))
#define auto_file __attribute__((cleanup(file_clear)))
#define auto_heap __attribute__((cleanup(heap_clear)))

#endif
