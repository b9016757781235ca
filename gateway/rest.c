/* SPDX-License-Identifier: MIT
 *
 * The HTTP side: one libmicrohttpd thread. A request is read, suspended, asked about on the bus and
 * resumed by the answer, so thousands can be in flight without a thread each. While suspended
 * neither a time-out nor the client's going away is noticed: what is asked always has a deadline,
 * and an exchange lives until it was resumed.
 */
#include "gateway/rest.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/exchange.h"
#include "gateway/limit.h"
#include "gateway/linger.h"
#include "gateway/params.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/rand.h"
#include "shared/base/str.h"
#include "shared/domain/limit.h"
#include "shared/store/cache.h"
#include "shared/wire/bus.h"

#define API_PREFIX "/api/v1"

enum {
    HTTP_STACK = 256 * 1024,
    DISCARD_MAX = 1024 * 1024, /* of a body nobody wants, so that the connection lives on */
    RETRY_MS = 1000,
};

struct rest {
    struct gateway *gateway;
    struct MHD_Daemon *daemon;
    struct lingerers *linger;
    atomic_ullong last_request;
    char request_prefix[17];
    pthread_mutex_t lock; /* guards asking */
    pthread_cond_t calm;
    size_t asking; /* suspended exchanges */
};

/* ---- an exchange's life ---- */

static const struct raw_handler *const raw_handlers[] = {&upload_handler, &download_handler};

/* We read the query ourselves. libmicrohttpd 0.9.75 would too, into a pool that some hundreds of
 * parameters exhaust, and then it never answers: so it gets an empty one. The text is its own
 * receive buffer, which it cuts at the '?' itself in a moment. */
static void hide_query(const char *uri, size_t at)
{
    ((char *)(uintptr_t)uri)[at] = '\0';
}

/* The whole URI as it came; the path libmicrohttpd hands over later has lost its escapes. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct rest *r = cls;
    struct exchange *x = heap_alloc(sizeof(*x));
    x->gateway = r->gateway;
    x->rest = r;
    x->connection = connection;
    x->path = arena_strdup(&x->arena, uri);
    char *query = strchr(x->path, '?');
    if (query != NULL) {
        *query = '\0';
        x->query = query + 1;
        hide_query(uri, (size_t)(x->query - x->path));
    }
    return x;
}

/* Calls log themselves; of files this is the one line. */
static void log_file(const struct exchange *x, enum MHD_RequestTerminationCode why)
{
    if (x->raw == NULL || !x->gateway->settings->log_requests)
        return;
    LOG(INFO, "file.done", KV("subject", x->match.route->subject), KV("actor", x->who.user),
        KV("err", err_name(x->answer.err)),
        KV("is_whole", why == MHD_REQUEST_TERMINATED_COMPLETED_OK), KV("request", x->request_id));
}

/* Answered in the middle of its body: libmicrohttpd closes it next. */
static void linger_on(const struct exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL)
        linger_take(x->rest->linger, info->connect_fd);
}

static void on_completed(void *cls UNUSED, struct MHD_Connection *connection UNUSED, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *con_cls;
    if (x == NULL)
        return;
    log_file(x, why);
    if (x->state == EXCHANGE_SENT && !x->is_read)
        linger_on(x);
    if (x->raw_state != NULL)
        x->raw->free(x->raw_state);
    answer_done(&x->answer);
    buf_done(&x->body);
    arena_release(&x->arena);
    free(x);
    *con_cls = NULL;
}

void exchange_suspend(struct exchange *x)
{
    pthread_mutex_lock(&x->rest->lock);
    x->rest->asking++;
    pthread_mutex_unlock(&x->rest->lock);
    x->state = EXCHANGE_ASKING;
    MHD_suspend_connection(x->connection);
}

void exchange_resume(struct exchange *x)
{
    struct rest *r = x->rest;
    x->state = EXCHANGE_ANSWERED;
    MHD_resume_connection(x->connection);
    pthread_mutex_lock(&r->lock);
    if (--r->asking == 0)
        pthread_cond_broadcast(&r->calm);
    pthread_mutex_unlock(&r->lock);
}

const char *exchange_header(const struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* ---- the head ---- */

static bool is_printable(const char *s, size_t max)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++)
        if (s[i] < '!' || s[i] > '~')
            return false;
    return len > 0 && len <= max;
}

static void name_request(struct exchange *x)
{
    const char *given = exchange_header(x, "X-Request-Id");
    if (given != NULL && is_printable(given, REQUEST_ID_SIZE - 1)) {
        snprintf(x->request_id, sizeof(x->request_id), "%s", given);
        return;
    }
    unsigned long long number = atomic_fetch_add(&x->rest->last_request, 1);
    snprintf(x->request_id, sizeof(x->request_id), "%s-%llx", x->rest->request_prefix, number);
}

static enum MHD_Result add_hops(void *cls, enum MHD_ValueKind kind UNUSED, const char *name,
                                const char *value)
{
    struct buf *hops = cls;
    if (strcasecmp(name, "X-Forwarded-For") == 0 && value != NULL)
        buf_printf(hops, "%s%s", hops->len > 0 ? ", " : "", value);
    return MHD_YES;
}

/* A proxy may add a line of its own after the one the client made up: all of them are one list. */
static void find_address(struct exchange *x)
{
    auto_buf struct buf hops = {0};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, add_hops, &hops);
    peer_address(x->gateway->peers, info->client_addr, buf_str(&hops), x->ip);
}

/* What a client says about itself goes into logs and databases: ASCII, and not much of it. */
static const char *plain_header(struct exchange *x, const char *name, size_t max)
{
    const char *value = exchange_header(x, name);
    if (value == NULL)
        return NULL;
    char *plain = arena_strndup(&x->arena, value, strnlen(value, max));
    str_ascii_printable(plain);
    return plain;
}

/* The first language of Accept-Language. */
static const char *locale_of(struct exchange *x)
{
    const char *value = exchange_header(x, "Accept-Language");
    size_t len = value != NULL ? strspn(value, "abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
                               : 0;
    return len > 0 && len <= LIMIT_LOCALE ? arena_strndup(&x->arena, value, len) : NULL;
}

static snowflake application_of(const struct exchange *x)
{
    const char *value = exchange_header(x, "X-Parley-Application");
    snowflake app = 0;
    /* An unreadable one is an application that does not exist, not the default one. */
    if (value != NULL && !snowflake_parse(value, &app))
        app = INT64_MAX;
    return app;
}

struct call exchange_call(struct exchange *x)
{
    return (struct call){
        .route = x->match.route,
        .who = x->is_signed_in ? &x->who : NULL,
        .app = application_of(x),
        .ip = x->ip,
        .agent = plain_header(x, "User-Agent", LIMIT_USER_AGENT),
        .locale = locale_of(x),
        .request_id = x->request_id,
        .trace = plain_header(x, "traceparent", 64),
        .key = exchange_header(x, "Idempotency-Key"),
        .params = x->params,
        .body = x->body.data,
        .body_len = x->body.len,
    };
}

/* ---- asking ---- */

static void on_answer(void *arg, struct answer *a)
{
    struct exchange *x = arg;
    x->answer = *a;
    exchange_resume(x);
}

static int retry_ms(const struct exchange *x, enum err e)
{
    if (e == ERR_RATE_LIMITED) {
        int64_t left_ms = limit_barred_ms(x->gateway->limits, x->ip);
        return left_ms > 0 ? (int)left_ms : 1;
    }
    return e == ERR_UNAVAILABLE ? RETRY_MS : 0;
}

static void on_identity(void *arg, enum err e, const struct identity *who)
{
    struct exchange *x = arg;
    /* Who need not be signed in is not held up by a token that has expired. */
    if (e == OK || x->match.route->guard == GUARD_PUBLIC)
        e = x->failed;
    if (who != NULL) {
        x->who = *who;
        x->is_signed_in = true;
    }
    struct call call = exchange_call(x);
    struct refusal why = {e, x->failed_field, x->failed_text, retry_ms(x, e)};
    if (e != OK)
        call_refuse(x->gateway, &call, &why, on_answer, x);
    else if (x->raw != NULL)
        call_admit(x->gateway, &call, on_answer, x);
    else
        call_start(x->gateway, &call, on_answer, x);
}

static enum MHD_Result ask(struct exchange *x)
{
    static const char bearer[] = "Bearer ";
    enum { BEARER_LEN = sizeof(bearer) - 1 };
    const char *credential = exchange_header(x, "Authorization");
    exchange_suspend(x);
    if (credential == NULL)
        on_identity(x, OK, NULL);
    else if (strncasecmp(credential, bearer, BEARER_LEN) != 0)
        on_identity(x, ERR_UNAUTHORIZED, NULL);
    else
        identity_check(
            x->gateway->identities,
            &(struct credential){credential + BEARER_LEN, strlen(credential + BEARER_LEN), x->ip},
            on_identity, x);
    return MHD_YES;
}

/* ---- where a request goes ---- */

static size_t content_length(const struct exchange *x)
{
    const char *text = exchange_header(x, "Content-Length");
    uint64_t len = 0;
    return text != NULL && str_parse_u64(text, strlen(text), &len) ? (size_t)len : 0;
}

/* Somebody is behind every answer of a row, also behind a refusal: it tells how their limit stands.
 */
static enum MHD_Result turn_away(struct exchange *x)
{
    return x->match.route != NULL ? ask(x) : respond_fail(x, x->failed);
}

static enum MHD_Result turn_away_for(struct exchange *x, enum err e, const char *field,
                                     const char *text)
{
    x->failed = e;
    x->failed_field = field;
    x->failed_text = text;
    return turn_away(x);
}

/* An answer before the body costs the connection: only when the body is long, or the client waits
 * to be asked for it. */
static bool is_answered_first(const struct exchange *x)
{
    return exchange_header(x, "Expect") != NULL || content_length(x) > DISCARD_MAX;
}

/* A failure known from the head. */
static enum MHD_Result read_body(struct exchange *x, enum err failed)
{
    x->failed = failed;
    x->state = EXCHANGE_READING;
    if (failed == OK && content_length(x) > LIMIT_BODY)
        x->failed = ERR_TOO_LARGE;
    if (x->failed != OK && is_answered_first(x))
        return turn_away(x);
    return MHD_YES;
}

/* Answered by the gateway itself, after the body: an answer before it would cost the connection. */
static enum MHD_Result serve(struct exchange *x, enum MHD_Result (*fn)(struct exchange *x))
{
    x->serve = fn;
    return read_body(x, OK);
}

static enum MHD_Result begin_raw(struct exchange *x)
{
    for (size_t i = 0; i < ARRAY_LEN(raw_handlers); i++)
        if (strcmp(raw_handlers[i]->name, x->match.route->raw) == 0)
            x->raw = raw_handlers[i];
    return x->raw != NULL ? ask(x) : read_body(x, ERR_UNKNOWN_ROUTE);
}

static enum MHD_Result begin_api(struct exchange *x, const char *path)
{
    if (strcmp(path, "/openapi.json") == 0 || strcmp(path, "/asyncapi.json") == 0)
        return serve(x, serve_document);
    enum err e = route_match(x->method, path, strlen(path), &x->match);
    if (e == ERR_METHOD_NOT_ALLOWED && strcmp(x->method, "OPTIONS") == 0)
        return serve(x, cors_preflight);
    if (e == OK)
        e = params_encode(&x->arena, &x->match, x->query, &x->params, &x->failed_field);
    if (e == ERR_INVALID_FORM)
        x->failed_text = "is not valid";
    if (e == OK && x->match.route->mode == MODE_RAW)
        return begin_raw(x);
    return read_body(x, e);
}

static enum MHD_Result probe_health(struct exchange *x)
{
    return respond_text(x, MHD_HTTP_OK, "application/json", "{\"status\":\"ok\"}");
}

static enum MHD_Result probe_ready(struct exchange *x)
{
    struct gateway *g = x->gateway;
    char text[128];
    bool is_ready =
        bus_is_up(g->bus) && identities_is_ready(g->identities) && !atomic_load(&g->is_draining);
    snprintf(text, sizeof(text), "{\"status\":\"%s\",\"bus\":%s,\"auth\":%s,\"cache\":%s}",
             is_ready ? "ready" : "unavailable", bus_is_up(g->bus) ? "true" : "false",
             identities_is_ready(g->identities) ? "true" : "false",
             cache_is_up(g->cache) ? "true" : "false");
    return respond_text(x, is_ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                        "application/json", text);
}

static enum MHD_Result begin(struct exchange *x)
{
    static const size_t prefix_len = sizeof(API_PREFIX) - 1;
    name_request(x);
    find_address(x);
    if (strncmp(x->path, API_PREFIX "/", prefix_len + 1) == 0)
        return begin_api(x, x->path + prefix_len);
    if (strcmp(x->path, "/.well-known/jwks.json") == 0)
        return begin_api(x, "/auth/jwks");
    if (strcmp(x->path, "/health") == 0)
        return serve(x, probe_health);
    if (strcmp(x->path, "/ready") == 0)
        return serve(x, probe_ready);
    return serve(x, serve_static);
}

/* ---- the body ---- */

static enum MHD_Result discard(struct exchange *x, size_t len)
{
    x->discarded += len;
    if (x->discarded <= DISCARD_MAX)
        return MHD_YES;
    if (x->answer.status != 0)
        return respond_cut(x);
    if (x->match.route != NULL)
        return ask(x); /* and cut then: see go_on */
    answer_fail(&x->answer, x->failed, NULL, NULL);
    return respond_cut(x);
}

static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *len)
{
    if (x->raw != NULL && x->raw->data != NULL && x->failed == OK) {
        *len -= x->raw->data(x, data, *len);
        return MHD_YES;
    }
    size_t n = *len;
    *len = 0;
    if (x->failed == OK && x->body.len + n > LIMIT_BODY)
        x->failed = ERR_TOO_LARGE;
    if (x->failed != OK)
        return discard(x, n);
    buf_add(&x->body, data, n);
    return MHD_YES;
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t len = sizeof(json) - 1;
    return type != NULL && strncasecmp(type, json, len) == 0 &&
           (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

static enum MHD_Result end_body(struct exchange *x)
{
    const char *key = exchange_header(x, "Idempotency-Key");
    x->is_read = true;
    if (x->failed != OK)
        return x->answer.status != 0 ? respond_answer(x) : turn_away(x);
    if (x->serve != NULL)
        return x->serve(x);
    if (x->raw != NULL)
        return x->raw->end(x);
    /* A form of another site can send text/plain without asking first, JSON it cannot. */
    if (x->body.len > 0 && !is_json(exchange_header(x, "Content-Type")))
        return turn_away_for(x, ERR_UNSUPPORTED_MEDIA_TYPE, NULL, NULL);
    if (key != NULL && !is_printable(key, LIMIT_NONCE))
        return turn_away_for(x, ERR_INVALID_FORM, "Idempotency-Key",
                             "must be 1 to 64 printable characters");
    return ask(x);
}

static enum MHD_Result read_on(struct exchange *x, const char *data, size_t *len)
{
    x->state = EXCHANGE_READING;
    return *len > 0 ? take_body(x, data, len) : end_body(x);
}

/* A stream that may not begin: as in read_body. */
static enum MHD_Result refuse_stream(struct exchange *x)
{
    if (is_answered_first(x))
        return respond_answer(x);
    x->failed = x->answer.err;
    x->state = EXCHANGE_READING;
    return MHD_YES;
}

/* Resumed: with the answer, or (RAW) with leave to begin or to go on. */
static enum MHD_Result go_on(struct exchange *x, const char *data, size_t *len)
{
    if (x->discarded > DISCARD_MAX)
        return respond_cut(x);
    if (x->raw != NULL && x->raw_state == NULL && x->answer.err != OK && x->failed == OK)
        return refuse_stream(x);
    if (x->raw == NULL || (x->answer.status != 0 && x->failed == OK))
        return respond_answer(x);
    if (x->raw_state != NULL)
        return read_on(x, data, len);
    x->state = EXCHANGE_READING;
    x->raw->begin(x);
    return x->failed != OK && is_answered_first(x) ? respond_fail(x, x->failed) : MHD_YES;
}

static enum MHD_Result on_request(void *cls UNUSED, struct MHD_Connection *connection UNUSED,
                                  const char *url UNUSED, const char *method,
                                  const char *version UNUSED, const char *data, size_t *len,
                                  void **con_cls)
{
    struct exchange *x = *con_cls;
    switch (x->state) {
    case EXCHANGE_NEW:
        x->method = method;
        return begin(x);
    case EXCHANGE_READING:
        return read_on(x, data, len);
    case EXCHANGE_ANSWERED:
        return go_on(x, data, len);
    case EXCHANGE_ASKING:
    case EXCHANGE_SENT:
        return MHD_YES;
    }
    return MHD_NO;
}

/* ---- the daemon ---- */

PRINTF_LIKE(2, 0) static void on_log(void *arg UNUSED, const char *format, va_list args)
{
    char text[256];
    vsnprintf(text, sizeof(text), format, args);
    LOG(DEBUG, "http.note", KV("text", text));
}

enum err rest_open(struct gateway *g, struct rest **ret)
{
    struct rest *r = heap_alloc(sizeof(*r));
    r->gateway = g;
    snprintf(r->request_prefix, sizeof(r->request_prefix), "%llx", (unsigned long long)rand_u64());
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->calm, NULL);
    r->linger = linger_new();
    r->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
                             MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
                         0, NULL, NULL, on_request, r, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
                         MHD_OPTION_URI_LOG_CALLBACK, on_uri, r, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, r, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)g->settings->rest_connections, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned)g->settings->http_idle_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                         MHD_OPTION_THREAD_STACK_SIZE, (size_t)HTTP_STACK, MHD_OPTION_END);
    if (r->daemon == NULL) {
        rest_close(r);
        return ERR_UNAVAILABLE;
    }
    *ret = r;
    return OK;
}

void rest_adopt(struct rest *r, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
    /* Full: libmicrohttpd has closed it. */
    if (MHD_add_connection(r->daemon, fd, peer, peer_len) != MHD_YES)
        LOG(WARN, "http.refused", KV("fd", fd));
}

void rest_drain(struct rest *r, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + (int64_t)timeout_ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&r->lock);
    while (r->asking > 0 && pthread_cond_timedwait(&r->calm, &r->lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&r->lock);
}

void rest_close(struct rest *r)
{
    if (r == NULL)
        return;
    if (r->daemon != NULL)
        MHD_stop_daemon(r->daemon);
    linger_free(r->linger);
    pthread_cond_destroy(&r->calm);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
