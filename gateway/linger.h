/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_LINGER_H
#define GATEWAY_LINGER_H

/* The lingering close of RFC 9112, section 9.6: a connection that was answered before its request
 * was read to the end. Closing it with bytes unread makes the kernel reset it, and a client that is
 * still sending loses the answer; so what comes is thrown away for a while, until the client has
 * closed too. The number of connections, their time and their bytes are bounded. */

struct lingerers;

struct lingerers *linger_new(void);
/* Any thread. Takes a duplicate: the caller closes fd as ever, its side for writing first. */
void linger_take(struct lingerers *l, int fd);
/* Ends at once those that are left. */
void linger_free(struct lingerers *l);

#endif
