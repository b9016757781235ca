/* SPDX-License-Identifier: MIT
 *
 * The steps, each begun by the end of the one before: whose token is it; subscribe to the user and
 * wait until the bus has it; the state; attach to the servers it names; every server's layout at
 * least as new as the state; on a resume what the client misses; then all of it at once, in one
 * turn of the loop. Attaching comes after asking, so it only counts where the loop had not gone
 * beyond what the answer says; elsewhere the state is asked for once more. */

#include "gateway/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/catchup.h"
#include "gateway/cursors.h"
#include "gateway/fanout.h"
#include "gateway/feed.h"
#include "gateway/gateway.h"
#include "gateway/query.h"
#include "gateway/server.h"
#include "gateway/state.h"
#include "shared/base/buf.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/service/metrics.h"

enum entry_kind { ENTRY_IDENTIFY, ENTRY_RESUME, ENTRY_JOIN };

/* STATES_AT_ONCE keeps all workers of messaging busy and leaves room for other questions. */
enum { HELD_MAX = 4096, STATES_AT_ONCE = 32 };

struct entry {
    enum entry_kind kind;
    uint64_t serial;   /* an answer to an earlier entry of the session is not for this one */
    unsigned asking;   /* answers and flushes under way */
    unsigned backlogs; /* it waits for */
    bool is_stale;     /* what is being asked will not be enough */
    char *user;        /* the account's JSON */
    struct state *state;
    struct frames held; /* events of the user meanwhile */
    struct cursors cursors;
    char resume_id[SESSION_ID_SIZE]; /* ENTRY_RESUME until the credential is known */
    uint64_t received;
};

static void gather(struct session *s);

void entry_free(struct entry *e)
{
    if (e == NULL)
        return;
    free(e->user);
    state_free(e->state);
    frames_clear(&e->held);
    cursors_done(&e->cursors);
    free(e);
}

bool entry_is_first(const struct entry *e)
{
    return e->kind != ENTRY_JOIN;
}

void entry_hold(struct session *s, struct frame *f)
{
    if (s->entry->held.count == HELD_MAX)
        session_close(s, CLOSE_UNKNOWN_ERROR);
    else
        frames_push(&s->entry->held, f);
}

/* ---- questions on behalf of the session's user ---- */

static struct asker asker_of(const struct session *s)
{
    return (struct asker){s->serial, s->entry->serial};
}

/* If it still waits for the answer, which is then counted as arrived. */
static struct session *answered(struct loop *l, struct asker who)
{
    struct session *s = map_get(&l->sessions, who.session);
    if (s == NULL || s->state == SESSION_CLOSING || s->entry == NULL ||
        s->entry->serial != who.entry)
        return NULL;
    s->entry->asking--;
    return s;
}

static void ask(struct session *s, const char *subject, query_parse_fn *parse, query_done_fn *done)
{
    struct caller who = {.user = s->who.user,
                         .app = s->who.app,
                         .session = s->who.session,
                         .is_admin = s->who.is_admin,
                         .is_bot = s->who.is_bot,
                         .ip = s->ip,
                         .agent = s->agent,
                         .request_id = s->id};
    s->entry->asking++;
    query_start(s->loop, &(struct query){.who = &who,
                                         .subject = subject,
                                         .json = "{}",
                                         .parse = parse,
                                         .done = done,
                                         .session = s->serial,
                                         .entry = s->entry->serial});
}

/* A state that cannot be had: the client tries again, or lives on without what it joined. */
static void give_up(struct session *s, enum err e)
{
    LOG(WARN, "entry.failed", KV("user_id", s->who.user), KV("err", err_name(e)));
    if (s->entry->kind == ENTRY_JOIN)
        session_reset(s);
    else
        session_close(s, e == ERR_UNAUTHORIZED ? CLOSE_AUTH_FAILED : CLOSE_TRY_LATER);
}

/* ---- telling it ---- */

static void send_event(struct session *s, enum event_id id, const struct told *told)
{
    struct frame *f =
        frame_event(&event_types[id], (struct event_to){0}, told->json.at, told->json.len);
    session_send(s, f);
    frame_unref(f);
}

static void begin_document(const struct session *s, const char *op, struct buf *out)
{
    const char *url = s->loop->gateway->settings->public_url;
    buf_printf(out, "{\"op\":\"%s\",\"d\":{\"session_id\":\"%s\",\"resume_url\":", op, s->id);
    auto_buf struct buf text = {0};
    buf_printf(&text, "ws%s/ws?loop=%u", strncmp(url, "http", 4) == 0 ? url + 4 : "",
               s->loop->index);
    buf_json_str(out, text.data, text.len);
}

static void send_ready(struct session *s)
{
    auto_buf struct buf out = {0};
    struct span json = s->entry->state->json;
    begin_document(s, "ready", &out);
    buf_printf(&out, ",\"user\":%s", s->entry->user);
    /* The rest is what messaging said, without its opening brace and with a closing one more. */
    buf_addc(&out, ',');
    const char *inside = memchr(json.at, '{', json.len);
    buf_add(&out, inside + 1, json.len - (size_t)(inside + 1 - json.at));
    buf_addc(&out, '}');
    session_send_json(s, FRAME_STATE, out.data, out.len);
}

static void send_resumed(struct session *s, size_t replayed)
{
    auto_buf struct buf out = {0};
    struct span reads = s->entry->state->read_states;
    begin_document(s, "resumed", &out);
    buf_printf(&out, ",\"replayed\":%zu,\"read_states\":", replayed);
    if (reads.at != NULL)
        buf_add(&out, reads.at, reads.len);
    else
        buf_adds(&out, "[]");
    buf_adds(&out, "}}");
    session_send_json(s, FRAME_STATE, out.data, out.len);
}

/* ---- a resume by cursors ---- */

/* What was sent in one turn waits in the session's ring, however quickly the client reads. */
static bool fits_ring(const struct session *s, const struct frames *missing)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < missing->count; i++)
        bytes += frames_at(missing, i)->len;
    return bytes <= REPLAY_BYTES && missing->count < s->loop->gateway->settings->ring_frames;
}

/* False: it was too much, and the client begins anew. */
static bool replay_missing(struct session *s)
{
    struct frames missing = {0};
    catchup_collect(s, s->entry->state, &s->entry->cursors, &missing);
    bool is_fitting = fits_ring(s, &missing);
    if (is_fitting) {
        send_resumed(s, missing.count);
        metric_add(METRIC_resumes_total, 0, 0, 1);
    }
    for (uint32_t i = 0; i < missing.count && is_fitting; i++)
        session_tell(s, frames_at(&missing, i));
    frames_clear(&missing);
    if (!is_fitting)
        session_reset(s);
    return is_fitting;
}

/* ---- all at once ---- */

/* Numbered events of the user up to the state's number are in the state. */
static void tell_held(struct session *s, const struct entry *e)
{
    for (uint32_t i = 0; i < e->held.count; i++) {
        struct frame *f = frames_at(&e->held, i);
        if (f->to.seq == 0 || f->to.seq > e->state->user_seq)
            feed_event(s, f);
    }
}

static void go_live(struct session *s)
{
    struct entry *e = s->entry;
    bool is_join = e->kind == ENTRY_JOIN;
    if (e->kind == ENTRY_IDENTIFY)
        send_ready(s);
    else if (e->kind == ENTRY_RESUME && !replay_missing(s))
        return;
    s->entry = NULL;
    for (struct membership *m = s->memberships, *next; m != NULL; m = next) {
        next = m->next;
        if (m->view != NULL)
            continue;
        const struct told *told = state_find(e->state, m->server->id);
        if (told == NULL) {
            session_leave(s, m);
            continue;
        }
        if (is_join)
            send_event(s, EV_SERVER_CREATE, told);
        member_go_live(m, told);
    }
    if (!is_join) {
        session_state(s, SESSION_ACTIVE);
        feed_told(s->feed, e->state->user_seq);
    }
    tell_held(s, e);
    entry_free(e);
}

/* The loop knows the server and has not passed on more of it than was told: who attaches now and
 * starts from what was told misses nothing. */
static bool is_current(const struct session *s, const struct told *told)
{
    const struct server *server = server_find(s->loop, told->server);
    if (server == NULL || server->layout == NULL || server->seq > told->seq)
        return false;
    for (size_t i = 0; i < told->channel_count; i++) {
        const struct channel *c = map_get(&server->channels, told->channels[i].id);
        if (c == NULL || c->seq > told->channels[i].seq)
            return false;
    }
    return true;
}

/* A server that the state has and the session does not. */
static bool has_strangers(const struct session *s)
{
    for (size_t i = 0; i < s->entry->state->count; i++)
        if (session_membership(s, s->entry->state->servers[i].server) == NULL)
            return true;
    return false;
}

/* False: one of them has gone on since the state was made, which then has to be made again. */
static bool attach_strangers(struct session *s)
{
    bool all_current = true;
    for (size_t i = 0; i < s->entry->state->count; i++) {
        const struct told *told = &s->entry->state->servers[i];
        if (session_membership(s, told->server) != NULL)
            continue;
        all_current = all_current && is_current(s, told);
        (void)member_new(server_get(s->loop, s->who.app, told->server), s);
    }
    return all_current;
}

static bool layouts_are_there(const struct session *s)
{
    bool all = true;
    for (const struct membership *m = s->memberships; m != NULL; m = m->next) {
        const struct told *told = state_find(s->entry->state, m->server->id);
        if (m->view == NULL && told != NULL && !server_is_at(m->server, told->seq))
            all = false;
    }
    return all;
}

/* A layout that was read after the state may have begun later than it. */
static bool is_outdated(const struct session *s)
{
    for (const struct membership *m = s->memberships; m != NULL; m = m->next) {
        const struct told *told = state_find(s->entry->state, m->server->id);
        if (m->view == NULL && told != NULL && !member_may_go_live(m, told))
            return true;
    }
    return false;
}

void entry_advance(struct session *s)
{
    struct entry *e = s->entry;
    if (e == NULL || e->asking > 0 || e->state == NULL || s->state == SESSION_CLOSING)
        return;
    if (e->is_stale || (has_strangers(s) && !attach_strangers(s))) {
        gather(s);
        return;
    }
    if (!layouts_are_there(s))
        return;
    if (is_outdated(s)) {
        gather(s);
        return;
    }
    if (e->backlogs > 0)
        return;
    if (e->kind == ENTRY_RESUME) {
        enum catchup result = catchup_check(s, e->state, &e->cursors);
        if (result == CATCHUP_IMPOSSIBLE)
            session_reset(s);
        if (result != CATCHUP_READY)
            return;
    }
    go_live(s);
}

void entry_await(struct session *s)
{
    s->entry->backlogs++;
}

void entry_told(struct session *s)
{
    if (s->entry != NULL && s->entry->backlogs > 0 && --s->entry->backlogs == 0)
        entry_advance(s);
}

void entry_disturb(struct session *s)
{
    s->entry->is_stale = true;
    entry_advance(s);
}

/* ---- gathering: subscriptions in force, then the state ---- */

static void let_in(struct loop *l);

static void take_state(struct loop *l, struct query *q)
{
    struct session *s = answered(l, (struct asker){q->session, q->entry});
    if (s == NULL) {
        state_free(q->result);
        return;
    }
    if (q->err != OK) {
        give_up(s, q->err);
        return;
    }
    state_free(s->entry->state);
    s->entry->state = q->result;
    entry_advance(s);
}

static void on_state(struct loop *l, struct query *q)
{
    take_state(l, q);
    l->line.running--;
    let_in(l);
}

/* Those whose turn it is. */
static void let_in(struct loop *l)
{
    struct asker who;
    while (line_next(&l->line, STATES_AT_ONCE, &who)) {
        struct session *s = answered(l, who);
        if (s == NULL)
            continue;
        l->line.running++;
        ask(s, "rpc.messaging.session.ready", state_parse, on_state);
    }
}

struct gathering {
    struct flush flush;
    struct asker asker;
};

static void on_flushed(struct loop *l, struct post *p)
{
    struct gathering *g = CONTAINER_OF(p, struct gathering, flush.post);
    struct session *s = answered(l, g->asker);
    bool is_ok = g->flush.is_ok;
    free(g);
    loop_ask_ends(l);
    if (s == NULL)
        return;
    if (!is_ok) {
        give_up(s, ERR_UNAVAILABLE);
        return;
    }
    /* Ask for the layouts that are missing right away: they are needed and take as long. */
    for (struct membership *m = s->memberships; m != NULL; m = m->next)
        (void)server_is_at(m->server, 0);
    s->entry->asking++;
    line_join(&l->line, asker_of(s));
    let_in(l);
}

static void gather(struct session *s)
{
    s->entry->is_stale = false;
    s->entry->asking++;
    struct gathering *g = heap_alloc(sizeof(*g));
    g->flush.loop = s->loop;
    g->flush.post.run = on_flushed;
    g->asker = asker_of(s);
    loop_ask_begins(s->loop);
    fanout_flush(s->loop->fanout, &g->flush);
}

static void *parse_user(const struct ask_answer *a)
{
    char *text = heap_alloc(a->len + 1);
    memcpy(text, a->body, a->len);
    return text;
}

static void on_user(struct loop *l, struct query *q)
{
    struct session *s = answered(l, (struct asker){q->session, q->entry});
    if (s == NULL) {
        free(q->result);
        return;
    }
    if (q->err != OK) {
        give_up(s, q->err);
        return;
    }
    s->entry->user = q->result;
    entry_advance(s);
}

/* ---- the credential ---- */

struct checked {
    struct post post;
    struct loop *loop;
    struct asker asker;
    enum err err;
    struct identity who;
};

/* The same session, here and alive: what it misses is in its own ring. */
static bool resume_here(struct session *s, const struct identity *who)
{
    struct entry *e = s->entry;
    uint64_t key;
    memcpy(&key, e->resume_id, sizeof(key));
    struct session *old = map_get(&s->loop->by_key, key);
    if (old == NULL || old == s || strcmp(old->id, e->resume_id) != 0 ||
        old->who.user != who->user ||
        (old->state != SESSION_DETACHED && old->state != SESSION_ACTIVE))
        return false;
    if (!replay_rewind(&old->out, e->received)) {
        session_close(old, CLOSE_UNKNOWN_ERROR);
        return false;
    }
    char json[128];
    int len = snprintf(json, sizeof(json),
                       "{\"op\":\"resumed\",\"d\":{\"session_id\":\"%s\",\"replayed\":%u}}",
                       old->id, replay_waiting(&old->out));
    struct frame *f = frame_text(FRAME_ANSWER, json, (size_t)len);
    replay_put_first(&old->out, f);
    frame_unref(f);
    old->who = *who;
    session_hand_over(s, old);
    session_state(old, SESSION_ACTIVE);
    session_resume_writing(old);
    metric_add(METRIC_resumes_total, 0, 0, 1);
    return true;
}

/* A revocation may have passed this loop while the answer was on its way to it. A key that may not
 * read must not listen. */
static enum err still_good(const struct loop *l, const struct checked *c)
{
    if (c->err != OK)
        return c->err;
    bool is_revoked = identity_is_revoked(l->gateway->identities, c->who.session);
    return is_revoked || (c->who.scopes & SCOPE_READ) == 0 ? ERR_UNAUTHORIZED : OK;
}

/* It says nothing against the credential. */
static bool is_passing(enum err e)
{
    return e == ERR_UNAVAILABLE || e == ERR_TIMEOUT || e == ERR_RATE_LIMITED;
}

static void on_identified(struct loop *l, struct post *p)
{
    struct checked *c = CONTAINER_OF(p, struct checked, post);
    struct session *s = answered(l, c->asker);
    loop_ask_ends(l);
    auto_heap struct checked *owned = c;
    if (s == NULL)
        return;
    enum err e = still_good(l, c);
    if (e != OK) {
        session_close(s, is_passing(e) ? CLOSE_TRY_LATER : CLOSE_AUTH_FAILED);
        return;
    }
    if (s->entry->kind == ENTRY_RESUME) {
        if (resume_here(s, &owned->who))
            return;
        if (s->entry->cursors.rows == NULL) {
            session_reset(s);
            return;
        }
    }
    s->who = c->who;
    feed_enter(s);
    if (s->entry->kind == ENTRY_IDENTIFY)
        ask(s, "rpc.auth.user.me", parse_user, on_user);
    gather(s);
}

static void on_identity(void *arg, enum err e, const struct identity *who)
{
    struct checked *c = arg;
    c->err = e;
    if (e == OK)
        c->who = *who;
    loop_post(c->loop, &c->post);
}

static struct entry *entry_new(struct session *s, enum entry_kind kind)
{
    struct entry *e = heap_alloc(sizeof(*e));
    e->kind = kind;
    e->serial = ++s->loop->serials;
    s->entry = e;
    return e;
}

static void check(struct session *s, struct span token, bool is_ticket)
{
    struct checked *c = heap_alloc(sizeof(*c));
    *c = (struct checked){.post.run = on_identified, .loop = s->loop, .asker = asker_of(s)};
    session_state(s, SESSION_IDENTIFYING);
    s->entry->asking++;
    loop_ask_begins(s->loop);
    struct identities *ids = s->loop->gateway->identities;
    const struct credential shown = {token.at, token.len, s->ip};
    (is_ticket ? identity_redeem : identity_check)(ids, &shown, on_identity, c);
}

void entry_identify(struct session *s, struct span token, bool is_ticket)
{
    (void)entry_new(s, ENTRY_IDENTIFY);
    check(s, token, is_ticket);
}

void entry_resume(struct session *s, const struct resume *r)
{
    struct entry *e = entry_new(s, ENTRY_RESUME);
    if (r->session_id.len == SESSION_ID_SIZE - 1)
        memcpy(e->resume_id, r->session_id.at, r->session_id.len);
    e->received = r->received;
    if (r->cursors.at != NULL && !cursors_read(r->cursors, &e->cursors)) {
        session_close(s, CLOSE_BAD_FRAME);
        return;
    }
    check(s, r->token, false);
}

void entry_join(struct session *s, snowflake server)
{
    (void)member_new(server_get(s->loop, s->who.app, server), s);
    if (s->entry != NULL) {
        entry_disturb(s);
        return;
    }
    (void)entry_new(s, ENTRY_JOIN);
    gather(s);
}
