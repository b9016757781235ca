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
    PAGE = 100
};

static void backlog_free(struct backlog *b)
{
    map_del(&b->loop->backlogs, b->channel);
    timer_cancel(&b->expiry);
    for (size_t i = 0; i < b->page_count; i++)
        fill_free(b->pages[i]);
    free(b->waiting);
    free(b);
}

static void on_expiry(struct timer *t, void *arg)
{
    (void)t;
    backlog_free(arg);
}

static void ask(struct backlog *b);

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
            entry_advance(s);
    }
}

static void on_page(struct loop *l, struct query *q)
{
    struct backlog *b = map_get(&l->backlogs, q->channel);
    struct fill *page = q->result;
    if (b == NULL || !b->is_asking || q->after != b->until) {
        fill_free(page);
        return;
    }
    b->is_asking = false;
    b->has_failed = page == NULL || (page->has_more && b->page_count + 1 == BACKLOG_PAGES);
    if (page != NULL) {
        page->to = (struct event_to){.server = b->server, .channel = b->channel};
        b->pages[b->page_count++] = page;
        if (page->until > b->until)
            b->until = page->until;
        if (page->has_more && !b->has_failed) {
            ask(b);
            return;
        }
    }
    loop_later(l, &b->expiry, b->has_failed ? FAILED_KEEP_MS : KEEP_MS, on_expiry, b);
    tell_waiting(b);
}

static void ask(struct backlog *b)
{
    char json[128];
    snprintf(json, sizeof(json), "{\"channel_id\":\"%llu\",\"after\":%lld,\"limit\":%d}",
             (unsigned long long)b->channel, (long long)b->until, PAGE);
    b->is_asking = true;
    timer_cancel(&b->expiry);
    query_start(b->loop, &(struct query){.subject = "rpc.messaging.channel.sync",
                                         .json = json,
                                         .parse = fill_parse,
                                         .done = on_page,
                                         .server = b->server,
                                         .channel = b->channel,
                                         .after = b->until});
}

static struct backlog *backlog_new(struct loop *l, const struct backlog_want *want)
{
    struct backlog *b = heap_alloc(sizeof(*b));
    b->loop = l;
    b->server = want->server;
    b->channel = want->channel;
    b->after = b->until = want->after > SLACK ? want->after - SLACK : 0;
    map_put(&l->backlogs, b->channel, b);
    return b;
}

static void wait_for(struct backlog *b, uint64_t session)
{
    if (b->waiting_count > 0 && b->waiting[b->waiting_count - 1] == session)
        return;
    b->waiting = heap_grow(b->waiting, (b->waiting_count + 1) * sizeof(b->waiting[0]));
    b->waiting[b->waiting_count++] = session;
}

struct backlog *backlog_get(struct loop *l, const struct backlog_want *want)
{
    struct backlog *b = map_get(&l->backlogs, want->channel);
    bool is_of_use = b != NULL && b->after <= want->after;
    if (is_of_use && !b->is_asking && (b->has_failed || b->until >= want->until))
        return b;
    if (b != NULL && b->is_asking) {
        wait_for(b, want->session);
        return NULL;
    }
    if (b != NULL && (!is_of_use || b->page_count == BACKLOG_PAGES)) {
        backlog_free(b);
        b = NULL;
    }
    if (b == NULL)
        b = backlog_new(l, want);
    wait_for(b, want->session);
    ask(b);
    return NULL;
}

void backlogs_free(struct loop *l)
{
    void *backlog;
    for (size_t at = 0; map_next(&l->backlogs, &at, NULL, &backlog); at = 0)
        backlog_free(backlog);
}
