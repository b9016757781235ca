/* SPDX-License-Identifier: MIT
 *
 * The state machine and the outgoing side. Appending marks a session dirty; once per turn each
 * dirty one is written, closed or freed. */

#include "gateway/session.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/entry.h"
#include "gateway/feed.h"
#include "gateway/gateway.h"
#include "gateway/intents.h"
#include "gateway/presence.h"
#include "gateway/server.h"
#include "gateway/socket.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/rand.h"
#include "shared/base/str.h"
#include "shared/service/metrics.h"

enum { IDENTIFY_MS = 60 * 1000, IDLE_MS = 90 * 1000 };

static const struct {
    int code;
    const char *text;
} closes[] = {
#define OP(name, fn, states, text)
#define CLOSE(name, code, can_resume, text) {code, text},
#include "gateway/protocol.def"
#undef OP
#undef CLOSE
};

int close_code(enum close_reason r)
{
    return closes[r].code;
}

const char *close_text(enum close_reason r)
{
    return closes[r].text;
}

static uint64_t key_of(const struct session *s)
{
    uint64_t key;
    memcpy(&key, s->id, sizeof(key));
    return key;
}

static void mark_dirty(struct session *s)
{
    if (s->is_dirty)
        return;
    s->is_dirty = true;
    s->next_dirty = s->loop->dirty;
    s->loop->dirty = s;
}

static void on_timer(struct timer *t, void *arg)
{
    (void)t;
    session_close(arg, CLOSE_TIMED_OUT);
}

struct session *session_new(struct loop *l, struct socket *socket, const char *ip,
                            const char *agent)
{
    static const char hello[] =
        "{\"op\":\"hello\",\"d\":{\"heartbeat_interval\":30000,\"protocol\":1}}";
    struct session *s = heap_alloc(sizeof(*s));
    uint8_t key[SESSION_KEY_BYTES];
    rand_bytes(key, sizeof(key));
    base64url_encode(key, sizeof(key), s->id);
    s->loop = l;
    s->serial = ++l->serials;
    s->socket = socket;
    s->ip = heap_strdup(ip);
    s->agent = heap_strdup(agent);
    s->intents = INTENTS_ALL;
    map_put(&l->sessions, s->serial, s);
    map_put(&l->by_key, key_of(s), s);
    session_state(s, SESSION_AWAITING);
    session_send_json(s, FRAME_ANSWER, hello, sizeof(hello) - 1);
    return s;
}

void session_state(struct session *s, enum session_state to)
{
    struct loop *l = s->loop;
    /* Final: who overflowed while it was let in has missed something. */
    if (s->state == SESSION_CLOSING)
        return;
    presence_follow(s, to);
    s->state = to;
    switch (to) {
    case SESSION_AWAITING:
        loop_later(l, &s->timer, IDENTIFY_MS, on_timer, s);
        break;
    case SESSION_IDENTIFYING:
        break;
    case SESSION_ACTIVE:
        loop_later(l, &s->timer, IDLE_MS, on_timer, s);
        break;
    case SESSION_DETACHED:
        loop_later(l, &s->timer, l->gateway->settings->resume_window_s * 1000, on_timer, s);
        break;
    case SESSION_CLOSING:
        timer_cancel(&s->timer);
        mark_dirty(s);
        break;
    }
}

void session_close(struct session *s, enum close_reason why)
{
    if (s->state == SESSION_CLOSING)
        return;
    s->reason = why;
    session_state(s, SESSION_CLOSING);
}

void session_lost_socket(struct session *s, bool has_said_goodbye)
{
    s->socket = NULL;
    if (s->state == SESSION_ACTIVE && !has_said_goodbye)
        session_state(s, SESSION_DETACHED);
    else
        session_close(s, CLOSE_NORMAL);
}

void session_hand_over(struct session *s, struct session *to)
{
    if (to->socket != NULL)
        socket_close(to->socket, CLOSE_UNKNOWN_ERROR);
    to->socket = s->socket;
    s->socket = NULL;
    socket_attach(to->socket, to);
    session_close(s, CLOSE_NORMAL);
}

void session_tell(struct session *s, struct frame *f)
{
    if (s->state == SESSION_CLOSING)
        return;
    if (!replay_add(&s->out, f, (uint32_t)s->loop->gateway->settings->ring_frames)) {
        metric_add(METRIC_sockets_slow_total, 0, 0, s->socket != NULL);
        session_close(s, CLOSE_UNKNOWN_ERROR);
        return;
    }
    if (s->socket != NULL)
        mark_dirty(s);
}

void session_send(struct session *s, struct frame *f)
{
    if (intents_want(s->intents, f->type))
        session_tell(s, f);
}

void session_send_json(struct session *s, enum frame_kind kind, const char *json, size_t len)
{
    struct frame *f = frame_text(kind, json, len);
    session_send(s, f);
    frame_unref(f);
}

struct membership *session_membership(const struct session *s, snowflake server)
{
    struct membership *m = s->memberships;
    while (m != NULL && m->server->id != server)
        m = m->next;
    return m;
}

void session_join(struct session *s, snowflake server)
{
    if (session_membership(s, server) == NULL && s->state != SESSION_CLOSING)
        entry_join(s, server);
}

static void drop(struct session *s, struct membership *m)
{
    struct membership **at = &s->memberships;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    member_free(m);
}

void session_leave(struct session *s, struct membership *m)
{
    drop(s, m);
    if (s->entry != NULL)
        entry_disturb(s);
}

void session_leave_all(struct session *s)
{
    while (s->memberships != NULL)
        drop(s, s->memberships);
}

void session_reset(struct session *s)
{
    static const char invalid[] = "{\"op\":\"invalid_session\",\"d\":{\"resumable\":false}}";
    metric_add(METRIC_resets_total, 0, 0, 1);
    session_leave_all(s);
    feed_leave(s);
    entry_free(s->entry);
    s->entry = NULL;
    if (s->state == SESSION_CLOSING)
        return;
    if (s->socket == NULL) {
        session_close(s, CLOSE_UNKNOWN_ERROR);
        return;
    }
    session_state(s, SESSION_AWAITING);
    session_send_json(s, FRAME_ANSWER, invalid, sizeof(invalid) - 1);
}

bool session_heard(struct session *s)
{
    const struct rate *rate = &s->loop->gateway->settings->ws_events;
    if (s->state == SESSION_ACTIVE)
        loop_later(s->loop, &s->timer, IDLE_MS, on_timer, s);
    if (rate->count == 0)
        return true;
    int64_t now = mono_us();
    if (now - s->window_us >= rate->seconds * 1000000) {
        s->window_us = now;
        s->window_frames = 0;
    }
    return ++s->window_frames <= rate->count;
}

bool session_is_flooding(const struct session *s)
{
    const struct rate *rate = &s->loop->gateway->settings->ws_events;
    return rate->count > 0 && s->window_frames > 2 * rate->count;
}

static void session_free(struct session *s)
{
    struct loop *l = s->loop;
    session_leave_all(s);
    feed_leave(s);
    entry_free(s->entry);
    if (s->socket != NULL)
        socket_close(s->socket, s->reason);
    map_del(&l->sessions, s->serial);
    map_del(&l->by_key, key_of(s));
    timer_cancel(&s->timer);
    replay_done(&s->out);
    free(s->ip);
    free(s->agent);
    free(s);
}

void session_flush_dirty(struct loop *l)
{
    struct session *s;
    while ((s = l->dirty) != NULL) {
        l->dirty = s->next_dirty;
        /* Still marked meanwhile: a write that fails must not put it into the list again. */
        if (s->socket != NULL)
            socket_write(s->socket, s);
        s->is_dirty = false;
        if (s->state == SESSION_CLOSING)
            session_free(s);
    }
}

void session_resume_writing(struct session *s)
{
    if (s->socket != NULL)
        mark_dirty(s);
}

void sessions_close(struct loop *l, snowflake login, enum close_reason why)
{
    void *session;
    for (size_t at = 0; map_next(&l->sessions, &at, NULL, &session);) {
        struct session *s = session;
        if (login == 0 || (s->state != SESSION_AWAITING && s->who.session == login))
            session_close(s, why);
    }
}
