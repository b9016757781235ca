/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_REST_H
#define GATEWAY_REST_H

#include <stddef.h>
#include <sys/socket.h>

#include "shared/base/err.h"
#include "shared/base/macros.h"

/* Everything HTTP: the API, files, probes, the documents and the web client's own files. */
struct gateway;
struct rest;

MUST_CHECK enum err rest_open(struct gateway *g, struct rest **ret);

/* Takes a connected, non-blocking fd; any thread. */
void rest_adopt(struct rest *r, int fd, const struct sockaddr *peer, socklen_t peer_len);

/* Waits up to timeout_ms for the answers in flight; connections close after theirs. */
void rest_drain(struct rest *r, int timeout_ms);

/* After bus_close, which ends everything that is still asked. */
void rest_close(struct rest *r);

#endif
