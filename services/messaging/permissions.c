/* SPDX-License-Identifier: MIT */
/* What other services ask before they act in a server or channel. */

#include "services/messaging/messaging.h"

struct permission_args {
    snowflake user_id;
    snowflake server_id;
    snowflake channel_id;
};
static const struct field permission_args_fields[] = {
    F_ID(permission_args, user_id),
    F_ID(permission_args, server_id, OPTIONAL),
    F_ID(permission_args, channel_id, OPTIONAL),
};
SHAPE(permission_args);

struct permission_set {
    snowflake user_id, server_id, channel_id;
    uint64_t permissions;
    int channel_type;
    bool is_member;
};
static const struct field permission_set_fields[] = {
    F_ID(permission_set, user_id),
    F_ID(permission_set, server_id),
    F_ID(permission_set, channel_id, OPTIONAL),
    F_PERM(permission_set, permissions),
    F_ENUM(permission_set, channel_type, channel_types, OPTIONAL),
    F_BOOL(permission_set, is_member, TEXT("Or an administrator of the instance, who may all.")),
};
SHAPE(permission_set);

enum err permission_get(struct req *rq, const struct permission_args *in)
{
    struct rights r;
    if (in->channel_id != 0)
        TRY(rights_in_channel(rq, in->user_id, in->channel_id, &r));
    else
        TRY(rights_in_server(rq, in->user_id, in->server_id, &r));
    struct permission_set set = {
        .user_id = in->user_id,
        .server_id = r.server_id,
        .channel_id = r.channel_id,
        .permissions = r.permissions,
        .channel_type = r.channel_id != 0 ? r.channel_type : -1,
        .is_member = true,
    };
    return reply(rq, &permission_set_shape, &set);
}
