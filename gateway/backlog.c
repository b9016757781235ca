/* SPDX-License-Identifier: MIT
 *
 * The pages of one channel's changes, kept for a few seconds: a storm of reconnects is one query a
 * channel, not one a client. */

#include "gateway/backlog.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/entry.h"
#include "gateway/query.h"
#include "shared/base/heap.h"
#include "shared/base/macros.h"

enum {
    KEEP_MS = 10 * 1000,
    FAILED_KEEP_MS = 500,
    SLACK = 50, /* asked beyond the first client's need, for those who left a little earlier */
};

static void backlog_free(struct backlog *b)
{
    map_del(&b->loop->backlogs, b->channel);
    timer_cancel(&b->expiry);
    fill_free(b->fill);
    free(b->waiting);
    free(b);
}

static void on_expiry(struct timer *t, void *arg)
{
    (void)t;
    backlog_free(arg);
}

/* The list may grow again while the waiting are told. */
static void tell_waiting(struct backlog *b)
{
    struct loop *l = b->loop;
    auto_heap uint64_t *waiting = b->waiting;
    size_t count = b->waiting_count;
    b->waiting = NULL;
    b->waiting_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct session *s = map_get(&l->sessions, waiting[i]);
        if (s != NULL)
            entry_told(s);
    }
}

static void on_fill(struct loop *l, struct query *q)
{
    struct backlog *b = map_get(&l->backlogs, q->channel);
    struct fill *fill = q->result;
    if (b == NULL || !b->is_asking || q->after != b->after) {
        fill_free(fill);
        return;
    }
    b->is_asking = false;
    if (fill != NULL && fill->has_more) {
        fill_free(fill);
        fill = NULL;
    }
    b->fill = fill;
    if (fill != NULL)
        fill->to = (struct event_to){.server = b->server, .channel = b->channel};
    loop_later(l, &b->expiry, fill != NULL ? KEEP_MS : FAILED_KEEP_MS, on_expiry, b);
    tell_waiting(b);
}

static void ask(struct backlog *b)
{
    char json[128];
    snprintf(json, sizeof(json), "{\"channel_id\":\"%llu\",\"after\":%lld,\"limit\":%d}",
             (unsigned long long)b->channel, (long long)b->after, FILL_MAX);
    b->is_asking = true;
    query_start(b->loop, &(struct query){.subject = "rpc.messaging.channel.sync",
                                         .json = json,
                                         .parse = fill_parse,
                                         .done = on_fill,
                                         .server = b->server,
                                         .channel = b->channel,
                                         .after = b->after});
}

static struct backlog *backlog_new(struct loop *l, const struct backlog_want *want)
{
    struct backlog *b = heap_alloc(sizeof(*b));
    b->loop = l;
    b->server = want->server;
    b->channel = want->channel;
    b->after = want->after > SLACK ? want->after - SLACK : 0;
    map_put(&l->backlogs, b->channel, b);
    ask(b);
    return b;
}

static bool is_enough(const struct backlog *b, const struct backlog_want *want)
{
    return b->after <= want->after && (b->fill == NULL || b->fill->until >= want->until);
}

static void wait_for(struct backlog *b, uint64_t session)
{
    b->waiting = heap_grow(b->waiting, (b->waiting_count + 1) * sizeof(b->waiting[0]));
    b->waiting[b->waiting_count++] = session;
}

struct backlog *backlog_get(struct loop *l, const struct backlog_want *want)
{
    struct backlog *b = map_get(&l->backlogs, want->channel);
    if (b != NULL && !b->is_asking) {
        if (is_enough(b, want))
            return b;
        backlog_free(b);
        b = NULL;
    }
    if (b == NULL)
        b = backlog_new(l, want);
    wait_for(b, want->session);
    return NULL;
}

void backlogs_free(struct loop *l)
{
    void *backlog;
    for (size_t at = 0; map_next(&l->backlogs, &at, NULL, &backlog); at = 0)
        backlog_free(backlog);
}
