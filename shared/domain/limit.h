/* SPDX-License-Identifier: MIT */
#ifndef SHARED_DOMAIN_LIMIT_H
#define SHARED_DOMAIN_LIMIT_H

/* Every size a client controls. Lengths of text are in code points, sizes in bytes. */

#include <stddef.h>

enum limit {
#define LIMIT(name, value, text) LIMIT_##name = (value),
#include "shared/domain/limit.def"
#undef LIMIT
};

/* The rows themselves, for documents and for the public instance endpoint. */
struct limit_row {
    char name[24]; /* "message" */
    long value;
    const char *text;
};

const struct limit_row *limit_rows(size_t *ret_count);

#endif
