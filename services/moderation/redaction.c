/* SPDX-License-Identifier: MIT */
/* Taking down what somebody else wrote. Its tombstone stays, so that every client hears of it. */

#include "services/moderation/moderation.h"
#include "shared/wire/bus.h"

struct redact_args {
    snowflake channel_id;
    snowflake message_id;
    const char *reason;
};
static const struct field redact_args_fields[] = {
    F_ID(redact_args, channel_id),
    F_ID(redact_args, message_id),
    F_REASON(redact_args),
};
SHAPE(redact_args);

enum err message_redact(struct req *rq, const struct redact_args *in)
{
    return bus_call(rq, "messaging.message.redact", &redact_args_shape, in, NULL, NULL);
}
