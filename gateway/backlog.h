/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_BACKLOG_H
#define GATEWAY_BACKLOG_H

/* What clients that come back miss of a channel: asked once for all who come at the same time, a
 * little further back than the first of them needs. */

#include <stdbool.h>
#include <stdint.h>

#include "gateway/fill.h"
#include "gateway/loop.h"
#include "shared/base/wheel.h"
#include "shared/domain/snowflake.h"

enum { BACKLOG_PAGES = 12, BACKLOG_SPAN = 1000 };

struct backlog {
    struct loop *loop;
    snowflake server;
    snowflake channel;
    int64_t after;
    int64_t until;
    bool is_asking;
    bool has_failed;
    struct fill *pages[BACKLOG_PAGES];
    size_t page_count;
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
/* What there is, perhaps failed; NULL: not yet, entry_advance follows. Valid until the turn ends.
 */
struct backlog *backlog_get(struct loop *l, const struct backlog_want *want);
void backlogs_free(struct loop *l);

#endif
