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
    const char *name; /* "message" */
    long value;
    const char *text;
};

extern const struct limit_row limit_rows[];
extern const size_t limit_row_count;

#endif
