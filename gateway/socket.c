/* SPDX-License-Identifier: MIT
 *
 * libwebsockets, one context for each loop on a libev loop of ours; it parses, we write. Every
 * write goes through write_raw: frames that carry their own header, shared by all sockets, which
 * libwebsockets passes on untouched. Its own text frames would be copied for each socket and come
 * out without a header after a partial write. */

#include "gateway/socket.h"

#include <errno.h>
#include <ev.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/backlog.h"
#include "gateway/command.h"
#include "gateway/entry.h"
#include "gateway/fanout.h"
#include "gateway/feed.h"
#include "gateway/gateway.h"
#include "gateway/identity.h"
#include "gateway/intents.h"
#include "gateway/peer.h"
#include "gateway/presence.h"
#include "gateway/server.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/thread.h"
#include "shared/crypto/token.h"
#include "shared/domain/limit.h"
#include "shared/service/metrics.h"

enum {
    CHUNK = 64 * 1024,       /* of one write of several frames */
    WRITE_MAX = 1024 * 1024, /* of one write of one frame */
    RX_CHUNK = 512,          /* allocated for each socket */
    HEADERS_MAX = 8192,
    HANDSHAKE_S = 30,
    CLOSING_MS = 5000,
    DRAIN_MS = 2000,
    ASKS_MS = 8000,
    PEEK_SIZE = 64,
    CLOSE_GOING_AWAY = 1001,
    UPGRADE_REQUIRED = 426
};

/* libwebsockets allocates and zeroes it with the connection. */
struct socket {
    struct lws *wsi;
    struct loop *loop;
    struct session *session; /* NULL: before the handshake is done, and once it is closing */
    struct buf rx;           /* the pieces of a message, until the last */
    struct timer timer;      /* closing took too long */
    enum close_reason reason;
    bool is_closing;
    bool has_said_goodbye; /* our close frame is on its way */
    bool is_left;          /* theirs came first, and they will not come back */
};

/* A loop with what only sockets need. */
struct shard {
    struct loop *loop;
    struct lws_context *lws;
    char scratch[CHUNK]; /* where several frames become one write */
};

struct sockets {
    struct gateway *gateway;
    struct fanout *fanout;
    struct shard *shards[LOOPS_MAX];
    size_t count;
    atomic_uint next;
    atomic_bool is_draining;
    _Atomic int64_t connections;
    struct stopper empty; /* nudged whenever connections falls to zero */
    _Atomic int64_t logged_us;
};

/* ---- writing ---- */

static void kill_socket(struct socket *k)
{
    lws_set_timeout(k->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
}

/* Straight into the kernel, which takes all of it unless the reader is slow. LWS_WRITE_HTTP on a
 * WebSocket passes the rest through as it is and keeps what the kernel does not take then either.
 * The count it returns is the kernel's, so only < 0 means failure. It wants to write to the buffer
 * only for kinds of frames that it heads itself. Nothing may be kept from before. */
static bool write_raw(struct socket *k, const char *bytes, size_t len)
{
    ssize_t n = send(lws_get_socket_fd(k->wsi), bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    size_t sent = n > 0 ? (size_t)n : 0;
    unsigned char *rest = (unsigned char *)(uintptr_t)bytes + sent;
    return sent == len || lws_write(k->wsi, rest, len - sent, LWS_WRITE_HTTP) >= 0;
}

/* As many whole frames as fit, side by side; tells the replay what is on its way. Never a part of
 * one: libwebsockets may answer a ping between any two of our writes. */
static size_t gather(char *scratch, struct session *s)
{
    size_t len = 0;
    struct frame *f;
    while ((f = replay_peek(&s->out, 0)) != NULL && f->len <= CHUNK - len) {
        memcpy(scratch + len, f->bytes, f->len);
        len += f->len;
        replay_wrote(&s->out);
        metric_add(METRIC_frames_sent_total, 0, 0, 1);
    }
    return len;
}

static bool write_some(struct socket *k, struct session *s)
{
    struct frame *first = replay_peek(&s->out, 0);
    struct frame *second = replay_peek(&s->out, 1);
    if (second != NULL && first->len + second->len <= CHUNK) {
        char *scratch = k->loop->sockets->shards[k->loop->index]->scratch;
        size_t len = gather(scratch, s);
        return write_raw(k, scratch, len);
    }
    bool is_ok = write_raw(k, first->bytes, first->len);
    replay_wrote(&s->out);
    metric_add(METRIC_frames_sent_total, 0, 0, 1);
    return is_ok;
}

void socket_write(struct socket *k, struct session *s)
{
    while (replay_waiting(&s->out) > 0) {
        if (lws_partial_buffered(k->wsi)) {
            lws_callback_on_writable(k->wsi);
            return;
        }
        if (!write_some(k, s)) {
            k->session = NULL;
            kill_socket(k);
            session_lost_socket(s, false);
            return;
        }
    }
}

static void on_closing_timeout(struct timer *t, void *arg)
{
    (void)t;
    kill_socket(arg);
}

void socket_close(struct socket *k, enum close_reason why)
{
    k->session = NULL;
    k->reason = why;
    k->is_closing = true;
    loop_later(k->loop, &k->timer, CLOSING_MS, on_closing_timeout, k);
    lws_callback_on_writable(k->wsi);
}

void socket_attach(struct socket *k, struct session *s)
{
    k->session = s;
}

/* How many there were before. */
static int64_t count_socket(struct sockets *k, int64_t change)
{
    metric_add(METRIC_sockets, 0, 0, change);
    int64_t before = atomic_fetch_add(&k->connections, change);
    if (before + change == 0)
        stopper_nudge(&k->empty);
    return before;
}

/* ---- libwebsockets' callbacks ---- */

static void address_of(struct lws *wsi, const struct gateway *g, char ret[PEER_TEXT_SIZE])
{
    char forwarded[HEADERS_MAX]; /* whole: the hops that count are the last ones */
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);
    bool is_forwarded =
        lws_hdr_copy(wsi, forwarded, sizeof(forwarded), WSI_TOKEN_X_FORWARDED_FOR) > 0;
    if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&peer, &len) != 0)
        peer.ss_family = AF_UNSPEC;
    peer_address(g->peers, (struct sockaddr *)&peer, is_forwarded ? forwarded : NULL, ret);
}

static struct span url_argument(struct lws *wsi, const char *name, char *out, int size)
{
    const char *value = lws_get_urlarg_by_name(wsi, name, out, size);
    return value != NULL ? (struct span){value, strlen(value)} : (struct span){0};
}

/* The credential may come with the URL, for clients that cannot wait for a frame. */
static void identify_by_url(struct socket *k)
{
    char text[TOKEN_MAX + 1];
    struct span token = url_argument(k->wsi, "token=", text, sizeof(text));
    if (token.len > 0) {
        entry_identify(k->session, token, false);
        return;
    }
    struct span ticket = url_argument(k->wsi, "ticket=", text, sizeof(text));
    if (ticket.len > 0)
        entry_identify(k->session, ticket, true);
}

static void on_established(struct socket *k, struct lws *wsi, struct loop *l)
{
    char ip[PEER_TEXT_SIZE];
    char agent[LIMIT_USER_AGENT + 1];
    if (lws_hdr_copy(wsi, agent, sizeof(agent), WSI_TOKEN_HTTP_USER_AGENT) < 0)
        agent[0] = '\0';
    str_ascii_printable(agent);
    address_of(wsi, l->gateway, ip);
    k->wsi = wsi;
    k->loop = l;
    k->session = session_new(l, k, ip, agent);
    identify_by_url(k);
}

static void on_receive(struct socket *k, struct lws *wsi, const char *in, size_t len)
{
    if (k->session == NULL)
        return;
    bool is_last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    if (lws_frame_is_binary(wsi)) {
        session_close(k->session, CLOSE_BAD_FRAME);
    } else if (k->rx.len + len > LIMIT_FRAME) {
        session_close(k->session, CLOSE_TOO_LARGE);
    } else if (is_last && k->rx.len == 0) {
        command_receive(k->session, in, len);
    } else {
        buf_add(&k->rx, in, len);
        if (!is_last)
            return;
        command_receive(k->session, k->rx.data, k->rx.len);
    }
    buf_done(&k->rx);
}

/* Ours as well: of its own frames libwebsockets forgets the header when the kernel is full. */
static void say_goodbye(struct socket *k)
{
    struct frame *f = frame_close(close_code(k->reason), close_text(k->reason));
    k->has_said_goodbye = true;
    if (!write_raw(k, f->bytes, f->len))
        kill_socket(k);
    frame_unref(f);
}

static void on_writeable(struct socket *k)
{
    if (k->session != NULL)
        session_resume_writing(k->session);
    else if (k->is_closing && !k->has_said_goodbye)
        say_goodbye(k);
}

/* Answered by libwebsockets, unless it is the answer to ours: then the connection ends (-1). */
static int on_peer_close(struct socket *k, const unsigned char *in, size_t len)
{
    int code = len >= 2 ? in[0] << 8 | in[1] : 0;
    k->is_left = code == close_code(CLOSE_NORMAL) || code == CLOSE_GOING_AWAY;
    return k->has_said_goodbye ? -1 : 0;
}

/* It may never have been established: a client can go away in the middle of the handshake. */
static void on_closed(struct socket *k)
{
    if (k->session != NULL)
        session_lost_socket(k->session, k->is_left);
    timer_cancel(&k->timer);
    buf_done(&k->rx);
    *k = (struct socket){0};
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct loop *l = lws_context_user(lws_get_context(wsi));
    struct socket *k = user;
    /* Most of some hundred reasons concern other protocols. */
    if (reason == LWS_CALLBACK_RECEIVE)
        on_receive(k, wsi, in, len);
    else if (reason == LWS_CALLBACK_SERVER_WRITEABLE)
        on_writeable(k);
    else if (reason == LWS_CALLBACK_ESTABLISHED)
        on_established(k, wsi, l);
    else if (reason == LWS_CALLBACK_WS_PEER_INITIATED_CLOSE)
        return on_peer_close(k, in, len);
    else if (reason == LWS_CALLBACK_CLOSED)
        on_closed(k);
    else if (reason == LWS_CALLBACK_HTTP)
        return lws_return_http_status(wsi, UPGRADE_REQUIRED, NULL) < 0 ? -1 : 1;
    else if (reason == LWS_CALLBACK_WSI_DESTROY)
        count_socket(l->sockets, -1);
    return 0;
}

/* ---- the loops ---- */

static void log_line_of_lws(int level, const char *line)
{
    (void)level;
    LOG(WARN, "lws.says", KV("text", line));
}

static struct shard *shard_new(struct sockets *k, unsigned index)
{
    static const struct lws_protocols protocols[] = {
        {.name = "parley",
         .callback = on_event,
         .per_session_data_size = sizeof(struct socket),
         .rx_buffer_size = RX_CHUNK,
         .tx_packet_size = WRITE_MAX},
        {.name = NULL},
    };
    /* All zero: no pings, no validity timers, which are lists sorted by time. */
    static const lws_retry_bo_t no_timers;
    struct shard *shard = heap_alloc(sizeof(*shard));
    shard->loop = loop_new(k->gateway, index);
    shard->loop->sockets = k;
    void *foreign[] = {loop_ev(shard->loop)};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .options = LWS_SERVER_OPTION_LIBEV,
        .foreign_loops = foreign,
        .user = shard->loop,
        .timeout_secs = HANDSHAKE_S,
        .max_http_header_data = HEADERS_MAX,
        .retry_and_idle_policy = &no_timers,
    };
    shard->lws = lws_create_context(&info);
    if (shard->lws == NULL)
        die("socket: libwebsockets has no context; is its libev plugin installed?");
    return shard;
}

static void on_revoked_loop(struct loop *l, struct post *p);
struct revocation {
    struct post post;
    snowflake login;
};

static void on_revoked(void *arg, snowflake login)
{
    struct sockets *k = arg;
    for (size_t i = 0; i < k->count; i++) {
        struct revocation *r = heap_alloc(sizeof(*r));
        *r = (struct revocation){.post.run = on_revoked_loop, .login = login};
        loop_post(k->shards[i]->loop, &r->post);
    }
}

static void on_revoked_loop(struct loop *l, struct post *p)
{
    struct revocation *r = CONTAINER_OF(p, struct revocation, post);
    sessions_close(l, r->login, CLOSE_AUTH_FAILED);
    free(r);
}

enum err sockets_open(struct gateway *g, struct sockets **ret)
{
    lws_set_log_level(LLL_ERR, log_line_of_lws);
    intents_init();
    struct sockets *k = heap_alloc(sizeof(*k));
    struct loop *loops[LOOPS_MAX];
    k->gateway = g;
    stopper_init(&k->empty);
    k->count = (size_t)g->settings->ws_loops;
    for (size_t i = 0; i < k->count; i++) {
        k->shards[i] = shard_new(k, (unsigned)i);
        loops[i] = k->shards[i]->loop;
    }
    TRY(fanout_open(g->bus, loops, k->count, &k->fanout));
    for (size_t i = 0; i < k->count; i++) {
        loops[i]->fanout = k->fanout;
        presence_beat_start(loops[i]);
        loop_start(loops[i]);
    }
    identity_on_revoke(g->identities, on_revoked, k);
    *ret = k;
    return OK;
}

/* ---- coming in ---- */

struct adoption {
    struct post post;
    int fd;
};

static void adopt(struct loop *l, struct post *p)
{
    struct adoption *a = CONTAINER_OF(p, struct adoption, post);
    struct shard *shard = l->sockets->shards[l->index];
    if (lws_adopt_socket(shard->lws, a->fd) == NULL)
        LOG(WARN, "socket.lost", KV("loop", (int)l->index));
    free(a);
}

static void refuse_socket(struct sockets *k, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
                                 "Content-Length: 0\r\nConnection: close\r\n\r\n";
    metric_add(METRIC_sockets_refused_total, 0, 0, 1);
    (void)!send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    int64_t now = mono_us();
    int64_t last = atomic_load(&k->logged_us);
    if (now - last > 1000000 && atomic_compare_exchange_strong(&k->logged_us, &last, now))
        LOG(WARN, "socket.refused", KV("connections", sockets_count(k)));
}

/* Who resumes goes where the session is: its resume_url says "/ws?loop=1". */
static struct loop *loop_for(struct sockets *k, int fd)
{
    static const char name[] = "/ws?loop=";
    char head[PEEK_SIZE + 1];
    ssize_t len = recv(fd, head, PEEK_SIZE, MSG_PEEK | MSG_DONTWAIT);
    head[len > 0 ? len : 0] = '\0';
    const char *at = strstr(head, name);
    size_t index = at != NULL ? (size_t)strtoul(at + sizeof(name) - 1, NULL, 10)
                              : atomic_fetch_add(&k->next, 1);
    return k->shards[index % k->count]->loop;
}

void sockets_adopt(struct sockets *k, int fd)
{
    int64_t max = k->gateway->settings->max_connections;
    if (count_socket(k, 1) >= max || atomic_load(&k->is_draining)) {
        count_socket(k, -1);
        refuse_socket(k, fd);
        return;
    }
    struct adoption *a = heap_alloc(sizeof(*a));
    *a = (struct adoption){.post.run = adopt, .fd = fd};
    loop_post(loop_for(k, fd), &a->post);
}

int64_t sockets_count(const struct sockets *k)
{
    return atomic_load(&k->connections);
}

/* ---- going ---- */

static void wait_until_empty(struct sockets *k, int64_t ms)
{
    int64_t until = mono_us() + ms * 1000;
    while (sockets_count(k) > 0 && mono_us() < until)
        (void)stopper_wait(&k->empty, (int)((until - mono_us()) / 1000) + 1);
}

static void drain(struct loop *l, struct post *p)
{
    static const char reconnect[] = "{\"op\":\"reconnect\"}";
    void *session;
    for (size_t at = 0; map_next(&l->sessions, &at, NULL, &session);)
        session_send_json(session, FRAME_ANSWER, reconnect, sizeof(reconnect) - 1);
    sessions_close(l, 0, CLOSE_RESTART);
    presence_beat_stop(l);
    free(p);
}

void sockets_drain(struct sockets *k)
{
    atomic_store(&k->is_draining, true);
    for (size_t i = 0; i < k->count; i++) {
        struct post *p = heap_alloc(sizeof(*p));
        p->run = drain;
        loop_post(k->shards[i]->loop, p);
    }
    wait_until_empty(k, DRAIN_MS);
}

/* Its thread has ended, so this one may do as if it were the loop. */
static void shard_free(struct shard *shard)
{
    struct loop *l = shard->loop;
    lws_context_destroy(shard->lws);
    sessions_close(l, 0, CLOSE_RESTART);
    session_flush_dirty(l);
    servers_free(l);
    feeds_free(l);
    backlogs_free(l);
    loop_free(l);
    free(shard);
}

void sockets_close(struct sockets *k)
{
    if (k == NULL)
        return;
    identity_on_revoke(k->gateway->identities, NULL, NULL);
    for (size_t i = 0; i < k->count; i++)
        loop_wait_for_answers(k->shards[i]->loop, ASKS_MS);
    for (size_t i = 0; i < k->count; i++)
        loop_stop(k->shards[i]->loop);
    for (size_t i = 0; i < k->count; i++)
        shard_free(k->shards[i]);
    fanout_close(k->fanout);
    stopper_done(&k->empty);
    free(k);
}
