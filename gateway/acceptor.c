/* SPDX-License-Identifier: MIT
 *
 * Accepts and sorts connections. Peeking at too few bytes would wake the loop again and again, so
 * the socket itself is told to report only from PEEK_BYTES on; one that does not send them in time
 * is closed. Only those that have not spoken yet are known here, and there is a bound on them.
 */
#include "gateway/acceptor.h"

#include <errno.h>
#include <ev.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"
#include "shared/base/wheel.h"

enum {
    PEEK_BYTES = 8, /* "GET /ws?"; the shortest request is longer */
    SILENT_US = 10 * 1000000,
    SILENT_MAX = 4096,
    ACCEPT_BURST = 64, /* before those that wait are looked at again */
    BACKLOG = 4096,
    TICK_MS = 500,
    WHEEL_SLOTS = 64,
    HOST_SIZE = 256,
};

/* A connection that has not said enough yet. */
struct silent {
    struct ev_io io;
    struct timer timer;
    struct acceptor *acceptor;
    struct silent *next;
    struct silent **at; /* what points here */
    struct sockaddr_storage peer;
    socklen_t peer_len;
};

struct acceptor {
    struct acceptor_settings settings;
    struct ev_loop *loop;
    struct ev_io listener;
    struct ev_timer tick;
    struct ev_async stop;
    struct wheel *wheel;
    struct silent *silent;
    size_t silent_count;
    pthread_t thread;
};

static void forget(struct silent *s)
{
    ev_io_stop(s->acceptor->loop, &s->io);
    timer_cancel(&s->timer);
    *s->at = s->next;
    if (s->next != NULL)
        s->next->at = s->at;
    s->acceptor->silent_count--;
    free(s);
}

static void drop(struct silent *s)
{
    close(s->io.fd);
    forget(s);
}

static void on_silence(struct timer *t UNUSED, void *arg)
{
    drop(arg);
}

static bool is_websocket(const char first[PEEK_BYTES])
{
    return memcmp(first, "GET /ws", PEEK_BYTES - 1) == 0 &&
           (first[PEEK_BYTES - 1] == '?' || first[PEEK_BYTES - 1] == ' ');
}

static void hand_over(struct silent *s, acceptor_take_fn *take)
{
    int one = 1;
    setsockopt(s->io.fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
    take(s->acceptor->settings.arg, s->io.fd, (struct sockaddr *)&s->peer, s->peer_len);
    forget(s);
}

static void on_bytes(struct ev_loop *loop UNUSED, struct ev_io *io, int events UNUSED)
{
    struct silent *s = io->data;
    char first[PEEK_BYTES];
    ssize_t n = recv(io->fd, first, sizeof(first), MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < PEEK_BYTES) /* the end came first */
        drop(s);
    else
        hand_over(s, is_websocket(first) ? s->acceptor->settings.websocket
                                         : s->acceptor->settings.rest);
}

static void greet(struct acceptor *a, int fd, const struct sockaddr_storage *peer, socklen_t len)
{
    static const int one = 1;
    static const int enough = PEEK_BYTES;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &enough, sizeof(enough));

    struct silent *s = heap_alloc(sizeof(*s));
    s->acceptor = a;
    s->peer = *peer;
    s->peer_len = len;
    s->next = a->silent;
    s->at = &a->silent;
    if (s->next != NULL)
        s->next->at = &s->next;
    a->silent = s;
    a->silent_count++;
    ev_io_init(&s->io, on_bytes, fd, EV_READ);
    s->io.data = s;
    ev_io_start(a->loop, &s->io);
    timer_set(a->wheel, &s->timer, mono_us() + SILENT_US, on_silence, s);
}

/* Out of file descriptors: what waits in the backlog is tried again with the next tick, instead of
 * spinning on a listener that stays readable. */
static void pause_listening(struct acceptor *a)
{
    LOG(ERROR, "acceptor.exhausted", KV("errno", errno));
    ev_io_stop(a->loop, &a->listener);
}

static void on_connection(struct ev_loop *loop UNUSED, struct ev_io *io, int events UNUSED)
{
    struct acceptor *a = io->data;
    for (int i = 0; i < ACCEPT_BURST; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        int fd = accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_listening(a);
            return;
        }
        if (a->silent_count >= SILENT_MAX)
            close(fd);
        else
            greet(a, fd, &peer, len);
    }
}

static void on_tick(struct ev_loop *loop, struct ev_timer *tick, int events UNUSED)
{
    struct acceptor *a = tick->data;
    wheel_advance(a->wheel, mono_us());
    ev_io_start(loop, &a->listener);
}

static void on_stop(struct ev_loop *loop, struct ev_async *stop UNUSED, int events UNUSED)
{
    ev_break(loop, EVBREAK_ALL);
}

static void *run(void *arg)
{
    struct acceptor *a = arg;
    ev_run(a->loop, 0);
    return NULL;
}

/* "host:port" or "[v6]:port". */
static bool split_address(const char *text, char host[HOST_SIZE], const char **ret_port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text)
        return false;
    size_t len = (size_t)(colon - text);
    if (text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= HOST_SIZE)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return true;
}

static int listen_at(const struct addrinfo *at)
{
    static const int one = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

static int listen_on(const char *text)
{
    char host[HOST_SIZE];
    const char *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int fd = -1;
    if (!split_address(text, host, &port) || getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
        fd = listen_at(at);
    freeaddrinfo(found);
    return fd;
}

enum err acceptor_open(const struct acceptor_settings *s, struct acceptor **ret)
{
    int fd = listen_on(s->listen);
    if (fd < 0) {
        LOG(ERROR, "acceptor.failed", KV("listen", s->listen), KV("errno", errno));
        return ERR_UNAVAILABLE;
    }
    struct acceptor *a = heap_alloc(sizeof(*a));
    a->settings = *s;
    a->wheel = wheel_new(TICK_MS, WHEEL_SLOTS, mono_us());
    a->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);

    ev_io_init(&a->listener, on_connection, fd, EV_READ);
    ev_timer_init(&a->tick, on_tick, TICK_MS / 1000.0, TICK_MS / 1000.0);
    ev_async_init(&a->stop, on_stop);
    a->listener.data = a->tick.data = a;
    ev_io_start(a->loop, &a->listener);
    ev_timer_start(a->loop, &a->tick);
    ev_async_start(a->loop, &a->stop);
    thread_start(&a->thread, run, a);
    *ret = a;
    return OK;
}

void acceptor_close(struct acceptor *a)
{
    if (a == NULL)
        return;
    ev_async_send(a->loop, &a->stop);
    pthread_join(a->thread, NULL);
    while (a->silent != NULL)
        drop(a->silent);
    close(a->listener.fd);
    ev_loop_destroy(a->loop);
    wheel_free(a->wheel);
    free(a);
}
