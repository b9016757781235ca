/* SPDX-License-Identifier: MIT
 *
 * Events of one server pass through here one at a time. One that may change who sees what first
 * waits until the layout is at least as new as itself: nobody is told anything by an old view.
 * Everything behind it waits too, so order is kept without further thought. */

#include "gateway/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/entry.h"
#include "gateway/fanout.h"
#include "gateway/feed.h"
#include "gateway/member.h"
#include "gateway/query.h"
#include "gateway/session.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/wire/json.h"

enum {
    LINGER_MS = 30 * 1000, /* the subscription outlives its last session by so much */
    RETRY_MS = 500,
    GAP_MS = 4500, /* longer than messaging takes to publish again what a broken bus lost */
    HELD_MAX = 16384
};

static bool is_event(const struct frame *f, enum event_id id)
{
    return f->type == &event_types[id];
}

bool server_may_tell(const struct server *s, const struct view *v, const struct frame *f)
{
    if (!permission_has(v->permissions, f->type->permission))
        return false;
    return f->about == 0 || (s->layout != NULL && view_shows(v, layout_find(s->layout, f->about)));
}

struct server *server_find(struct loop *l, snowflake id)
{
    return map_get(&l->servers, id);
}

struct server *server_get(struct loop *l, snowflake app, snowflake id)
{
    struct server *s = server_find(l, id);
    if (s != NULL)
        return s;
    s = heap_alloc(sizeof(*s));
    s->id = id;
    s->app = app;
    s->loop = l;
    s->hearing = fanout_hear(l->fanout, HEAR_SERVER, app, id, l);
    map_put(&l->servers, id, s);
    return s;
}

void server_free(struct server *s)
{
    map_del(&s->loop->servers, s->id);
    fanout_unhear(s->loop->fanout, s->hearing, s->loop);
    timer_cancel(&s->gap);
    timer_cancel(&s->linger);
    timer_cancel(&s->retry);
    void *channel;
    for (size_t at = 0; map_next(&s->channels, &at, NULL, &channel);)
        channel_free(channel);
    map_done(&s->channels);
    views_free(s->views);
    layout_free(s->layout);
    frames_clear(&s->held);
    frames_clear(&s->ahead);
    frames_clear(&s->tape);
    free(s);
}

void servers_free(struct loop *l)
{
    void *server;
    for (size_t at = 0; map_next(&l->servers, &at, NULL, &server); at = 0)
        server_free(server);
}

static void on_linger(struct timer *t, void *arg)
{
    (void)t;
    server_free(arg);
}

void server_joined(struct server *s)
{
    s->member_count++;
    timer_cancel(&s->linger);
}

void server_left(struct server *s)
{
    if (--s->member_count == 0)
        loop_later(s->loop, &s->linger, LINGER_MS, on_linger, s);
}

/* ---- passing on ---- */

static void keep_for_pending(struct server *s, struct frame *f)
{
    if (s->pending != NULL)
        frames_push(&s->tape, f);
}

void server_pass_channel(struct server *s, const struct channel *c, struct frame *f)
{
    keep_for_pending(s, f);
    for (struct view *v = s->views; v != NULL; v = v->next) {
        if (!view_shows(v, c->place))
            continue;
        for (struct membership *m = v->members; m != NULL; m = m->next_in_view)
            member_send(m, f);
    }
}

void server_reset_viewers(struct server *s, const struct channel *c)
{
    for (struct view *v = s->views; v != NULL; v = v->next)
        while (view_shows(v, c->place) && v->members != NULL)
            session_reset(v->members->session);
}

static void pass_members(struct server *s, struct frame *f)
{
    keep_for_pending(s, f);
    for (struct view *v = s->views; v != NULL; v = v->next) {
        if (!server_may_tell(s, v, f))
            continue;
        for (struct membership *m = v->members; m != NULL; m = m->next_in_view)
            member_send(m, f);
    }
}

/* Everybody's part in it ends, after they were told. */
static void dissolve(struct server *s)
{
    for (struct view *v = s->views; v != NULL; v = v->next)
        while (v->members != NULL)
            session_leave(v->members->session, v->members);
    while (s->pending != NULL)
        session_leave(s->pending->session, s->pending);
}

/* ---- the layout ---- */

static void drain(struct server *s);
static void ask_layout(struct server *s);
static void wait_for_missing(struct server *s);

static void on_retry(struct timer *t, void *arg)
{
    (void)t;
    ask_layout(arg);
}

/* Channels of the new layout take their places; who is new there begins where the layout is. */
static void place_channels(struct server *s)
{
    const struct layout *l = s->layout;
    for (size_t i = 0; i < l->channel_count; i++) {
        struct channel *c = map_get(&s->channels, l->channels[i].id);
        if (c == NULL) {
            c = channel_new(s, l->channels[i].id, l->channels[i].seq);
            map_put(&s->channels, c->id, c);
        }
        c->place = (int)i;
    }
}

static void drop_channels(struct server *s, const struct layout *old)
{
    for (size_t i = 0; i < old->channel_count; i++)
        if (layout_find(s->layout, old->channels[i].id) < 0)
            channel_free(map_del(&s->channels, old->channels[i].id));
}

static void expect_channels(struct server *s)
{
    for (size_t i = 0; i < s->layout->channel_count; i++) {
        const struct view_channel *v = &s->layout->channels[i];
        channel_expect(map_get(&s->channels, v->id), v->seq);
    }
}

static void install(struct server *s, struct layout *l)
{
    struct layout *old = s->layout;
    struct view *old_views = s->views;
    s->layout = l;
    s->views = NULL;
    place_channels(s);
    for (struct view *v = old_views; v != NULL; v = v->next)
        while (v->members != NULL)
            member_move(v->members, old);
    views_free(old_views);
    if (old != NULL)
        drop_channels(s, old);
    else
        s->seq = s->born = l->seq;
    layout_free(old);
    if (l->seq > s->known)
        s->known = l->seq;
    wait_for_missing(s);
    expect_channels(s);
}

/* Going live changes the list of who is pending, so they are named first. */
static void advance_pending(struct server *s)
{
    size_t count = 0;
    for (struct membership *m = s->pending; m != NULL; m = m->next_in_view)
        count++;
    auto_heap uint64_t *serials = heap_alloc_n(count + 1, sizeof(serials[0]));
    size_t i = 0;
    for (struct membership *m = s->pending; m != NULL; m = m->next_in_view)
        serials[i++] = m->session->serial;
    for (i = 0; i < count; i++) {
        struct session *session = map_get(&s->loop->sessions, serials[i]);
        if (session != NULL)
            entry_advance(session);
    }
}

static void vanish(struct server *s)
{
    char json[96];
    int len = snprintf(json, sizeof(json), "{\"id\":\"%llu\",\"server_id\":\"%llu\"}",
                       (unsigned long long)s->id, (unsigned long long)s->id);
    struct frame *f = frame_event(&event_types[EV_SERVER_DELETE],
                                  (struct event_to){.server = s->id}, json, (size_t)len);
    pass_members(s, f);
    frame_unref(f);
    dissolve(s);
}

static void *parse_layout(const struct ask_answer *a)
{
    return layout_parse(a->body, a->len);
}

static void on_layout(struct loop *l, struct query *q)
{
    struct server *s = server_find(l, q->server);
    if (s == NULL || !s->is_asking) {
        layout_free(q->result);
        return;
    }
    if (q->err == ERR_UNKNOWN_SERVER) {
        s->is_asking = false;
        frames_clear(&s->held);
        vanish(s);
        return;
    }
    if (q->err != OK) {
        LOG(WARN, "layout.failed", KV("server_id", s->id), KV("err", err_name(q->err)));
        loop_later(l, &s->retry, RETRY_MS, on_retry, s);
        return;
    }
    s->is_asking = false;
    install(s, q->result);
    advance_pending(s);
    drain(s);
}

static void ask_layout(struct server *s)
{
    char json[64];
    snprintf(json, sizeof(json), "{\"server_id\":\"%llu\"}", (unsigned long long)s->id);
    s->is_asking = true;
    query_start(s->loop, &(struct query){.subject = "rpc.messaging.server.view",
                                         .json = json,
                                         .parse = parse_layout,
                                         .done = on_layout,
                                         .server = s->id});
}

bool server_is_at(struct server *s, int64_t seq)
{
    if (s->layout != NULL && s->layout->seq >= seq)
        return true;
    if (!s->is_asking)
        ask_layout(s);
    return false;
}

void servers_recheck(struct loop *l)
{
    void *server;
    for (size_t at = 0; map_next(&l->servers, &at, NULL, &server);) {
        struct server *s = server;
        if (!s->is_asking && s->layout != NULL)
            ask_layout(s);
    }
}

/* ---- order ---- */

/* Something of the server itself is lost for good: whoever is in it begins anew. */
static void on_gap(struct timer *t, void *arg)
{
    (void)t;
    struct server *s = arg;
    if (s->seq >= s->known)
        return;
    LOG(WARN, "server.gap", KV("server_id", s->id), KV("seq", s->seq), KV("known", s->known));
    for (struct view *v = s->views; v != NULL; v = v->next)
        while (v->members != NULL)
            session_reset(v->members->session);
    for (struct membership *m = s->pending; m != NULL; m = m->next_in_view)
        entry_disturb(m->session); /* their state may be from before the loss */
    struct frame *first = frames_at(&s->ahead, 0);
    s->seq = s->born = first != NULL ? first->to.seq - 1 : s->known;
    if (first != NULL) {
        frames_unshift(&s->held, first);
        frame_unref(frames_shift(&s->ahead));
    }
    drain(s);
}

static void wait_for_missing(struct server *s)
{
    if (s->seq >= s->known)
        timer_cancel(&s->gap);
    else if (!timer_is_set(&s->gap))
        loop_later(s->loop, &s->gap, GAP_MS, on_gap, s);
}

struct changed_member {
    snowflake user_id;
    struct list roles;
};
static const struct field changed_member_fields[] = {
    F_ID(changed_member, user_id),
    F_IDS(changed_member, roles),
};
static SHAPE(changed_member);

/* A member who has sessions here: their rights change now, without asking anybody. The end of an
 * earlier membership, held up on its way, is not that of the present one. */
static void change_member(struct server *s, const struct frame *f)
{
    auto_arena struct arena arena = {0};
    auto_json json_t *json = NULL;
    const char *why;
    struct changed_member who = {0};
    if (json_read_object(&arena, f->bytes + f->body_at, f->body_len, &json, &why) != OK ||
        shape_decode_entity(&changed_member_shape, json, &arena, &who) != OK)
        return;
    for (struct session *it = feed_sessions(s->loop, who.user_id), *next; it != NULL; it = next) {
        next = it->next_in_feed;
        struct membership *m = session_membership(it, s->id);
        if (m == NULL)
            continue;
        if (!is_event(f, EV_MEMBER_DELETE))
            member_set_roles(m, who.roles.items, who.roles.count, f->to.seq);
        else if (m->view == NULL || f->to.seq > m->roles_rev)
            session_leave(it, m);
    }
}

/* False: it has to wait for a newer layout, which was asked for. */
static bool take_effect(struct server *s, struct frame *f)
{
    if (f->type->effect == EFFECT_VIEW && !is_event(f, EV_SERVER_DELETE))
        return server_is_at(s, f->to.seq);
    if (f->type->effect == EFFECT_MEMBER)
        change_member(s, f);
    return true;
}

static bool take_in_order(struct server *s, struct frame *f)
{
    if (!take_effect(s, f))
        return false;
    s->seq = f->to.seq;
    /* Who gains or loses a channel was told when the layout came. */
    if (!is_event(f, EV_CHANNEL_CREATE) && !is_event(f, EV_CHANNEL_DELETE))
        pass_members(s, f);
    if (is_event(f, EV_SERVER_DELETE))
        dissolve(s);
    struct frame *next = frames_at(&s->ahead, 0);
    if (next != NULL && next->to.seq <= s->seq + 1) {
        frames_unshift(&s->held, next);
        frame_unref(frames_shift(&s->ahead));
    }
    wait_for_missing(s);
    return true;
}

/* What may come twice has a number or an id. */
static bool is_repeated(struct server *s, const struct frame *f)
{
    if (f->type->keeping != DURABLE || f->event == 0)
        return false;
    for (size_t i = 0; i < SERVER_HEARD; i++)
        if (s->heard[i] == f->event)
            return true;
    s->heard[s->heard_count++ % SERVER_HEARD] = f->event;
    return false;
}

static bool take_server_event(struct server *s, struct frame *f)
{
    if (f->to.seq == 0) {
        if (!is_repeated(s, f))
            pass_members(s, f);
        return true;
    }
    if (f->to.seq <= s->seq)
        return true;
    if (f->to.seq > s->known)
        s->known = f->to.seq;
    if (f->to.seq == s->seq + 1)
        return take_in_order(s, f);
    /* Rights change at once, even though the news of it has to wait its turn. */
    if (!take_effect(s, f))
        return false;
    (void)frames_insert(&s->ahead, f);
    wait_for_missing(s);
    return true;
}

static bool take_channel_event(struct server *s, struct frame *f)
{
    struct channel *c = map_get(&s->channels, f->to.channel);
    if (c != NULL) {
        s->stranger = 0;
        channel_hear(c, f);
        return true;
    }
    /* The newest layout does not have it: nobody can see it. */
    if (s->stranger == f->to.channel) {
        s->stranger = 0;
        return true;
    }
    s->stranger = f->to.channel;
    ask_layout(s);
    return false;
}

static void drain(struct server *s)
{
    if (s->is_draining)
        return;
    s->is_draining = true;
    while (!s->is_asking && s->layout != NULL && s->held.count > 0) {
        struct frame *f = frames_shift(&s->held);
        if (!(f->to.channel != 0 ? take_channel_event(s, f) : take_server_event(s, f)))
            frames_unshift(&s->held, f);
        frame_unref(f);
    }
    s->is_draining = false;
}

void server_hear(struct server *s, struct frame *f)
{
    if (s->held.count < HELD_MAX) {
        frames_push(&s->held, f);
    } else {
        /* Numbers will show the loss, and it is filled when messaging answers again. */
        LOG(WARN, "server.held", KV("server_id", s->id), KV("dropped", f->type->name));
    }
    drain(s);
}
