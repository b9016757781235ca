/* SPDX-License-Identifier: MIT
 *
 * Two events of a user also concern the gateway: joining a server and leaving one. What is lost for
 * good cannot be fetched one by one: the user's sessions begin anew. */

#include "gateway/feed.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/entry.h"
#include "gateway/fanout.h"
#include "gateway/query.h"
#include "gateway/scan.h"
#include "gateway/session.h"
#include "shared/base/buf.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"

enum {
    LINGER_MS = 30 * 1000,
    GAP_MS = 4500, /* longer than messaging takes to publish again what a broken bus lost */
    RETRY_MS = 1000,
    NUMBERS_MAX = 500, /* asked at a time */
};

static void feed_free(struct feed *f)
{
    map_del(&f->loop->feeds, f->user);
    timer_cancel(&f->gap);
    timer_cancel(&f->linger);
    fanout_unhear(f->loop->fanout, f->hearing, f->loop);
    frames_clear(&f->ahead);
    free(f);
}

static void on_linger(struct timer *t, void *arg)
{
    (void)t;
    feed_free(arg);
}

void feed_enter(struct session *s)
{
    struct loop *l = s->loop;
    struct feed *f = map_get(&l->feeds, s->who.user);
    if (f == NULL) {
        f = heap_alloc(sizeof(*f));
        f->user = s->who.user;
        f->loop = l;
        f->hearing = fanout_hear(l->fanout, HEAR_USER, s->who.app, s->who.user, l);
        map_put(&l->feeds, f->user, f);
    }
    timer_cancel(&f->linger);
    s->feed = f;
    s->next_in_feed = f->sessions;
    f->sessions = s;
}

void feed_leave(struct session *s)
{
    struct feed *f = s->feed;
    if (f == NULL)
        return;
    struct session **at = &f->sessions;
    while (*at != s)
        at = &(*at)->next_in_feed;
    *at = s->next_in_feed;
    s->feed = NULL;
    if (f->sessions == NULL)
        loop_later(f->loop, &f->linger, LINGER_MS, on_linger, f);
}

struct session *feed_sessions(const struct loop *l, snowflake user)
{
    struct feed *f = map_get(&l->feeds, user);
    return f != NULL ? f->sessions : NULL;
}

static snowflake id_in(const struct frame *f, const char *name)
{
    struct span value;
    snowflake id;
    struct span body = {f->bytes + f->body_at, f->body_len};
    return scan_member(body, name, &value) && scan_id(value, &id) ? id : 0;
}

void feed_event(struct session *s, struct frame *f)
{
    if (f->type == &event_types[EV_SERVER_CREATE]) {
        session_join(s, id_in(f, "id"));
        return;
    }
    session_send(s, f);
    if (f->type != &event_types[EV_SERVER_LEAVE])
        return;
    struct membership *m = session_membership(s, id_in(f, "server_id"));
    if (m != NULL)
        session_leave(s, m);
}

static void pass(struct feed *f, struct frame *frame)
{
    for (struct session *s = f->sessions, *next; s != NULL; s = next) {
        next = s->next_in_feed;
        if (s->entry != NULL && entry_is_first(s->entry))
            entry_hold(s, frame);
        else
            feed_event(s, frame);
    }
}

static void on_gap(struct timer *t, void *arg)
{
    (void)t;
    struct feed *f = arg;
    LOG(WARN, "feed.gap", KV("user_id", f->user), KV("seq", f->seq), KV("known", f->known));
    f->seq = f->known;
    frames_clear(&f->ahead);
    while (f->sessions != NULL)
        session_reset(f->sessions);
}

static void wait_for_missing(struct feed *f)
{
    if (f->seq >= f->known)
        timer_cancel(&f->gap);
    else if (!timer_is_set(&f->gap))
        loop_later(f->loop, &f->gap, GAP_MS, on_gap, f);
}

static void pass_in_order(struct feed *f, struct frame *frame)
{
    f->seq = frame->to.seq;
    pass(f, frame);
    struct frame *next = frames_at(&f->ahead, 0);
    if (next == NULL || next->to.seq > f->seq + 1)
        return;
    frames_shift(&f->ahead);
    pass_in_order(f, next);
    frame_unref(next);
}

void feed_hear(struct feed *f, struct frame *frame)
{
    int64_t seq = frame->to.seq;
    if (seq == 0) {
        pass(f, frame);
        return;
    }
    if (seq <= f->seq)
        return;
    if (seq > f->known)
        f->known = seq;
    if (f->seq == 0 || seq == f->seq + 1)
        pass_in_order(f, frame);
    else
        (void)frames_insert(&f->ahead, frame);
    wait_for_missing(f);
}

void feed_told(struct feed *f, int64_t seq)
{
    if (f->seq == 0)
        f->seq = seq;
    if (seq > f->known)
        f->known = seq;
    wait_for_missing(f);
}

static void *keep_text(const struct ask_answer *a)
{
    char *text = heap_alloc(a->len + 1);
    memcpy(text, a->body, a->len);
    return text;
}

static void on_retry(struct timer *t, void *arg)
{
    (void)t;
    feeds_recheck(arg);
}

static void on_numbers(struct loop *l, struct query *q)
{
    static const char *const names[] = {"id", "seq"};
    auto_heap char *text = q->result;
    if (text == NULL) {
        loop_later(l, &l->recheck, RETRY_MS, on_retry, l);
        return;
    }
    struct span all = {text, strlen(text)};
    struct span item, values[2];
    snowflake user;
    uint64_t seq;
    for (size_t at = 0; scan_item(all, &at, &item);) {
        if (!scan_members(item, names, values, 2) || !scan_id(values[0], &user) ||
            !scan_uint(values[1], &seq))
            continue;
        struct feed *f = map_get(&l->feeds, user);
        if (f != NULL && f->seq > 0)
            feed_told(f, (int64_t)seq);
    }
}

static void ask_numbers(struct loop *l, struct buf *json)
{
    buf_adds(json, "]}");
    query_start(l, &(struct query){.subject = "rpc.messaging.user.numbers",
                                   .json = buf_str(json),
                                   .parse = keep_text,
                                   .done = on_numbers});
    buf_reset(json);
}

void feeds_recheck(struct loop *l)
{
    auto_buf struct buf json = {0};
    size_t count = 0;
    void *feed;
    for (size_t at = 0; map_next(&l->feeds, &at, NULL, &feed);) {
        buf_printf(&json, "%s\"%llu\"", json.len == 0 ? "{\"user_ids\":[" : ",",
                   (unsigned long long)((struct feed *)feed)->user);
        if (++count % NUMBERS_MAX == 0)
            ask_numbers(l, &json);
    }
    if (json.len > 0)
        ask_numbers(l, &json);
}

void feeds_free(struct loop *l)
{
    void *feed;
    for (size_t at = 0; map_next(&l->feeds, &at, NULL, &feed); at = 0)
        feed_free(feed);
}
