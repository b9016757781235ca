/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_CURSORS_H
#define GATEWAY_CURSORS_H

/* How far a returning client has each channel and server: {"<id>": seq}. */

#include <stddef.h>
#include <stdint.h>

#include "gateway/scan.h"

struct cursor_row {
    snowflake id;
    int64_t seq;
    bool is_used; /* the id is known here */
};

struct cursors {
    struct cursor_row *rows; /* by id */
    size_t count;
};

enum { CURSORS_MAX = 4096 };

/* False: not such an object, or too large. */
bool cursors_read(struct span json, struct cursors *ret) MUST_CHECK;
void cursors_done(struct cursors *c);

/* Marks it used; -1: the client has nothing of it. */
int64_t cursors_take(struct cursors *c, snowflake id);
bool cursors_all_used(const struct cursors *c);
void cursors_reuse(struct cursors *c); /* none is used */

#endif
