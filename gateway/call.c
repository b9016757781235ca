/* SPDX-License-Identifier: MIT
 *
 * A request's way to its service. The gateway decides only what it can know for sure: whether
 * somebody is signed in, what their key may do at all, how often they ask. Everything else is the
 * service's to decide.
 */
#include "gateway/call.h"

#include <stdio.h>
#include <string.h>

#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "gateway/identity.h"
#include "gateway/peer.h"
#include "gateway/routes.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/macros.h"
#include "shared/base/str.h"
#include "shared/crypto/hmac.h"
#include "shared/service/metrics.h"
#include "shared/wire/bus.h"
#include "shared/wire/json.h"

enum {
    DEFAULT_APP = 1,
    DRAIN_RETRY_MS = 1000,
    SUBJECT_SIZE = 128,
    WHO_SIZE = 96,
    ACCOUNT_DIGEST_BYTES = 12,
};

struct calling {
    struct gateway *gateway;
    struct call call;
    struct caller caller;
    struct limit_state limit;
    int64_t started_us;
    bool is_admission; /* no further than the limit */
    struct refusal refusal;
    call_fn *fn;
    void *arg;
};

/* Whose log-in it is, in the order in which auth looks for a name. */
struct account {
    const char *login;
    const char *username;
    const char *email;
    const char *refresh_token;
};
static const struct field account_fields[] = {
    F_STR(account, login, OPTIONAL),
    F_STR(account, username, OPTIONAL),
    F_STR(account, email, OPTIONAL),
    F_STR(account, refresh_token, OPTIONAL),
};
static SHAPE(account);

void answer_fail(struct answer *a, enum err e, const char *field, const char *message)
{
    struct field_errors errors = {.v = {{field, message}}, .count = 1};
    struct req rq = {.errors = field != NULL ? &errors : NULL,
                     .retry_after_ms = (int)a->retry_after_ms};
    a->err = e;
    a->status = err_status(e);
    problem_encode(&rq, e, &a->own);
    a->body = buf_str(&a->own);
    a->len = a->own.len;
}

void answer_done(struct answer *a)
{
    bus_msg_free(a->msg);
    buf_done(&a->own);
    *a = (struct answer){0};
}

static void account_for(const struct calling *c, const struct answer *a)
{
    if (a->status == 0) /* an admission: the request only begins */
        return;
    int64_t took_us = mono_us() - c->started_us;
    size_t row = (size_t)(c->call.route - routes);
    metric_add(METRIC_rpc_requests_total, row, a->err, 1);
    metric_observe(METRIC_rpc_duration_seconds, row, took_us);
    if (!c->gateway->settings->log_requests)
        return;
    LOG(INFO, "call.done", KV("subject", c->call.route->subject), KV("actor", c->caller.user),
        KV("status", a->status), KV("err", err_name(a->err)), KV("took_us", took_us),
        KV("request", c->call.request_id));
}

static void finish(struct calling *c, struct answer *a)
{
    a->limit = c->limit;
    account_for(c, a);
    c->fn(c->arg, a);
    free(c);
}

static void finish_refused(struct calling *c, const struct refusal *why)
{
    struct answer a = {.retry_after_ms = why->retry_after_ms};
    answer_fail(&a, why->err, why->field, why->message);
    finish(c, &a);
}

static void finish_with(struct calling *c, enum err e, int64_t retry_after_ms)
{
    finish_refused(c, &(struct refusal){.err = e, .retry_after_ms = retry_after_ms});
}

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    struct calling *c = arg;
    struct ask_answer got;
    ask_read(e, msg, &got);
    if (e != OK) {
        finish_with(c, e, DRAIN_RETRY_MS);
        return;
    }
    struct answer a = {
        .err = got.err,
        .status = got.err != OK  ? err_status(got.err)
                  : got.is_usual ? c->call.route->status
                                 : got.status,
        .body = got.len > 0 ? got.body : "",
        .len = got.len,
        .retry_after_ms = got.retry_after_ms,
        .msg = msg,
    };
    finish(c, &a);
}

/* Scopes travel along for the services' logs and for what later rows may ask of them. */
static const char *scope_text(const struct identity *who)
{
    static const char *const texts[] = {"",      "read",       "write",       "read write",
                                        "admin", "read admin", "write admin", "read write admin"};
    return who != NULL && who->is_bot ? texts[who->scopes & SCOPE_ALL] : NULL;
}

static void send_request(struct calling *c)
{
    auto_arena struct arena arena = {0};
    char subject[SUBJECT_SIZE];
    snprintf(subject, sizeof(subject), "rpc.%s", c->call.route->subject);
    int64_t deadline_us = mono_us() + c->gateway->settings->request_timeout_ms * 1000;
    struct bus_head heads[BUS_HEADS_MAX];
    size_t count = bus_caller_heads(&c->caller, deadline_us, &arena, heads);
    heads[count++] = (struct bus_head){"Parley-Params", c->call.params};
    heads[count++] = (struct bus_head){"Parley-Scope", scope_text(c->call.who)};
    struct bus_out out = {
        .subject = subject,
        .heads = heads,
        .head_count = count,
        .body = c->call.body,
        .body_len = c->call.body_len,
    };
    enum err e = bus_ask(c->gateway->bus, &out, deadline_us, on_answer, c);
    if (e != OK)
        finish_with(c, e, DRAIN_RETRY_MS);
}

/* True: it is over, and so is the call. */
static bool is_refused(struct calling *c, const struct limit_state *state)
{
    c->limit = *state;
    if (state->is_over)
        finish_with(c, ERR_RATE_LIMITED, state->reset_ms > 0 ? state->reset_ms : 1);
    return state->is_over;
}

static void on_limit(void *arg, const struct limit_state *state)
{
    struct calling *c = arg;
    if (is_refused(c, state))
        return;
    if (c->is_admission)
        finish(c, &(struct answer){.body = ""});
    else
        send_request(c);
}

/* The account a log-in is about, hashed: Redis need not know names. Without one it is "-". */
static void digest_account(const struct call *call, char out[HEX_SIZE(ACCOUNT_DIGEST_BYTES)])
{
    auto_arena struct arena arena = {0};
    struct ask_answer body = {.body = call->body, .len = call->body_len};
    struct account account = {0};
    snprintf(out, HEX_SIZE(ACCOUNT_DIGEST_BYTES), "-");
    if (ask_decode(&account_shape, &body, &arena, &account) != OK)
        return;
    const char *names[] = {account.login, account.username, account.email, account.refresh_token};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] == NULL)
            continue;
        uint8_t digest[SHA256_BYTES];
        char *name = arena_strdup(&arena, names[i]);
        str_ascii_lower(name);
        sha256(name, strlen(name), digest);
        str_hex(digest, ACCOUNT_DIGEST_BYTES, out);
        return;
    }
}

/* Whose window of which class a request counts in. */
static void name_limit(const struct calling *c, char who[WHO_SIZE], struct limit_ask *ret)
{
    char account[HEX_SIZE(ACCOUNT_DIGEST_BYTES)];
    char address[PEER_TEXT_SIZE];
    const struct call *call = &c->call;
    *ret = (struct limit_ask){call->route->rate, c->caller.is_bot, who};
    if (call->route->rate == RATE_AUTH) {
        ret->is_bot = false;
        digest_account(call, account);
        peer_bucket(call->ip, address);
        snprintf(who, WHO_SIZE, "%s/%s", address, account);
    } else if (c->caller.user != 0) {
        snprintf(who, WHO_SIZE, "%llu", (unsigned long long)c->caller.user);
    } else {
        peer_bucket(call->ip, who);
    }
}

static void take_limit(struct calling *c)
{
    char who[WHO_SIZE];
    struct limit_ask ask;
    name_limit(c, who, &ask);
    limit_take(c->gateway->limits, &ask, on_limit, c);
}

static void on_address_limit(void *arg, const struct limit_state *state)
{
    struct calling *c = arg;
    if (!is_refused(c, state))
        take_limit(c);
}

/* Each sign-in costs auth a password hash, whoever's: whoever tries one name after the other is in
 * a window of each, so the address has one too. */
static void take_address_limit(struct calling *c)
{
    char who[WHO_SIZE];
    char address[PEER_TEXT_SIZE];
    peer_bucket(c->call.ip, address);
    snprintf(who, sizeof(who), "auth/%s", address);
    struct limit_ask ask = {RATE_GENERAL, false, who};
    limit_take(c->gateway->limits, &ask, on_address_limit, c);
}

/* ---- refusing ---- */

static void on_look(void *arg, const struct limit_state *state)
{
    struct calling *c = arg;
    c->limit = *state;
    finish_refused(c, &c->refusal);
}

/* Every answer of a limited row says how its limit stands, also one that was not counted. */
static void turn_away(struct calling *c, const struct refusal *why)
{
    char who[WHO_SIZE];
    struct limit_ask ask;
    c->refusal = *why;
    name_limit(c, who, &ask);
    limit_look(c->gateway->limits, &ask, on_look, c);
}

static enum scope scope_needed(const struct route *route)
{
    if (route->guard == GUARD_ADMIN)
        return SCOPE_ADMIN;
    return strcmp(route->method, "GET") == 0 ? SCOPE_READ : SCOPE_WRITE;
}

static enum err admit(const struct gateway *g, const struct call *c)
{
    if (atomic_load(&g->is_draining))
        return ERR_UNAVAILABLE;
    if (c->route->guard == GUARD_PUBLIC)
        return OK;
    if (c->who == NULL)
        return ERR_UNAUTHORIZED;
    if ((c->who->scopes & scope_needed(c->route)) == 0)
        return ERR_MISSING_PERMISSIONS;
    if (c->route->guard == GUARD_ADMIN && !c->who->is_admin)
        return ERR_MISSING_PERMISSIONS;
    return OK;
}

struct caller call_caller(const struct call *c)
{
    const struct identity *who = c->who;
    return (struct caller){
        .user = who != NULL ? who->user : 0,
        .app = who != NULL   ? who->app
               : c->app != 0 ? c->app
                             : DEFAULT_APP,
        .session = who != NULL ? who->session : 0,
        .is_admin = who != NULL && who->is_admin,
        .is_bot = who != NULL && who->is_bot,
        .ip = c->ip,
        .agent = c->agent,
        .locale = c->locale,
        .request_id = c->request_id,
        .trace = c->trace,
        .key = c->key,
    };
}

static void start(struct calling *c)
{
    enum err e = admit(c->gateway, &c->call);
    if (e != OK)
        turn_away(c, &(struct refusal){
                         .err = e, .retry_after_ms = e == ERR_UNAVAILABLE ? DRAIN_RETRY_MS : 0});
    else if (c->call.route->rate == RATE_AUTH)
        take_address_limit(c);
    else
        take_limit(c);
}

static struct calling *calling_new(struct gateway *g, const struct call *call, call_fn *fn,
                                   void *arg)
{
    struct calling *c = heap_alloc(sizeof(*c));
    c->gateway = g;
    c->call = *call;
    c->caller = call_caller(call);
    c->started_us = mono_us();
    c->fn = fn;
    c->arg = arg;
    return c;
}

void call_start(struct gateway *g, const struct call *call, call_fn *fn, void *arg)
{
    start(calling_new(g, call, fn, arg));
}

void call_admit(struct gateway *g, const struct call *call, call_fn *fn, void *arg)
{
    struct calling *c = calling_new(g, call, fn, arg);
    c->is_admission = true;
    start(c);
}

void call_refuse(struct gateway *g, const struct call *call, const struct refusal *why, call_fn *fn,
                 void *arg)
{
    turn_away(calling_new(g, call, fn, arg), why);
}
