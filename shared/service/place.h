/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_PLACE_H
#define SHARED_SERVICE_PLACE_H

/* Where a channel is, for services that own no channels: asked of messaging on the caller's behalf,
 * so one that the caller does not see is ERR_UNKNOWN_CHANNEL. */

#include "shared/wire/req.h"

struct channel_place {
    snowflake id;
    snowflake server_id;
    const char *type; /* "text", "voice" ... */
};

MUST_CHECK enum err channel_locate(struct req *rq, snowflake channel_id, struct channel_place *ret);

#endif
