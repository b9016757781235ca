/* SPDX-License-Identifier: MIT */
#include "gateway/linger.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"

enum { PIECE = 64 * 1024, PIECES = 64 };

TEST(a_closed_connection_takes_what_still_comes_until_the_client_ends)
{
    static char piece[PIECE];
    int ends[2];
    struct lingerers *l = linger_new();
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CHECK_INT(send(ends[1], "answer", 6, 0), 6);
    shutdown(ends[1], SHUT_WR);
    linger_take(l, ends[1]);
    close(ends[1]);
    for (int i = 0; i < PIECES; i++)
        CHECK_INT(send(ends[0], piece, PIECE, MSG_NOSIGNAL), PIECE);
    CHECK_INT(recv(ends[0], piece, PIECE, 0), 6);
    CHECK_INT(recv(ends[0], piece, PIECE, 0), 0);
    shutdown(ends[0], SHUT_WR);
    struct pollfd closed = {.fd = ends[0], .events = 0};
    CHECK_INT(poll(&closed, 1, 2000), 1);
    CHECK((closed.revents & POLLHUP) != 0);
    close(ends[0]);
    linger_free(l);
}

TEST(who_never_ends_is_let_go_when_the_gateway_does)
{
    char byte;
    int ends[2];
    struct lingerers *l = linger_new();
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    linger_take(l, ends[1]);
    close(ends[1]);
    CHECK_INT(send(ends[0], "x", 1, MSG_NOSIGNAL), 1);
    linger_free(l);
    CHECK(recv(ends[0], &byte, 1, 0) <= 0);
    close(ends[0]);
}
