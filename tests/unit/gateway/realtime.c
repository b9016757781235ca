/* SPDX-License-Identifier: MIT */

#include "tests/unit/gateway/realtime.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/identity.h"
#include "gateway/limit.h"
#include "gateway/peer.h"
#include "gateway/routes.h"
#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "shared/crypto/token.h"
#include "tests/test.h"

enum { WAIT_MS = 5000, BODY = 4096 };

/* ---- the stand-in for auth and messaging ---- */

static void answer(struct world *w, natsMsg *msg, int status, const char *body)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", status);
    const struct bus_head heads[] = {
        {"Parley-Status", text                                  },
        {"Parley-Error",  status < 300 ? NULL : "unknown_server"},
    };
    const struct bus_out out = {.subject = natsMsg_GetReply(msg),
                                .heads = heads,
                                .head_count = 2,
                                .body = body,
                                .body_len = strlen(body)};
    /* The bus may be away: that is what some tests are about. */
    (void)!bus_send(w->fake, &out);
}

static void add_channel(struct buf *out, int id, int64_t seq, const char *overwrites)
{
    buf_printf(out,
               "{\"id\":\"%d\",\"server_id\":\"%d\",\"name\":\"c%d\",\"type\":\"text\","
               "\"parent_id\":null,\"overwrites\":[%s],\"seq\":%lld}",
               id, W_SERVER, id, overwrites, (long long)seq);
}

static const char secret_overwrites[] =
    "{\"id\":\"100\",\"type\":\"role\",\"allow\":\"0\",\"deny\":\"1024\"},"
    "{\"id\":\"50\",\"type\":\"role\",\"allow\":\"1024\",\"deny\":\"0\"}";

static void add_channels(const struct model *m, bool with_secret, struct buf *out)
{
    buf_adds(out, "\"channels\":[");
    add_channel(out, W_OPEN, m->open_seq, "");
    if (with_secret) {
        buf_addc(out, ',');
        add_channel(out, W_SECRET, m->secret_seq, secret_overwrites);
    }
    buf_addc(out, ']');
}

static void write_view(const struct model *m, struct buf *out)
{
    buf_printf(out,
               "{\"id\":\"%d\",\"owner_id\":\"1\",\"seq\":%lld,\"roles\":["
               "{\"id\":\"%d\",\"permissions\":\"%llu\",\"position\":0},"
               "{\"id\":\"%d\",\"permissions\":\"0\",\"position\":1}],",
               W_SERVER, (long long)m->server_seq, W_SERVER, (unsigned long long)m->permissions,
               W_ROLE);
    add_channels(m, true, out);
    buf_addc(out, '}');
}

static void write_server(const struct model *m, struct buf *out)
{
    buf_printf(out,
               "{\"id\":\"%d\",\"name\":\"s\",\"seq\":%lld,\"member\":{\"user_id\":\"0\","
               "\"roles\":[%s]},\"roles\":[],",
               W_SERVER, (long long)m->server_seq, m->has_role ? "\"50\"" : "");
    add_channels(m, m->has_role, out);
    buf_addc(out, '}');
}

static void write_ready(const struct model *m, struct buf *out)
{
    buf_adds(out, "{\"servers\":[");
    if (m->is_member)
        write_server(m, out);
    buf_printf(out, "],\"read_states\":[],\"user_seq\":%lld}", (long long)m->user_seq);
}

static void write_message(struct buf *out, int64_t seq, int64_t rev, const char *text)
{
    buf_printf(out,
               "{\"id\":\"%lld\",\"channel_id\":\"%d\",\"server_id\":\"%d\",\"content\":\"%s\","
               "\"seq\":%lld,\"rev\":%lld}",
               5000LL + seq, W_OPEN, W_SERVER, text, (long long)seq, (long long)rev);
}

static void write_sync(const struct model *m, long long after, struct buf *out)
{
    enum { PAGE = 100 };
    buf_adds(out, "{\"messages\":[");
    int count = 0;
    int64_t seq = after + 1;
    for (; seq <= m->open_seq && count < PAGE; seq++, count++) {
        if (count > 0)
            buf_addc(out, ',');
        write_message(out, seq, seq, "synced");
    }
    buf_printf(out, "],\"seq\":%lld,\"has_more\":%s}", (long long)m->open_seq,
               seq <= m->open_seq ? "true" : "false");
}

static bool is_subject(const natsMsg *msg, const char *subject)
{
    return strcmp(natsMsg_GetSubject(msg), subject) == 0;
}

static void write_messaging(struct model *m, natsMsg *msg, struct buf *out)
{
    const char *after = strstr(natsMsg_GetData(msg), "\"after\":");
    if (is_subject(msg, "rpc.messaging.member.servers")) {
        buf_adds(out, m->is_member ? "[{\"id\":\"100\"}]" : "[]");
    } else if (is_subject(msg, "rpc.messaging.session.ready")) {
        write_ready(m, out);
    } else if (is_subject(msg, "rpc.messaging.user.numbers")) {
        buf_printf(out, "[{\"id\":\"1001\",\"seq\":%lld}]", (long long)m->user_seq);
    } else if (is_subject(msg, "rpc.messaging.server.view")) {
        m->views++;
        write_view(m, out);
    } else if (is_subject(msg, "rpc.messaging.channel.sync")) {
        m->syncs++;
        write_sync(m, after != NULL ? atoll(after + 8) : 0, out);
    } else if (is_subject(msg, "rpc.messaging.message.create")) {
        const char *params = "";
        (void)natsMsgHeader_Get(msg, "Parley-Params", &params);
        buf_printf(out, "{\"params\":%s,\"body\":%.*s}", params, natsMsg_GetDataLength(msg),
                   natsMsg_GetData(msg));
    }
}

static void answer_request(struct world *w, natsMsg *msg)
{
    auto_buf struct buf out = {0};
    if (is_subject(msg, "rpc.auth.key.list")) {
        buf_printf(&out, "{\"keys\":[%s]}", token_signer_jwk(w->signer));
    } else if (is_subject(msg, "rpc.auth.session.revoked")) {
        buf_adds(&out,
                 "{\"session_ids\":[],\"until\":\"2026-01-01T00:00:00.000Z\",\"has_more\":false}");
    } else if (is_subject(msg, "rpc.auth.user.me")) {
        buf_adds(&out, "{\"id\":\"1001\",\"username\":\"ann\"}");
    } else {
        pthread_mutex_lock(&w->model.lock);
        write_messaging(&w->model, msg, &out);
        pthread_mutex_unlock(&w->model.lock);
    }
    answer(w, msg, 200, buf_str(&out));
    natsMsg_Destroy(msg);
}

static void on_request(void *arg, natsMsg *msg)
{
    struct world *w = arg;
    if (w->is_view_late && w->late_view == NULL && is_subject(msg, "rpc.messaging.server.view")) {
        w->late_view = msg;
        return;
    }
    bool is_ready = is_subject(msg, "rpc.messaging.session.ready");
    answer_request(w, msg);
    if (!is_ready || !w->is_view_late || w->late_view == NULL)
        return;
    w->is_view_late = false;
    world_message(w, "in between");
    answer_request(w, w->late_view);
}

/* ---- the world ---- */

bool world_prepare(struct world *w)
{
    *w = (struct world){
        .model = {.lock = PTHREAD_MUTEX_INITIALIZER,
                  .server_seq = 10,
                  .open_seq = 5,
                  .secret_seq = 3,
                  .user_seq = 1,
                  .permissions = PERM_VIEW_CHANNEL | PERM_SEND_MESSAGES | PERM_READ_HISTORY,
                  .is_member = true}
    };
    if (!nats_server_start(&w->nats)) {
        SKIP("no nats-server");
        return false;
    }
    w->settings = (struct gateway_settings){
        .nats_url = w->nats.url,
        .public_url = "http://localhost:8080",
        .token_issuer = "parley",
        .token_audience = "parley",
        .revoked_keep_s = 900,
        .request_timeout_ms = 2000,
        .max_connections = 100,
        .ws_loops = 1,
        .resume_window_s = 60,
        .ring_frames = 1024,
    };
    return true;
}

/* Until auth has answered everybody is told to come back. */
static bool is_ready_soon(const struct gateway *g)
{
    struct stopper patience;
    int64_t until_us = mono_us() + WAIT_MS * 1000;
    stopper_init(&patience);
    while (!identities_is_ready(g->identities) && mono_us() < until_us)
        (void)stopper_wait(&patience, 2);
    stopper_done(&patience);
    return identities_is_ready(g->identities);
}

bool world_begin(struct world *w)
{
    struct gateway *g = &w->gateway;
    g->settings = &w->settings;
    w->signer = token_signer_new(token_key_generate(&w->arena), "parley", "parley");
    const struct bus_settings fake = {.url = w->nats.url, .name = "fake"};
    const struct bus_settings own = {.url = w->nats.url, .name = "gateway"};
    routes_init();
    return CHECK(bus_open(&fake, &w->fake) == OK) &&
           CHECK(bus_hear(w->fake, "rpc.>", NULL, on_request, w, &w->answers) == OK) &&
           CHECK(bus_flush(w->fake, WAIT_MS) == OK) && CHECK(bus_open(&own, &g->bus) == OK) &&
           CHECK(bus_ping(g->bus, WAIT_MS) == OK) && CHECK(peers_new(NULL, &g->peers) == OK) &&
           CHECK(limits_open(g, &g->limits) == OK) &&
           CHECK(identities_open(g, &g->identities) == OK) && CHECK(is_ready_soon(g)) &&
           CHECK(sockets_open(g, &g->sockets) == OK);
}

void world_end(struct world *w)
{
    struct gateway *g = &w->gateway;
    sockets_drain(g->sockets);
    sockets_close(g->sockets);
    identities_stop(g->identities);
    bus_close(g->bus);
    identities_close(g->identities);
    limits_close(g->limits);
    peers_free(g->peers);
    routes_done();
    bus_unhear(w->answers);
    bus_close(w->fake);
    token_signer_free(w->signer);
    arena_release(&w->arena);
    nats_server_stop(&w->nats);
}

const char *world_token(struct world *w, uint64_t user, uint64_t session)
{
    const char *token = NULL;
    struct token_claims claims = {.user_id = user,
                                  .session_id = session,
                                  .app_id = 1,
                                  .issued_us = clock_us(),
                                  .expires_us = clock_us() + INT64_C(600000000)};
    CHECK(token_issue(w->signer, &claims, &w->arena, &token) == OK);
    return token;
}

static void publish(struct world *w, const char *subject, struct bus_head head, const char *body)
{
    const struct bus_out out = {.subject = subject,
                                .heads = &head,
                                .head_count = 1,
                                .body = body,
                                .body_len = strlen(body)};
    CHECK(bus_send(w->fake, &out) == OK);
}

void world_event(struct world *w, const char *subject, int64_t seq, const char *body)
{
    char number[24];
    snprintf(number, sizeof(number), "%lld", (long long)seq);
    publish(w, subject, (struct bus_head){"Parley-Seq", seq > 0 ? number : NULL}, body);
}

void world_event_named(struct world *w, const char *subject, const char *id, const char *body)
{
    publish(w, subject, (struct bus_head){"ce-id", id}, body);
}

void world_repeat_message(struct world *w, int64_t seq)
{
    auto_buf struct buf body = {0};
    write_message(&body, seq, seq, "again");
    world_event(w, "evt.v1.1.s.100.c.7.message.create", seq, body.data);
}

static int64_t next(struct world *w, int64_t *seq)
{
    pthread_mutex_lock(&w->model.lock);
    int64_t value = ++*seq;
    pthread_mutex_unlock(&w->model.lock);
    return value;
}

void world_message(struct world *w, const char *text)
{
    auto_buf struct buf body = {0};
    int64_t seq = next(w, &w->model.open_seq);
    write_message(&body, seq, seq, text);
    world_event(w, "evt.v1.1.s.100.c.7.message.create", seq, body.data);
}

void world_lose_message(struct world *w, const char *text)
{
    (void)text;
    (void)next(w, &w->model.open_seq);
}

void world_lose_change(struct world *w)
{
    (void)next(w, &w->model.server_seq);
}

void world_secret(struct world *w, const char *text)
{
    char body[128];
    int64_t seq = next(w, &w->model.secret_seq);
    snprintf(body, sizeof(body), "{\"id\":\"9\",\"content\":\"%s\",\"seq\":%lld}", text,
             (long long)seq);
    world_event(w, "evt.v1.1.s.100.c.8.message.create", seq, body);
}

void world_role(struct world *w, uint64_t user, bool has)
{
    char body[128];
    pthread_mutex_lock(&w->model.lock);
    w->model.has_role = has;
    pthread_mutex_unlock(&w->model.lock);
    int64_t seq = next(w, &w->model.server_seq);
    snprintf(body, sizeof(body), "{\"server_id\":\"100\",\"user_id\":\"%llu\",\"roles\":[%s]}",
             (unsigned long long)user, has ? "\"50\"" : "");
    world_event(w, "evt.v1.1.s.100.member.update", seq, body);
}

void world_kick(struct world *w, uint64_t user)
{
    char body[128];
    char subject[64];
    pthread_mutex_lock(&w->model.lock);
    w->model.is_member = false;
    pthread_mutex_unlock(&w->model.lock);
    int64_t seq = next(w, &w->model.server_seq);
    snprintf(body, sizeof(body),
             "{\"server_id\":\"100\",\"user_id\":\"%llu\",\"kind\":\"kick\",\"rev\":%lld}",
             (unsigned long long)user, (long long)seq);
    world_event(w, "evt.v1.1.s.100.member.delete", seq, body);
    snprintf(subject, sizeof(subject), "evt.v1.1.u.%llu.server.leave", (unsigned long long)user);
    world_event(w, subject, 0, "{\"server_id\":\"100\",\"kind\":\"kick\"}");
}

void world_join(struct world *w, uint64_t user)
{
    char subject[64];
    auto_buf struct buf body = {0};
    pthread_mutex_lock(&w->model.lock);
    w->model.is_member = true;
    w->model.server_seq++;
    write_server(&w->model, &body);
    pthread_mutex_unlock(&w->model.lock);
    snprintf(subject, sizeof(subject), "evt.v1.1.u.%llu.server.create", (unsigned long long)user);
    world_event(w, subject, 0, body.data);
}

/* ---- the client ---- */

static void connect_pair(int *ret_client, int *ret_server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    *ret_client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(*ret_client, (struct sockaddr *)&address, len) == 0);
    *ret_server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    setsockopt(*ret_server, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    close(listener);
}

/* More bytes, or false after timeout_ms or at the end. */
static bool fill(struct client *c, int timeout_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (c->fd < 0 || poll(&p, 1, timeout_ms) <= 0)
        return false;
    char bytes[16384];
    ssize_t n = read(c->fd, bytes, sizeof(bytes));
    if (n <= 0)
        return false;
    buf_add(&c->in, bytes, (size_t)n);
    return true;
}

static void take(struct client *c, size_t n)
{
    memmove(c->in.data, c->in.data + n, c->in.len - n);
    c->in.len -= n;
}

bool client_open(struct client *c, struct world *w, const char *path, int *ret_status)
{
    int theirs;
    *c = (struct client){.fd = -1};
    connect_pair(&c->fd, &theirs);
    dprintf(c->fd,
            "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            path);
    sockets_adopt(w->gateway.sockets, theirs);
    while (c->in.len == 0 || strstr(buf_str(&c->in), "\r\n\r\n") == NULL)
        if (!fill(c, WAIT_MS))
            return false;
    int status = atoi(c->in.data + 9);
    if (ret_status != NULL)
        *ret_status = status;
    take(c, (size_t)(strstr(c->in.data, "\r\n\r\n") + 4 - c->in.data));
    return status == 101;
}

void client_cut(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    buf_done(&c->in);
    c->fd = -1;
}

void client_close(struct client *c)
{
    client_send_raw(c, 8, "\x03\xe8", 2);
    client_cut(c);
}

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

/* Masked with zeros, which is a mask like any other. */
void client_send_raw(struct client *c, int opcode, const char *bytes, size_t len)
{
    auto_buf struct buf out = {0};
    unsigned char head[14] = {(unsigned char)(0x80 | opcode)};
    size_t head_len = 2;
    if (len < 126) {
        head[1] = (unsigned char)(0x80 | len);
    } else if (len < 65536) {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(len >> 8);
        head[3] = (unsigned char)len;
        head_len = 4;
    } else {
        head[1] = 0x80 | 127;
        for (size_t i = 0; i < 8; i++)
            head[2 + i] = (unsigned char)(len >> (8 * (7 - i)));
        head_len = 10;
    }
    buf_add(&out, head, head_len + 4);
    buf_add(&out, bytes, len);
    write_all(c->fd, out.data, out.len);
}

void client_send(struct client *c, const char *format, ...)
{
    char text[BODY];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    client_send_raw(c, 1, text, (size_t)len);
}

/* Is a whole frame there? Its header's and payload's length. */
static bool frame_is_whole(const struct client *c, size_t *ret_head, size_t *ret_len)
{
    const unsigned char *b = (const unsigned char *)c->in.data;
    if (c->in.len < 2)
        return false;
    size_t width = b[1] == 126 ? 2 : b[1] == 127 ? 8 : 0;
    if (c->in.len < 2 + width)
        return false;
    uint64_t len = width == 0 ? b[1] : 0;
    for (size_t i = 0; i < width; i++)
        len = len << 8 | b[2 + i];
    *ret_head = 2 + width;
    *ret_len = (size_t)len;
    return c->in.len >= 2 + width + len;
}

const char *client_next(struct client *c, int timeout_ms)
{
    static __thread struct buf text;
    size_t head, len;
    while (!frame_is_whole(c, &head, &len))
        if (!fill(c, timeout_ms))
            return NULL;
    int first = (unsigned char)c->in.data[0];
    CHECK(first == 0x81 || first == 0x88);
    buf_reset(&text);
    buf_add(&text, c->in.data + head, len);
    take(c, head + len);
    if (first != 0x81) {
        c->code = len >= 2 ? (unsigned char)text.data[0] << 8 | (unsigned char)text.data[1] : 1005;
        return NULL;
    }
    if (strncmp(text.data, "{\"op\":\"event\"", 13) == 0)
        c->received++;
    return text.data;
}

const char *client_await(struct client *c, const char *text)
{
    const char *frame;
    while ((frame = client_next(c, WAIT_MS)) != NULL)
        if (strstr(frame, text) != NULL)
            return frame;
    return NULL;
}

bool client_is_quiet(struct client *c, int ms)
{
    const char *frame = client_next(c, ms);
    if (frame != NULL)
        printf("not quiet: %s\n", frame);
    return frame == NULL && c->code == 0;
}

bool client_identify(struct client *c, struct world *w, uint64_t user, uint64_t session)
{
    if (!CHECK(client_open(c, w, "/ws", NULL)) || !CHECK(client_await(c, "\"hello\"") != NULL))
        return false;
    client_send(c, "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}", world_token(w, user, session));
    const char *ready = client_await(c, "\"ready\"");
    if (!CHECK(ready != NULL))
        return false;
    const char *id = strstr(ready, "\"session_id\":\"") + 14;
    snprintf(c->session_id, sizeof(c->session_id), "%.22s", id);
    return true;
}
