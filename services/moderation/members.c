/* SPDX-License-Identifier: MIT */
/* Kicks and time-outs. */

#include "services/moderation/moderation.h"
#include "shared/wire/bus.h"

static const struct field target_args_fields[] = {
    F_ID(target_args, server_id),
    F_ID(target_args, user_id),
    F_REASON(target_args),
};
SHAPE(target_args);

struct timeout_args {
    snowflake server_id;
    snowflake user_id;
    int64_t seconds;
    const char *reason;
};
static const struct field timeout_args_fields[] = {
    F_ID(timeout_args, server_id),
    F_ID(timeout_args, user_id),
    F_INT(timeout_args, seconds, RANGE(1, LIMIT_TIMEOUT)),
    F_REASON(timeout_args),
};
SHAPE(timeout_args);

struct timeout {
    snowflake server_id;
    snowflake user_id;
    int64_t timed_out_until;
};
static const struct field timeout_fields[] = {
    F_ID(timeout, server_id),
    F_ID(timeout, user_id),
    F_TIME(timeout, timed_out_until, NULLABLE),
};
SHAPE(timeout);

enum err member_kick(struct req *rq, const struct target_args *in)
{
    return bus_call(rq, "messaging.member.expel", &target_args_shape, in, NULL, NULL);
}

enum err timeout_create(struct req *rq, const struct timeout_args *in)
{
    struct timeout now = {0};
    TRY(bus_call(rq, "messaging.member.timeout", &timeout_args_shape, in, &timeout_shape, &now));
    return reply(rq, &timeout_shape, &now);
}

enum err timeout_delete(struct req *rq, const struct target_args *in)
{
    const struct timeout_args lift = {in->server_id, in->user_id, 0, in->reason};
    return bus_call(rq, "messaging.member.timeout", &timeout_args_shape, &lift, NULL, NULL);
}
