/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_BACKLOG_H
#define GATEWAY_BACKLOG_H

/* What clients that come back miss of a channel: asked once for all who come at the same time, a
 * little further back than the first of them needs. It is always one answer of one moment: in two,
 * a message could be new in both. */

#include <stdbool.h>
#include <stdint.h>

#include "gateway/fill.h"
#include "gateway/loop.h"
#include "shared/base/wheel.h"
#include "shared/domain/snowflake.h"

struct backlog {
    struct loop *loop;
    snowflake server;
    snowflake channel;
    int64_t after;
    bool is_asking;
    struct fill *fill; /* NULL: it could not be had, or is too much */
    uint64_t *waiting; /* serials of sessions */
    size_t waiting_count;
    struct timer expiry;
};

struct backlog_want {
    snowflake server;
    snowflake channel;
    int64_t after; /* the client has all up to here */
    int64_t until; /* and needs all up to here */
    uint64_t session;
};
/* What there is, perhaps failed; NULL: not yet, entry_told follows. Valid until the turn ends.
 */
struct backlog *backlog_get(struct loop *l, const struct backlog_want *want);
void backlogs_free(struct loop *l);

#endif
