/* SPDX-License-Identifier: MIT
 *
 * Invariant: everything up to `seq` was passed on to those who see the channel, and nothing after
 * it. Events and fills both move it forward, never back, so it does not matter which comes first.
 */

#include "gateway/channel.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/fill.h"
#include "gateway/query.h"
#include "gateway/server.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/service/metrics.h"

enum {
    GAP_MS = 20,      /* between two copies of messaging order can change by so much */
    RETRY_MS = 250,   /* messaging is away */
    AHEAD_MAX = 1024, /* more than this is fetched again rather than kept */
};

struct channel *channel_new(struct server *s, snowflake id, int64_t seq)
{
    struct channel *c = heap_alloc(sizeof(*c));
    c->id = id;
    c->server = s;
    c->seq = c->born = c->known = seq;
    return c;
}

void channel_free(struct channel *c)
{
    if (c == NULL)
        return;
    timer_cancel(&c->timer);
    frames_clear(&c->ahead);
    free(c);
}

static void on_gap(struct timer *t, void *arg);

static void wait_for_missing(struct channel *c, int64_t ms)
{
    if (c->seq < c->known && !c->is_filling && !timer_is_set(&c->timer))
        loop_soon(c->server->loop, &c->timer, ms, on_gap, c);
}

/* What came early and is now due. */
static void advance(struct channel *c)
{
    struct frame *f;
    while ((f = frames_at(&c->ahead, 0)) != NULL && f->to.seq <= c->seq + 1) {
        frames_shift(&c->ahead);
        if (f->to.seq > c->seq) {
            server_pass_channel(c->server, c, f);
            c->seq = f->to.seq;
        }
        frame_unref(f);
    }
    if (c->seq >= c->known)
        timer_cancel(&c->timer);
}

/* Too much is missing, or it cannot be read: whoever sees the channel begins anew. */
static void give_up(struct channel *c)
{
    LOG(WARN, "channel.gap", KV("channel_id", c->id), KV("seq", c->seq), KV("known", c->known));
    server_reset_viewers(c->server, c);
    frames_clear(&c->ahead);
    c->seq = c->born = c->known;
}

static void on_filled(struct loop *l, struct query *q)
{
    struct fill *fill = q->result;
    struct server *s = server_find(l, q->server);
    struct channel *c = s != NULL ? map_get(&s->channels, q->channel) : NULL;
    if (c == NULL) {
        fill_free(fill);
        return;
    }
    c->is_filling = false;
    if (q->err == ERR_UNAVAILABLE || q->err == ERR_TIMEOUT) {
        wait_for_missing(c, RETRY_MS);
        return;
    }
    if (fill == NULL || fill->has_more) {
        fill_free(fill);
        give_up(c);
        return;
    }
    fill->to = (struct event_to){.server = s->id, .channel = c->id};
    int64_t after = c->seq;
    for (size_t i = 0; i < fill->count; i++) {
        struct frame *f = fill_frame(fill, i, after);
        if (f != NULL)
            server_pass_channel(s, c, f);
    }
    if (fill->until > c->seq)
        c->seq = fill->until;
    metric_add(METRIC_gaps_filled_total, 0, 0, 1);
    LOG(DEBUG, "channel.filled", KV("channel_id", c->id), KV("after", after), KV("until", c->seq));
    fill_free(fill);
    advance(c);
    wait_for_missing(c, GAP_MS);
}

static void on_gap(struct timer *t, void *arg)
{
    (void)t;
    struct channel *c = arg;
    if (c->seq >= c->known)
        return;
    char json[128];
    snprintf(json, sizeof(json), "{\"channel_id\":\"%llu\",\"after\":%lld,\"limit\":%d}",
             (unsigned long long)c->id, (long long)c->seq, FILL_MAX);
    c->is_filling = true;
    query_start(c->server->loop, &(struct query){.subject = "rpc.messaging.channel.sync",
                                                 .json = json,
                                                 .parse = fill_parse,
                                                 .done = on_filled,
                                                 .server = c->server->id,
                                                 .channel = c->id});
}

void channel_hear(struct channel *c, struct frame *f)
{
    int64_t seq = f->to.seq;
    if (seq == 0) {
        server_pass_channel(c->server, c, f);
        return;
    }
    if (seq <= c->seq)
        return;
    if (seq > c->known)
        c->known = seq;
#ifdef PLANT_DROP_EVENT /* make check-planted: a loss, to prove that tests/checker notices */
    if (seq == c->seq + 1 && seq % 10 == 0) {
        c->seq = seq;
        return;
    }
#endif
    if (seq == c->seq + 1) {
        server_pass_channel(c->server, c, f);
        c->seq = seq;
        advance(c);
        return;
    }
    if (c->ahead.count < AHEAD_MAX)
        (void)frames_insert(&c->ahead, f);
    wait_for_missing(c, GAP_MS);
}

void channel_expect(struct channel *c, int64_t seq)
{
    if (seq > c->known)
        c->known = seq;
    wait_for_missing(c, GAP_MS);
}
