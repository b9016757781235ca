/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_LINE_H
#define GATEWAY_LINE_H

/* First come, first served, a few at a time: of thousands who come back at once, each gets its
 * state in its turn instead of all at a time that is too late for most. One thread. A zeroed struct
 * is an empty line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"

/* A session and the entry of it that waits. */
struct asker {
    uint64_t session;
    uint64_t entry;
};

struct line {
    struct buf waiting; /* struct asker */
    size_t first;       /* of them */
    size_t running;     /* the caller's to count: who was let in and has not ended */
};

void line_join(struct line *l, struct asker who);
/* Whose turn it is; false: nobody waits, or at_once are running. */
bool line_next(struct line *l, size_t at_once, struct asker *ret);
void line_done(struct line *l);

#endif
