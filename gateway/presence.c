/* SPDX-License-Identifier: MIT
 *
 * rpc.presence.session.open and .close with the session's user as the actor and {"session_id"};
 * .beat on nobody's behalf with {"sessions":[{"session_id","user_id","app_id"}]}, which also opens
 * what presence does not know. */

#include "gateway/presence.h"

#include <stdio.h>

#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "gateway/session.h"
#include "shared/base/buf.h"
#include "shared/wire/bus.h"

enum { BEAT_MS = 20 * 1000, BEAT_SESSIONS = 500 };

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    (void)arg, (void)e;
    natsMsg_Destroy(msg);
}

static void tell(const struct session *s, const char *subject)
{
    struct caller who = {.user = s->who.user,
                         .app = s->who.app,
                         .session = s->who.session,
                         .is_admin = s->who.is_admin,
                         .is_bot = s->who.is_bot,
                         .request_id = s->id};
    char json[64];
    snprintf(json, sizeof(json), "{\"session_id\":\"%s\"}", s->id);
    ask_start_as(s->loop->gateway->bus, &who, &(struct ask_out){subject, json}, on_answer, NULL);
}

void presence_open(const struct session *s)
{
    tell(s, "rpc.presence.session.open");
}

void presence_close(const struct session *s)
{
    tell(s, "rpc.presence.session.close");
}

static void send_beat(struct loop *l, struct buf *json)
{
    buf_adds(json, "]}");
    ask_start(l->gateway->bus, "rpc.presence.session.beat", buf_str(json), on_answer, NULL);
    buf_reset(json);
}

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
        buf_printf(&json, "%s{\"session_id\":\"%s\",\"user_id\":\"%llu\",\"app_id\":\"%llu\"}",
                   json.len == 0 ? "{\"sessions\":[" : ",", s->id, (unsigned long long)s->who.user,
                   (unsigned long long)s->who.app);
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
}
