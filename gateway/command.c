/* SPDX-License-Identifier: MIT
 *
 * A command is found in a table, then does one thing. The body of a request is never parsed here:
 * its bytes go to the service, and of its members only those that the route's path names are looked
 * up, because they say where the service shall do its work. */

#include "gateway/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/call.h"
#include "gateway/entry.h"
#include "gateway/gateway.h"
#include "gateway/intents.h"
#include "gateway/routes.h"
#include "gateway/scan.h"
#include "gateway/session.h"
#include "shared/base/arena.h"
#include "shared/base/buf.h"
#include "shared/base/heap.h"
#include "shared/base/str.h"
#include "shared/domain/limit.h"

enum { ID_MAX = 64, RUNNING_MAX = 64, TRACE_SIZE = 48 };
#define ID_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

/* The members any op may have. */
enum member { M_OP, M_D, M_ID, M_T, M_KEY, M_RECEIVED, M_COUNT };
static const char *const member_names[M_COUNT] = {"op", "d", "id", "t", "key", "received"};

struct command {
    struct session *session;
    struct span members[M_COUNT];
    bool is_over_rate;
};

/* ---- identify, resume, heartbeat ---- */

/* What it does not say it wants, it wants. */
static bool take_intents(struct session *s, struct span list)
{
    s->intents = INTENTS_ALL;
    if (list.at == NULL || intents_read(list, &s->intents))
        return true;
    session_close(s, CLOSE_BAD_INTENTS);
    return false;
}

static void op_identify(const struct command *c)
{
    static const char *const names[] = {"token", "intents"};
    struct span values[2];
    struct span token;
    if (!scan_members(c->members[M_D], names, values, 2) || !scan_plain(values[0], &token))
        session_close(c->session, CLOSE_AUTH_FAILED);
    else if (take_intents(c->session, values[1]))
        entry_identify(c->session, token, false);
}

static void op_resume(const struct command *c)
{
    static const char *const names[] = {"token", "session_id", "received", "cursors", "intents"};
    struct span values[5];
    struct resume r = {0};
    if (!scan_members(c->members[M_D], names, values, 5) || !scan_plain(values[0], &r.token)) {
        session_close(c->session, CLOSE_AUTH_FAILED);
        return;
    }
    (void)!scan_plain(values[1], &r.session_id);
    (void)!scan_uint(values[2], &r.received);
    r.cursors = values[3];
    if (take_intents(c->session, values[4]))
        entry_resume(c->session, &r);
}

static void op_heartbeat(const struct command *c)
{
    static const char ack[] = "{\"op\":\"heartbeat_ack\"}";
    uint64_t received;
    if (scan_uint(c->members[M_RECEIVED], &received) &&
        !replay_received(&c->session->out, received)) {
        session_close(c->session, CLOSE_BAD_COUNT);
        return;
    }
    session_send_json(c->session, FRAME_ANSWER, ack, sizeof(ack) - 1);
}

/* ---- request ---- */

/* A request under way. What the call points to lives in its arena. */
struct request {
    struct post post;
    struct loop *loop;
    uint64_t session;
    struct arena arena;
    struct identity who;
    struct answer answer;
    struct span id; /* as the client wrote it */
};

static void send_response(struct session *s, struct span id, const struct answer *a)
{
    auto_buf struct buf out = {0};
    buf_adds(&out, "{\"op\":\"response\",\"id\":");
    buf_add(&out, id.at, id.len);
    buf_printf(&out, ",\"status\":%d,\"d\":", a->status);
    if (a->len > 0)
        buf_add(&out, a->body, a->len);
    else
        buf_adds(&out, "null");
    buf_addc(&out, '}');
    session_send_json(s, FRAME_ANSWER, out.data, out.len);
}

static void decline(struct session *s, struct span id, enum err e, const char *field)
{
    struct answer a = {.retry_after_ms = e == ERR_RATE_LIMITED ? 1000 : 0};
    answer_fail(&a, e, field, field != NULL ? "is not understood" : NULL);
    send_response(s, id, &a);
    answer_done(&a);
}

static void on_loop(struct loop *l, struct post *p)
{
    struct request *r = CONTAINER_OF(p, struct request, post);
    struct session *s = map_get(&l->sessions, r->session);
    if (s != NULL) {
        s->running--;
        send_response(s, r->id, &r->answer);
    }
    answer_done(&r->answer);
    arena_release(&r->arena);
    free(r);
    loop_ask_ends(l);
}

static void on_answer(void *arg, struct answer *a)
{
    struct request *r = arg;
    r->answer = *a;
    *a = (struct answer){0};
    loop_post(r->loop, &r->post);
}

/* {"channel_id":"77"} for "/channels/{channel_id}/messages", as REST would send it. */
static const char *params_of(struct arena *arena, const char *path, struct span d)
{
    auto_buf struct buf out = {0};
    for (const char *open = strchr(path, '{'); open != NULL; open = strchr(open + 1, '{')) {
        const char *end = strchr(open, '}');
        const char *name = arena_strndup(arena, open + 1, (size_t)(end - open - 1));
        struct span value, text;
        if (!scan_member(d, name, &value) || !scan_plain(value, &text))
            continue;
        buf_printf(&out, "%s\"%s\":", out.len == 0 ? "{" : ",", name);
        buf_json_str(&out, text.at, text.len);
    }
    if (out.len == 0)
        return NULL;
    buf_addc(&out, '}');
    return arena_strndup(arena, out.data, out.len);
}

static const char *text_of(struct arena *arena, struct span value)
{
    struct span text;
    return scan_plain(value, &text) ? arena_strndup(arena, text.at, text.len) : NULL;
}

static void start(struct session *s, const struct route *route, const struct command *c)
{
    struct request *r = heap_alloc(sizeof(*r));
    struct span d = c->members[M_D];
    struct span id = c->members[M_ID];
    r->post.run = on_loop;
    r->loop = s->loop;
    r->session = s->serial;
    r->who = s->who;
    r->id = (struct span){arena_strndup(&r->arena, id.at, id.len), id.len};
    s->running++;
    loop_ask_begins(s->loop);
    call_start(s->loop->gateway,
               &(struct call){.route = route,
                              .who = &r->who,
                              .app = s->who.app,
                              .ip = arena_strdup(&r->arena, s->ip),
                              .agent = arena_strdup(&r->arena, s->agent),
                              .request_id = arena_printf(&r->arena, "%s-%llu", s->id,
                                                         (unsigned long long)++s->requests),
                              .key = text_of(&r->arena, c->members[M_KEY]),
                              .params = d.at != NULL ? params_of(&r->arena, route->path, d) : NULL,
                              .body = d.at != NULL ? arena_strndup(&r->arena, d.at, d.len) : "",
                              .body_len = d.len},
               on_answer, r);
}

/* It is sent back as it came, so it must be harmless: a number that every JSON reader keeps whole
 * (RFC 8259, section 6), or plain text in quotes. */
static bool is_id(struct span id)
{
    uint64_t number;
    struct span text;
    if (id.at == NULL || id.len > ID_MAX)
        return false;
    if (scan_uint(id, &number))
        return number <= ID_NUMBER_MAX;
    if (!scan_plain(id, &text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    return true;
}

static void op_request(const struct command *c)
{
    struct session *s = c->session;
    struct span name;
    struct span id = c->members[M_ID];
    if (!is_id(id)) {
        session_close(s, CLOSE_BAD_FRAME);
        return;
    }
    if (c->is_over_rate || s->running >= RUNNING_MAX) {
        decline(s, id, ERR_RATE_LIMITED, NULL);
        return;
    }
    const struct route *route = NULL;
    if (scan_plain(c->members[M_T], &name))
        route = route_by_name(name.at, name.len);
    if (route == NULL || route->mode == MODE_RAW)
        decline(s, id, ERR_UNKNOWN_ROUTE, NULL);
    else
        start(s, route, c);
}

/* ---- the table ---- */

enum {
    IN_AWAITING = 1 << SESSION_AWAITING,
    IN_ACTIVE = 1 << SESSION_ACTIVE,
    IN_ANY = IN_AWAITING | IN_ACTIVE | 1 << SESSION_IDENTIFYING,
};

static const struct {
    const char *name;
    void (*run)(const struct command *c);
    unsigned states;
} ops[] = {
#define OP(name, fn, states, text) {#name, fn, IN_##states},
#define CLOSE(name, code, can_resume, text)
#include "gateway/protocol.def"
#undef OP
#undef CLOSE
};

static void run(const struct command *c)
{
    struct span name;
    struct session *s = c->session;
    if (!scan_plain(c->members[M_OP], &name)) {
        session_close(s, CLOSE_BAD_FRAME);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (!span_is(name, ops[i].name))
            continue;
        if ((ops[i].states >> s->state & 1) != 0)
            ops[i].run(c);
        else
            session_close(s, s->state == SESSION_ACTIVE ? CLOSE_IDENTIFIED : CLOSE_NOT_IDENTIFIED);
        return;
    }
    session_close(s, CLOSE_UNKNOWN_OP);
}

void command_receive(struct session *s, const char *text, size_t len)
{
    struct command c = {.session = s, .is_over_rate = !session_heard(s)};
    if (!utf8_valid(text, len))
        session_close(s, CLOSE_BAD_UTF8);
    else if (c.is_over_rate && session_is_flooding(s))
        session_close(s, CLOSE_RATE_LIMITED);
    else if (!scan_members((struct span){text, len}, member_names, c.members, M_COUNT))
        session_close(s, CLOSE_BAD_FRAME);
    else
        run(&c);
}
