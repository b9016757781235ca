/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_PEER_H
#define GATEWAY_PEER_H

#include <arpa/inet.h>

#include "shared/base/err.h"
#include "shared/base/macros.h"

/* The client's address. X-Forwarded-For is believed only from the proxies named in the settings,
 * from right to left until the first address that is not one of them. */
struct peers;

#define PEER_TEXT_SIZE INET6_ADDRSTRLEN

/* list: "127.0.0.1, 10.0.0.0/8, ::1" or NULL. ERR_INVALID_FORM: not such a list. */
MUST_CHECK enum err peers_new(const char *list, struct peers **ret);
void peers_free(struct peers *p);

/* forwarded is the header's value or NULL; an unreadable one is ignored. */
void peer_address(const struct peers *p, const struct sockaddr *peer, const char *forwarded,
                  char ret_text[PEER_TEXT_SIZE]);

/* What limits count by: the address itself, of IPv6 its /64, because whoever has one address of
 * that has them all. */
void peer_bucket(const char *address, char ret_text[PEER_TEXT_SIZE]);

#endif
