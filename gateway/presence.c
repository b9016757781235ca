/* SPDX-License-Identifier: MIT
 *
 * rpc.presence.session.beat on nobody's behalf with
 * {"sessions":[{"session_id","user_id","app_id"}]} opens what presence does not know, so it also
 * says who is new: those who came within a moment, in few messages. rpc.presence.session.close has
 * {"session_id"}, and is said later than any beginning of the same moment, here or at another
 * gateway: who changes devices is not gone in between.
 */

#include "gateway/presence.h"

#include <stdio.h>

#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "gateway/session.h"
#include "shared/base/buf.h"
#include "shared/wire/bus.h"

enum {
    BEAT_MS = 20 * 1000,
    BEAT_SESSIONS = 500,
    WELCOME_MS = 30,
    NEW_SESSIONS = 16,
    GOODBYE_MS = 250, /* long after a welcome has arrived */
};

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    (void)arg, (void)e;
    bus_msg_free(msg);
}

static void tell_end(const struct loop *l, const char *id)
{
    char json[64];
    snprintf(json, sizeof(json), "{\"session_id\":\"%s\"}", id);
    ask_start(l->gateway->bus, "rpc.presence.session.close", json, on_answer, NULL);
}

static void tell_gone(struct loop *l)
{
    for (size_t at = 0; at < l->gone.len; at += SESSION_ID_SIZE)
        tell_end(l, (const char *)l->gone.data + at);
    buf_done(&l->gone);
}

static void on_gone(struct timer *t, void *arg)
{
    (void)t;
    tell_gone(arg);
}

/* A loop that no longer beats is being taken down and will not come by later. */
static void close_soon(const struct session *s)
{
    struct loop *l = s->loop;
    buf_add(&l->gone, s->id, SESSION_ID_SIZE);
    if (!timer_is_set(&l->beat))
        tell_gone(l);
    else if (!timer_is_set(&l->goodbye))
        loop_soon(l, &l->goodbye, GOODBYE_MS, on_gone, l);
}

static void send_beat(struct loop *l, struct buf *json)
{
    buf_adds(json, "]}");
    ask_start(l->gateway->bus, "rpc.presence.session.beat", buf_str(json), on_answer, NULL);
    buf_reset(json);
}

static void add_session(struct buf *json, const struct session *s)
{
    buf_printf(json, "%s{\"session_id\":\"%s\",\"user_id\":\"%llu\",\"app_id\":\"%llu\"}",
               json->len == 0 ? "{\"sessions\":[" : ",", s->id, (unsigned long long)s->who.user,
               (unsigned long long)s->who.app);
}

/* Between two identities it is neither's. */
static bool is_shown(const struct session *s)
{
    return s->shown_as != 0 && s->shown_as == s->who.user;
}

/* Those who came since the last time, in small messages: each is work for presence. */
static void on_new(struct timer *t, void *arg)
{
    (void)t;
    struct loop *l = arg;
    const uint64_t *serials = (const uint64_t *)(const void *)l->fresh.data;
    auto_buf struct buf json = {0};
    size_t count = 0;
    for (size_t i = 0; i < l->fresh.len / sizeof(serials[0]); i++) {
        const struct session *s = map_get(&l->sessions, serials[i]);
        if (s == NULL || !is_shown(s))
            continue;
        add_session(&json, s);
        if (++count % NEW_SESSIONS == 0)
            send_beat(l, &json);
    }
    if (json.len > 0)
        send_beat(l, &json);
    buf_done(&l->fresh);
}

static void open_soon(const struct session *s)
{
    struct loop *l = s->loop;
    buf_add(&l->fresh, &s->serial, sizeof(s->serial));
    if (!timer_is_set(&l->welcome))
        loop_soon(l, &l->welcome, WELCOME_MS, on_new, l);
}

/* Closed by us and not by them: they come back at once, as another session, here or elsewhere. This
 * one ends at presence by itself, for want of beats. */
static bool will_be_back(const struct session *s)
{
    return s->reason == CLOSE_RESTART || s->reason == CLOSE_UNKNOWN_ERROR;
}

/* One that has to begin anew stays who it was until it says that it is somebody else. */
void presence_follow(struct session *s, enum session_state to)
{
    switch (to) {
    case SESSION_ACTIVE:
        if (is_shown(s))
            break;
        if (s->shown_as != 0)
            tell_end(s->loop, s->id);
        s->shown_as = s->who.user;
        open_soon(s);
        break;
    case SESSION_CLOSING:
        if (s->shown_as != 0 && !will_be_back(s))
            close_soon(s);
        s->shown_as = 0;
        break;
    case SESSION_AWAITING:
    case SESSION_IDENTIFYING:
    case SESSION_DETACHED:
        break;
    }
}

/* Everybody, in large ones. */
static void on_beat(struct timer *t, void *arg)
{
    (void)t;
    struct loop *l = arg;
    auto_buf struct buf json = {0};
    size_t count = 0;
    void *session;
    for (size_t at = 0; map_next(&l->sessions, &at, NULL, &session);) {
        const struct session *s = session;
        if (!is_shown(s))
            continue;
        add_session(&json, s);
        if (++count % BEAT_SESSIONS == 0)
            send_beat(l, &json);
    }
    if (json.len > 0)
        send_beat(l, &json);
    presence_beat_start(l);
}

void presence_beat_start(struct loop *l)
{
    loop_later(l, &l->beat, BEAT_MS, on_beat, l);
}

void presence_beat_stop(struct loop *l)
{
    timer_cancel(&l->beat);
    timer_cancel(&l->welcome);
    timer_cancel(&l->goodbye);
    buf_done(&l->fresh);
    tell_gone(l);
}
