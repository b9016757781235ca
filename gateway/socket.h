/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SOCKET_H
#define GATEWAY_SOCKET_H

/* WebSockets: bytes in, frames out, nothing of what they mean. The realtime side of the gateway is
 * opened and closed here; a session is all a socket knows. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/session.h"
#include "shared/base/err.h"
#include "shared/base/macros.h"

struct gateway;
struct socket;
struct sockets;

MUST_CHECK enum err sockets_open(struct gateway *g, struct sockets **ret); /* starts the loops */

/* A connected, non-blocking fd whose first bytes, still unread, are "GET /ws". Any thread, never
 * blocks. Past MAX_CONNECTIONS it is answered 503 and closed. */
void sockets_adopt(struct sockets *s, int fd);

/* `reconnect` to every session, then an orderly end of all of them. */
void sockets_drain(struct sockets *s);
/* Stops the threads; nothing is called after. The bus must still be open. */
void sockets_close(struct sockets *s);

int64_t sockets_count(const struct sockets *s); /* any thread */

/* As much of what waits as the kernel takes; the rest follows by session_resume_writing. */
void socket_write(struct socket *socket, struct session *s);
/* Begins the closing handshake; the session is gone for the socket at once. */
void socket_close(struct socket *socket, enum close_reason why);
void socket_attach(struct socket *socket, struct session *s);

#endif
