/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ACCEPTOR_H
#define GATEWAY_ACCEPTOR_H

#include <netinet/in.h>

#include "shared/base/err.h"
#include "shared/base/macros.h"

/* One public port for everything: a thread accepts, looks at the first bytes without taking them,
 * and hands the socket to whoever speaks what it begins with. */
struct acceptor;

/* Takes the fd (non-blocking, TCP_NODELAY set), on the acceptor's thread. */
typedef void acceptor_take_fn(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_len);

struct acceptor_settings {
    const char *listen;          /* "127.0.0.1:8080", "[::]:8080" */
    acceptor_take_fn *websocket; /* begins with "GET /ws" and "?" or a blank */
    acceptor_take_fn *rest;      /* everything else */
    void *arg;
};
MUST_CHECK enum err acceptor_open(const struct acceptor_settings *s, struct acceptor **ret);
/* Nothing is accepted after this returned; what was handed over is not touched. */
void acceptor_close(struct acceptor *a);

#endif
