/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_FILL_H
#define GATEWAY_FILL_H

/* What happened in a channel since a number, from messaging's sync, turned back into events. One
 * answer serves everybody who misses some of it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ask.h"
#include "gateway/frame.h"
#include "gateway/scan.h"
#include "shared/base/arena.h"

enum { FILL_MAX = 1000 }; /* rows of one answer; who misses more begins anew */

struct fill_row {
    int64_t seq; /* when it was sent */
    int64_t rev; /* its last change */
    bool is_deleted;
    struct span json;
    struct frame *as_new; /* made when first wanted */
    struct frame *as_changed;
};

struct fill {
    struct arena arena;
    struct event_to to; /* server and channel */
    int64_t after;
    int64_t until; /* everything up to here is in it */
    bool has_more;
    struct fill_row *rows; /* by rev */
    size_t count;
};

/* A query_parse_fn: to and after are the caller's to set. */
void *fill_parse(const struct ask_answer *a);
void fill_free(struct fill *f);

/* The row for somebody who has everything up to `after`; NULL when they have it already. The fill
 * keeps the reference. */
struct frame *fill_frame(struct fill *f, size_t row, int64_t after);

#endif
