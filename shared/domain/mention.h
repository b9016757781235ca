/* SPDX-License-Identifier: MIT */
#ifndef SHARED_DOMAIN_MENTION_H
#define SHARED_DOMAIN_MENTION_H

/* Whom a message names: <@user>, <@!user>, <@&role>, @everyone and @here, outside of code. Each id
 * once, in order of appearance; what is beyond the limit is not a mention. Whether those ids exist,
 * and whether the author may notify them, is the caller's to decide. */

#include "shared/domain/limit.h"
#include "shared/domain/snowflake.h"

#include <stdbool.h>
#include <stddef.h>

struct mentions {
    snowflake users[LIMIT_MENTIONS];
    size_t user_count;
    snowflake roles[LIMIT_MENTIONS];
    size_t role_count;
    bool everyone;
    bool here;
};

void mention_scan(const char *text, size_t len, struct mentions *ret_mentions);

#endif
