/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the first ones of a connection, in two parts, through the real acceptor: whoever
 * gets the socket is decided by those bytes alone, and can still read every one of them. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "gateway/acceptor.h"
#include "shared/base/log.h"
#include "shared/base/macros.h"
#include "tests/fuzz/fuzz.h"

enum { HEAD = 8, SENT_MAX = 256, WAIT_MS = 20000 };

struct taken {
    int fd;
    bool is_websocket;
};

static struct {
    struct sockaddr_in at;
    int pipe[2]; /* what the acceptor's thread hands over */
} door;

static void hand_over(int fd, bool is_websocket)
{
    struct taken t = {fd, is_websocket};
    expect(write(door.pipe[1], &t, sizeof(t)) == sizeof(t));
}

static void take_websocket(void *arg UNUSED, int fd, const struct sockaddr *peer UNUSED,
                           socklen_t len UNUSED)
{
    hand_over(fd, true);
}

static void take_rest(void *arg UNUSED, int fd, const struct sockaddr *peer UNUSED,
                      socklen_t len UNUSED)
{
    hand_over(fd, false);
}

/* A port nobody has: one the kernel just gave away and took back. */
static void choose_port(void)
{
    socklen_t len = sizeof(door.at);
    auto_fd int fd = socket(AF_INET, SOCK_STREAM, 0);
    door.at =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    expect(bind(fd, (struct sockaddr *)&door.at, sizeof(door.at)) == 0);
    expect(getsockname(fd, (struct sockaddr *)&door.at, &len) == 0);
}

/* For the life of the process. */
static void open_door(void)
{
    static struct acceptor *acceptor;
    char listen[32];
    if (acceptor != NULL)
        return;
    choose_port();
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", ntohs(door.at.sin_port));
    expect(pipe(door.pipe) == 0);
    struct acceptor_settings s = {listen, take_websocket, take_rest, NULL};
    expect(acceptor_open(&s, &acceptor) == OK);
}

/* Closed with a reset, so that thousands of these leave no sockets behind. -1: the fuzzer's alarm
 * came in between, or this machine has no port left. */
static int connect_to_door(void)
{
    const struct linger at_once = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (connect(fd, (struct sockaddr *)&door.at, sizeof(door.at)) == 0)
        return fd;
    expect(errno == EINTR || errno == EADDRNOTAVAIL);
    close(fd);
    return -1;
}

static bool means_websocket(const uint8_t *data)
{
    return memcmp(data, "GET /ws?", HEAD) == 0 || memcmp(data, "GET /ws ", HEAD) == 0;
}

/* The fuzzer's own alarm interrupts. */
static void wait_readable(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    int n;
    do
        n = poll(&readable, 1, WAIT_MS);
    while (n < 0 && errno == EINTR);
    expect(n == 1);
}

static void expect_bytes(int fd, const uint8_t *data, size_t size)
{
    uint8_t got[SENT_MAX];
    size_t have = 0;
    while (have < size) {
        wait_readable(fd);
        ssize_t n = recv(fd, got + have, size - have, 0);
        expect(n > 0);
        have += (size_t)n;
    }
    expect(memcmp(got, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct taken t;
    if (size < HEAD + 1 || size > SENT_MAX)
        return 0;
    size_t first = 1 + data[0] % (size - 1);
    open_door();
    data++;
    size--;
    if (first > size)
        first = size;
    auto_fd int fd = connect_to_door();
    if (fd < 0)
        return 0;
    expect(send(fd, data, first, MSG_NOSIGNAL) == (ssize_t)first);
    expect(send(fd, data + first, size - first, MSG_NOSIGNAL) == (ssize_t)(size - first));

    wait_readable(door.pipe[0]);
    expect(read(door.pipe[0], &t, sizeof(t)) == sizeof(t));
    expect(t.is_websocket == means_websocket(data));
    expect_bytes(t.fd, data, size);
    close(t.fd);
    return 0;
}
