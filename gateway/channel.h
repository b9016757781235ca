/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_CHANNEL_H
#define GATEWAY_CHANNEL_H

/* One channel's order. Its durable events have dense numbers: what comes twice is dropped, what
 * comes early waits for what is missing, and what stays missing is asked from messaging. */

#include <stdbool.h>
#include <stdint.h>

#include "gateway/frame.h"
#include "shared/base/wheel.h"

struct server;
struct query;
struct loop;

struct channel {
    snowflake id;
    struct server *server;
    int place;           /* in the server's layout */
    bool is_filling;     /* messaging was asked for what is missing */
    int64_t seq;         /* the last event passed on */
    int64_t born;        /* nothing up to here was passed on one by one */
    int64_t known;       /* the highest number heard of */
    struct frames ahead; /* came too early */
    struct timer timer;
};

/* seq: of the last change that those who see it have from elsewhere. */
struct channel *channel_new(struct server *s, snowflake id, int64_t seq);
void channel_free(struct channel *c);

void channel_hear(struct channel *c, struct frame *f);

/* There are changes up to this number; if they do not come by themselves they are fetched. */
void channel_expect(struct channel *c, int64_t seq);

#endif
