/* SPDX-License-Identifier: MIT */
#ifndef SHARED_STORE_CACHE_PRIVATE_H
#define SHARED_STORE_CACHE_PRIVATE_H

/* What the files of the Redis layer share: the address, values out of replies, commands in. */

#include <hiredis/hiredis.h>

#include "shared/store/cache.h"

struct cache_address {
    char *host;
    char *path; /* of a Unix socket; then host is not used */
    char *password;
    int port;
    int db;
};
MUST_CHECK bool cache_address_parse(const char *url, struct cache_address *ret);
void cache_address_done(struct cache_address *a);

void cache_value_fill(struct arena *a, const redisReply *reply, struct cache_value *ret);

/* Takes `command` (hiredis' memory) in any case. */
MUST_CHECK enum err cache_ask_formatted(struct cache *c, char *command, int64_t len,
                                        cache_answer_fn *fn, void *arg);

#endif
