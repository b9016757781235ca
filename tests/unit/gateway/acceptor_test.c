/* SPDX-License-Identifier: MIT */
#include "gateway/acceptor.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"
#include "tests/unit/gateway/front.h"

struct door {
    struct acceptor *acceptor;
    int port;
    atomic_int websockets;
    atomic_int rests;
    char first[64]; /* what the taker could still read */
};

static void take_first(struct door *d, int fd)
{
    ssize_t n = recv(fd, d->first, sizeof(d->first) - 1, 0);
    d->first[n > 0 ? n : 0] = '\0';
    close(fd);
}

static void take_websocket(void *arg, int fd, const struct sockaddr *peer UNUSED,
                           socklen_t len UNUSED)
{
    struct door *d = arg;
    take_first(d, fd);
    atomic_fetch_add(&d->websockets, 1);
}

static void take_rest(void *arg, int fd, const struct sockaddr *peer UNUSED, socklen_t len UNUSED)
{
    struct door *d = arg;
    take_first(d, fd);
    atomic_fetch_add(&d->rests, 1);
}

/* A port nobody has: one the kernel just gave away and took back. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    auto_fd int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static bool door_open(struct door *d)
{
    char listen[32];
    *d = (struct door){.port = free_port()};
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", d->port);
    struct acceptor_settings s = {listen, take_websocket, take_rest, d};
    return CHECK_INT(acceptor_open(&s, &d->acceptor), OK);
}

static int door_connect(const struct door *d, const char *text)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)d->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), (long long)strlen(text));
    return fd;
}

static bool has_websocket(void *arg)
{
    return atomic_load(&((struct door *)arg)->websockets) > 0;
}

static bool has_rest(void *arg)
{
    return atomic_load(&((struct door *)arg)->rests) > 0;
}

TEST(an_upgrade_and_a_request_come_through_one_door)
{
    struct door d;
    if (!door_open(&d))
        return;
    int ws = door_connect(&d, "GET /ws?token=x HTTP/1.1\r\n\r\n");
    CHECK(front_wait(has_websocket, &d));
    CHECK_STR(d.first, "GET /ws?token=x HTTP/1.1\r\n\r\n");
    int rest = door_connect(&d, "GET /wsx HTTP/1.1\r\n\r\n");
    CHECK(front_wait(has_rest, &d));
    CHECK_STR(d.first, "GET /wsx HTTP/1.1\r\n\r\n");
    CHECK_INT(atomic_load(&d.websockets), 1);
    close(ws);
    close(rest);
    acceptor_close(d.acceptor);
}

TEST(a_request_in_two_halves_is_waited_for)
{
    struct door d;
    if (!door_open(&d))
        return;
    int fd = door_connect(&d, "GET");
    int other = door_connect(&d, "POST / HTTP/1.1\r\n\r\n");
    CHECK(front_wait(has_rest, &d));
    CHECK_INT(atomic_load(&d.websockets), 0);
    CHECK_INT(send(fd, " /ws HTTP/1.1\r\n", 15, MSG_NOSIGNAL), 15);
    CHECK(front_wait(has_websocket, &d));
    close(fd);
    close(other);
    acceptor_close(d.acceptor);
}

TEST(a_client_that_leaves_without_a_word_is_forgotten)
{
    struct door d;
    char byte;
    if (!door_open(&d))
        return;
    int fd = door_connect(&d, "GE");
    CHECK_INT(shutdown(fd, SHUT_WR), 0);
    CHECK(recv(fd, &byte, 1, 0) <= 0); /* an end or a reset: its two bytes were never read */
    CHECK_INT(atomic_load(&d.rests) + atomic_load(&d.websockets), 0);
    close(fd);
    acceptor_close(d.acceptor);
}

TEST(an_address_that_cannot_be_had_is_an_error)
{
    static const char *const bad[] = {"", ":", "8080", "127.0.0.1:x", "256.1.1.1:1", "[::1:80"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct acceptor *a = NULL;
        struct acceptor_settings s = {.listen = bad[i]};
        CHECK_INT(acceptor_open(&s, &a), ERR_UNAVAILABLE);
    }
}
