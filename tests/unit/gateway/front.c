/* SPDX-License-Identifier: MIT */
#include "tests/unit/gateway/front.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/identity.h"
#include "gateway/limit.h"
#include "gateway/peer.h"
#include "gateway/rest.h"
#include "gateway/routes.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"
#include "shared/store/cache.h"
#include "tests/test.h"

enum { WAIT_US = 5 * 1000000, READ_MS = 10000 };

struct urls {
    const char *nats;
    const char *operator_nats;
    const char *redis;
};
static const struct conf_key url_keys[] = {
    {"NATS_URL",          CONF(urls, nats,          STR), NULL, CONF_REQUIRED, "", 0, 0},
    {"NATS_URL_OPERATOR", CONF(urls, operator_nats, STR), NULL, CONF_REQUIRED, "", 0, 0},
    {"REDIS_URL",         CONF(urls, redis,         STR), NULL, CONF_REQUIRED, "", 0, 0},
};

bool front_wait(bool (*is_so)(void *arg), void *arg)
{
    struct stopper patience;
    stopper_init(&patience);
    int64_t until_us = mono_us() + WAIT_US;
    while (!is_so(arg) && mono_us() < until_us)
        (void)stopper_wait(&patience, 5);
    stopper_done(&patience);
    return is_so(arg);
}

/* ---- services ---- */

static void on_asked(void *arg, natsMsg *msg)
{
    struct fake *f = arg;
    char status[8];
    const char *params = NULL;
    const char *ip = NULL;
    const char *body = atomic_load(&f->body);
    int answered = atomic_load(&f->status);
    snprintf(status, sizeof(status), "%d", answered);
    (void)natsMsgHeader_Get(msg, "Parley-Params", &params);
    (void)natsMsgHeader_Get(msg, "Parley-Ip", &ip);
    free(f->last_ip);
    free(f->last_body);
    free(f->last_params);
    f->last_body = heap_strdup(natsMsg_GetData(msg));
    f->last_params = heap_strdup(params != NULL ? params : "");
    f->last_ip = heap_strdup(ip != NULL ? ip : "");
    atomic_fetch_add(&f->asked, 1);
    struct bus_head heads[] = {
        {"Parley-Status", status  },
        {"Parley-Error",  f->error}
    };
    struct bus_out out = {
        .subject = natsMsg_GetReply(msg),
        .heads = heads,
        .head_count = ARRAY_LEN(heads),
        .body = body,
        .body_len = strlen(body),
    };
    if (answered != 0 && natsMsg_GetReply(msg) != NULL)
        CHECK_INT(bus_send(f->front->services, &out), OK);
    natsMsg_Destroy(msg);
}

struct fake *front_answer(struct front *w, const char *subject, int status, const char *body)
{
    for (size_t i = 0; i < w->fake_count; i++)
        if (strcmp(w->fakes[i].subject, subject) == 0) {
            atomic_store(&w->fakes[i].status, status);
            atomic_store(&w->fakes[i].body, body);
            return &w->fakes[i];
        }
    struct fake *f = &w->fakes[w->fake_count++];
    *f = (struct fake){.front = w, .subject = subject, .status = status, .body = body};
    CHECK_INT(bus_hear(w->services, subject, NULL, on_asked, f, &f->sub), OK);
    CHECK_INT(bus_flush(w->services, 2000), OK);
    return f;
}

static void play_auth(struct front *w)
{
    auto_buf struct buf jwks = {0};
    char *pem = token_key_generate(&w->arena);
    w->signer = token_signer_new(pem, w->settings.token_issuer, w->settings.token_audience);
    buf_printf(&jwks, "{\"keys\":[%s]}", token_signer_jwk(w->signer));
    w->jwks = buf_steal(&jwks);
    front_answer(w, "rpc.auth.key.list", 200, w->jwks);
    front_answer(w, "rpc.auth.session.revoked", 200,
                 "{\"session_ids\":[],\"until\":\"2026-01-01T00:00:00.000Z\",\"has_more\":false}");
}

const char *front_token(struct front *w, snowflake user, snowflake session)
{
    struct token_claims claims = {
        .user_id = user,
        .session_id = session,
        .app_id = 1,
        .issued_us = clock_us(),
        .expires_us = clock_us() + 600 * 1000000LL,
    };
    const char *token = NULL;
    CHECK_INT(token_issue(w->signer, &claims, &w->arena, &token), OK);
    return token;
}

/* ---- the gateway ---- */

static bool is_up(void *arg)
{
    struct front *w = arg;
    bool has_cache = w->settings.redis_url != NULL || cache_is_up(w->g.cache);
    return bus_is_up(w->services) && bus_is_up(w->g.bus) && has_cache;
}

static bool is_ready(void *arg)
{
    return identities_is_ready(((struct front *)arg)->g.identities);
}

void front_begin(struct front *w)
{
    *w = (struct front){
        .settings = {.token_issuer = "parley",
                     .token_audience = "parley",
                     .revoked_keep_s = 900,
                     .rest_connections = 100,
                     .http_idle_s = 1,
                     .request_timeout_ms = 1500,
                     .web_root = "gateway/clients/web",
                     .documents = "."},
    };
}

void front_open(struct front *w)
{
    struct urls urls = {0};
    struct gateway *g = &w->g;
    if (!conf_load(url_keys, ARRAY_LEN(url_keys), &urls))
        die("tests: the test runner gives these settings");
    g->settings = &w->settings;
    routes_init();
    CHECK_INT(bus_open(&(struct bus_settings){urls.operator_nats, "unit"}, &w->services), OK);
    CHECK_INT(bus_open(&(struct bus_settings){urls.nats, "gateway"}, &g->bus), OK);
    const char *redis = w->settings.redis_url != NULL ? w->settings.redis_url : urls.redis;
    CHECK_INT(cache_open(&(struct cache_settings){redis}, &g->cache), OK);
    CHECK(front_wait(is_up, w));
    play_auth(w);
    CHECK_INT(peers_new(w->settings.trusted_proxies, &g->peers), OK);
    CHECK_INT(limits_open(g, &g->limits), OK);
    CHECK_INT(identities_open(g, &g->identities), OK);
    CHECK_INT(rest_open(g, &g->rest), OK);
    CHECK(front_wait(is_ready, w));
}

void front_close(struct front *w)
{
    struct gateway *g = &w->g;
    rest_drain(g->rest, 1000);
    identities_stop(g->identities);
    cache_close(g->cache);
    bus_close(g->bus);
    rest_close(g->rest);
    identities_close(g->identities);
    limits_close(g->limits);
    peers_free(g->peers);
    for (size_t i = 0; i < w->fake_count; i++)
        bus_unhear(w->fakes[i].sub);
    bus_close(w->services);
    for (size_t i = 0; i < w->fake_count; i++) {
        free(w->fakes[i].last_body);
        free(w->fakes[i].last_params);
        free(w->fakes[i].last_ip);
    }
    token_signer_free(w->signer);
    free(w->jwks);
    arena_release(&w->arena);
    routes_done();
}

/* ---- a client ---- */

const char *front_http(struct front *w, const char *request, size_t len)
{
    int ends[2];
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    rest_adopt(w->g.rest, ends[1], (struct sockaddr *)&peer, sizeof(peer));

    auto_buf struct buf got = {0};
    char piece[4096];
    struct pollfd client = {.fd = ends[0]};
    for (;;) {
        client.events = (short)(len > 0 ? POLLIN | POLLOUT : POLLIN);
        if (!CHECK(poll(&client, 1, READ_MS) == 1))
            break;
        if (len > 0 && (client.revents & POLLOUT) != 0) {
            ssize_t sent = send(ends[0], request, len, MSG_NOSIGNAL);
            request += sent > 0 ? sent : 0;
            len -= sent > 0 ? (size_t)sent : len;
            if (len == 0)
                shutdown(ends[0], SHUT_WR);
        }
        ssize_t n = recv(ends[0], piece, sizeof(piece), 0);
        if (n == 0 || (n < 0 && (client.revents & (POLLERR | POLLHUP)) != 0))
            break;
        if (n > 0)
            buf_add(&got, piece, (size_t)n);
    }
    close(ends[0]);
    return arena_strndup(&w->arena, buf_str(&got), got.len);
}

const char *front_get(struct front *w, const char *path, const char *headers)
{
    char *request = arena_printf(
        &w->arena, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", path, headers);
    return front_http(w, request, strlen(request));
}

const char *front_post(struct front *w, const char *path, const char *headers, const char *body)
{
    char *request = arena_printf(&w->arena,
                                 "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                 "Content-Length: %zu\r\n%s\r\n%s",
                                 path, strlen(body), headers, body);
    return front_http(w, request, strlen(request));
}

int http_status(const char *response)
{
    return strncmp(response, "HTTP/1.1 ", 9) == 0 ? (int)strtol(response + 9, NULL, 10) : 0;
}

const char *http_body(const char *response)
{
    const char *blank = strstr(response, "\r\n\r\n");
    return blank != NULL ? blank + 4 : "";
}
