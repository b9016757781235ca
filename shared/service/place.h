/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_PLACE_H
#define SHARED_SERVICE_PLACE_H

/* Where a channel is and what the caller may do in it, for services that own no channels: asked of
 * messaging. One the caller does not see is ERR_UNKNOWN_CHANNEL. */

#include "shared/wire/req.h"

struct channel_place {
    snowflake server_id;
    const char *channel_type; /* "text", "voice" ... */
    uint64_t permissions;
};

MUST_CHECK enum err channel_locate(struct req *rq, snowflake channel_id, struct channel_place *ret);

#endif
