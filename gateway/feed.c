/* SPDX-License-Identifier: MIT
 *
 * Two events of a user also concern the gateway: joining a server and leaving one. */

#include "gateway/feed.h"

#include <stdlib.h>

#include "gateway/entry.h"
#include "gateway/fanout.h"
#include "gateway/scan.h"
#include "gateway/session.h"
#include "shared/base/heap.h"

enum { LINGER_MS = 30 * 1000 };

static void feed_free(struct feed *f)
{
    map_del(&f->loop->feeds, f->user);
    timer_cancel(&f->linger);
    fanout_unhear(f->loop->fanout, f->hearing, f->loop);
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

void feed_hear(struct feed *f, struct frame *frame)
{
    for (struct session *s = f->sessions, *next; s != NULL; s = next) {
        next = s->next_in_feed;
        if (s->entry != NULL && entry_is_first(s->entry))
            entry_hold(s, frame);
        else
            feed_event(s, frame);
    }
}

void feeds_free(struct loop *l)
{
    void *feed;
    for (size_t at = 0; map_next(&l->feeds, &at, NULL, &feed); at = 0)
        feed_free(feed);
}
