/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/* What fuzz entries share. A file <name>_fuzz.c is one binary, fuzz-<name>; what it once found and
 * what shows it the way lies in seeds/<name>/. Where several texts are needed they are the lines of
 * the input, so that a seed is written and read by hand. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define expect(is_true) fuzz_expect((is_true), __FILE__, __LINE__)
static inline void fuzz_expect(bool is_true, const char *file, int line)
{
    if (is_true)
        return;
    fprintf(stderr, "%s:%d: does not hold\n", file, line);
    abort();
}

struct fuzz_text {
    const char *at;
    size_t len;
};

static inline struct fuzz_text fuzz_text(const uint8_t *data, size_t size)
{
    return (struct fuzz_text){(const char *)data, size};
}

/* Takes a line off the front, as a string of its own; "" when nothing is left. */
static inline char *fuzz_line(struct arena *a, struct fuzz_text *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->at, '\n', rest->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - rest->at) : rest->len;
    char *line = arena_strndup(a, rest->at, len);
    if (end != NULL)
        len++;
    rest->at += len;
    rest->len -= len;
    return line;
}

/* The same, and NULL for an empty line: a header that was not sent. */
static inline const char *fuzz_header(struct arena *a, struct fuzz_text *rest)
{
    const char *line = fuzz_line(a, rest);
    return line[0] != '\0' ? line : NULL;
}

#endif
