/* SPDX-License-Identifier: MIT
 *
 * rpc.presence.session.beat on nobody's behalf with
 * {"sessions":[{"session_id","user_id","app_id"}]} opens what presence does not know, so it also
 * says who is new: those who came within a moment, in few messages. rpc.presence.session.close has
 * the session's user as the actor and {"session_id"}.
 */

#include "gateway/presence.h"

#include <stdio.h>

#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "gateway/session.h"
#include "shared/base/buf.h"
#include "shared/wire/bus.h"

enum { BEAT_MS = 20 * 1000, BEAT_SESSIONS = 500, WELCOME_MS = 30, NEW_SESSIONS = 16 };

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    (void)arg, (void)e;
    natsMsg_Destroy(msg);
}

void presence_close(const struct session *s)
{
    struct caller who = {.user = s->who.user,
                         .app = s->who.app,
                         .session = s->who.session,
                         .is_admin = s->who.is_admin,
                         .is_bot = s->who.is_bot,
                         .request_id = s->id};
    char json[64];
    snprintf(json, sizeof(json), "{\"session_id\":\"%s\"}", s->id);
    struct ask_out out = {"rpc.presence.session.close", json};
    ask_start_as(s->loop->gateway->bus, &who, &out, on_answer, NULL);
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

/* The new ones, which are work for presence, in small messages; else everybody, in large ones. */
static void beat(struct loop *l, bool only_new)
{
    auto_buf struct buf json = {0};
    size_t count = 0;
    void *session;
    for (size_t at = 0; map_next(&l->sessions, &at, NULL, &session);) {
        struct session *s = session;
        if (s->state != SESSION_ACTIVE || (only_new && s->is_beating))
            continue;
        s->is_beating = true;
        add_session(&json, s);
        if (++count % (only_new ? NEW_SESSIONS : BEAT_SESSIONS) == 0)
            send_beat(l, &json);
    }
    if (json.len > 0)
        send_beat(l, &json);
}

static void on_new(struct timer *t, void *arg)
{
    (void)t;
    beat(arg, true);
}

void presence_open(struct session *s)
{
    struct loop *l = s->loop;
    s->is_beating = false;
    if (!timer_is_set(&l->welcome))
        loop_soon(l, &l->welcome, WELCOME_MS, on_new, l);
}

static void on_beat(struct timer *t, void *arg)
{
    (void)t;
    beat(arg, false);
    presence_beat_start(arg);
}

void presence_beat_start(struct loop *l)
{
    loop_later(l, &l->beat, BEAT_MS, on_beat, l);
}

void presence_beat_stop(struct loop *l)
{
    timer_cancel(&l->beat);
    timer_cancel(&l->welcome);
}
