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
        if (s == NULL || s->state != SESSION_ACTIVE)
            continue;
        add_session(&json, s);
        if (++count % NEW_SESSIONS == 0)
            send_beat(l, &json);
    }
    if (json.len > 0)
        send_beat(l, &json);
    buf_done(&l->fresh);
}

void presence_open(const struct session *s)
{
    struct loop *l = s->loop;
    buf_add(&l->fresh, &s->serial, sizeof(s->serial));
    if (!timer_is_set(&l->welcome))
        loop_soon(l, &l->welcome, WELCOME_MS, on_new, l);
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
        if (s->state != SESSION_ACTIVE)
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
    buf_done(&l->fresh);
}
