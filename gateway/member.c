/* SPDX-License-Identifier: MIT
 *
 * Who stops seeing a channel is told channel.delete, who begins to is told channel.create, and both
 * before anything else of that channel. That the channel was really created or deleted makes no
 * difference to them, so those two events are only ever made here. */

#include "gateway/member.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/server.h"
#include "gateway/session.h"
#include "shared/base/buf.h"
#include "shared/base/heap.h"

static void link_into(struct membership *m, struct membership **list)
{
    m->next_in_view = *list;
    m->link = list;
    if (*list != NULL)
        (*list)->link = &m->next_in_view;
    *list = m;
}

static void unlink_from(struct membership *m)
{
    *m->link = m->next_in_view;
    if (m->next_in_view != NULL)
        m->next_in_view->link = m->link;
    m->link = NULL;
}

struct membership *member_new(struct server *s, struct session *session)
{
    struct membership *m = heap_alloc(sizeof(*m));
    m->session = session;
    m->server = s;
    m->tape_from = s->tape.count;
    m->roles_rev = -1;
    m->next = session->memberships;
    session->memberships = m;
    link_into(m, &s->pending);
    server_joined(s);
    return m;
}

void member_free(struct membership *m)
{
    struct server *s = m->server;
    unlink_from(m);
    free(m->roles);
    free(m->covers);
    free(m);
    server_left(s);
}

/* What is left of an event for a session that has everything up to seq: all of it, its change
 * alone, or nothing. */
static struct frame *news_since(struct frame *f, int64_t seq)
{
    if (f->to.seq <= seq)
        return NULL;
    return f->instead != NULL && f->born <= seq ? f->instead : f;
}

static int64_t passed_on(const struct server *s, snowflake id)
{
    const struct channel *c = map_get(&s->channels, id);
    return c != NULL ? c->seq : s->seq;
}

/* The session may have been told already, in its state or by a fill. A cover is needed until the
 * loop itself has come as far: a fill may still tell something older as new. */
static struct frame *uncovered(struct membership *m, struct frame *f)
{
    snowflake id = f->to.channel != 0 ? f->to.channel : f->to.server;
    for (uint32_t i = 0; f->to.seq > 0 && i < m->cover_count; i++) {
        if (m->covers[i].id != id)
            continue;
        struct frame *news = news_since(f, m->covers[i].seq);
        if (news != NULL && passed_on(m->server, id) >= m->covers[i].seq)
            m->covers[i] = m->covers[--m->cover_count];
        return news;
    }
    return f;
}

void member_send(struct membership *m, struct frame *f)
{
    if (m->cover_count > 0)
        f = uncovered(m, f);
    if (f != NULL)
        session_send(m->session, f);
}

static struct viewer viewer_of(const struct membership *m)
{
    return (struct viewer){m->session->who.user, m->session->who.is_admin, m->roles, m->role_count};
}

/* The object with another number in one of its members. */
static void copy_with(struct buf *out, struct span json, const char *name, int64_t number)
{
    struct span value;
    if (!scan_member(json, name, &value) || value.at == NULL) {
        buf_add(out, json.at, json.len);
        return;
    }
    const char *rest = value.at + value.len;
    buf_add(out, json.at, (size_t)(value.at - json.at));
    buf_add_i64(out, number);
    buf_add(out, rest, (size_t)(json.at + json.len - rest));
}

/* The numbers in the text are the layout's, which may be ahead of what was passed on. A client
 * takes them for what it has, so they become those of what it has: rev is of the server. */
static struct frame *frame_of_gained(const struct server *s, const struct view_channel *v,
                                     int64_t rev)
{
    const struct channel *c = map_get(&s->channels, v->id);
    auto_buf struct buf once = {0};
    auto_buf struct buf body = {0};
    copy_with(&once, v->json, "seq", c != NULL ? c->seq : v->seq);
    copy_with(&body, (struct span){once.data, once.len}, "rev", rev);
    return frame_event(&event_types[EV_CHANNEL_CREATE], (struct event_to){.server = s->id},
                       body.data, body.len);
}

static struct frame *frame_of_lost(const struct server *s, snowflake channel, int64_t rev)
{
    auto_buf struct buf body = {0};
    buf_printf(&body, "{\"id\":\"%llu\",\"server_id\":\"%llu\",\"rev\":%lld}",
               (unsigned long long)channel, (unsigned long long)s->id, (long long)rev);
    return frame_event(&event_types[EV_CHANNEL_DELETE], (struct event_to){.server = s->id},
                       body.data, body.len);
}

static void tell(struct membership *m, struct frame *f)
{
    session_send(m->session, f);
    frame_unref(f);
}

static void tell_gained(struct membership *m, size_t place, int64_t rev)
{
    tell(m, frame_of_gained(m->server, &m->server->layout->channels[place], rev));
}

static void tell_lost(struct membership *m, snowflake channel, int64_t rev)
{
    tell(m, frame_of_lost(m->server, channel, rev));
}

/* Lost ones first: a client that counts channels never has more than there are. */
static void tell_difference(struct membership *m, const struct layout *old, const struct view *was)
{
    const struct layout *now = m->server->layout;
    for (size_t i = 0; i < old->channel_count; i++)
        if (view_shows(was, (int)i) && !view_shows(m->view, layout_find(now, old->channels[i].id)))
            tell_lost(m, old->channels[i].id, m->server->seq);
    for (size_t i = 0; i < now->channel_count; i++)
        if (view_shows(m->view, (int)i) && !view_shows(was, layout_find(old, now->channels[i].id)))
            tell_gained(m, i, m->server->seq);
}

static void enter_view(struct membership *m)
{
    struct viewer who = viewer_of(m);
    m->view = view_of(&m->server->views, m->server->layout, &who);
    link_into(m, &m->view->members);
}

void member_move(struct membership *m, const struct layout *old)
{
    struct view *was = m->view;
    unlink_from(m);
    enter_view(m);
    if (m->view != was)
        tell_difference(m, old, was);
}

void member_set_roles(struct membership *m, const snowflake *roles, size_t count, int64_t rev)
{
    if (rev <= m->roles_rev)
        return;
    free(m->roles);
    m->roles = heap_alloc_n(count + 1, sizeof(m->roles[0]));
    if (count > 0)
        memcpy(m->roles, roles, count * sizeof(m->roles[0]));
    m->role_count = (uint32_t)count;
    m->roles_rev = rev;
    if (m->view != NULL)
        member_move(m, m->server->layout);
}

static void cover(struct membership *m, snowflake id, int64_t seq, int64_t passed_on)
{
    if (seq <= passed_on)
        return;
    m->covers = heap_grow(m->covers, (m->cover_count + 1) * sizeof(m->covers[0]));
    m->covers[m->cover_count++] = (struct cover){id, seq};
}

static const struct told_channel *told_find(const struct told *told, snowflake channel)
{
    size_t from = 0;
    size_t to = told->channel_count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (told->channels[middle].id == channel)
            return &told->channels[middle];
        if (told->channels[middle].id < channel)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

/* What of an event it was not told and may know; NULL: nothing. */
static struct frame *news_of(const struct membership *m, const struct told *told, struct frame *f)
{
    if (f->to.seq == 0)
        return NULL;
    if (f->to.channel == 0)
        return server_may_tell(m->server, m->view, f) ? news_since(f, told->seq) : NULL;
    const struct channel *c = map_get(&m->server->channels, f->to.channel);
    const struct told_channel *t = told_find(told, f->to.channel);
    if (c == NULL || t == NULL || !view_shows(m->view, c->place))
        return NULL;
    return news_since(f, t->seq);
}

/* What happened since is told afterwards, so the number of the server is still that of the state.
 */
static void correct_what_was_told(struct membership *m, const struct told *told)
{
    const struct layout *l = m->server->layout;
    for (size_t i = 0; i < told->channel_count; i++)
        if (!view_shows(m->view, layout_find(l, told->channels[i].id)))
            tell_lost(m, told->channels[i].id, told->seq);
    for (size_t i = 0; i < l->channel_count; i++)
        if (view_shows(m->view, (int)i) && told_find(told, l->channels[i].id) == NULL)
            tell_gained(m, i, told->seq);
}

bool member_may_go_live(const struct membership *m, const struct told *told)
{
    if (told->seq < m->server->born)
        return false;
    for (size_t i = 0; i < told->channel_count; i++) {
        const struct channel *c = map_get(&m->server->channels, told->channels[i].id);
        if (c != NULL && told->channels[i].seq < c->born)
            return false;
    }
    return true;
}

void member_go_live(struct membership *m, const struct told *told)
{
    struct server *s = m->server;
    member_set_roles(m, told->roles, told->role_count, told->seq);
    unlink_from(m);
    enter_view(m);
    correct_what_was_told(m, told);
    for (size_t i = 0; i < told->channel_count; i++) {
        const struct channel *c = map_get(&s->channels, told->channels[i].id);
        if (c != NULL)
            cover(m, c->id, told->channels[i].seq, c->seq);
    }
    cover(m, s->id, told->seq, s->seq);
    for (uint32_t i = m->tape_from; i < s->tape.count; i++) {
        struct frame *news = news_of(m, told, frames_at(&s->tape, i));
        if (news != NULL)
            session_send(m->session, news);
    }
    if (s->pending == NULL)
        frames_clear(&s->tape);
}
