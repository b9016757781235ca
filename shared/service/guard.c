/* SPDX-License-Identifier: MIT
 *
 * How a service that owns no memberships decides its SERVER and CHANNEL guards: it asks messaging,
 * every time. Nobody trusts a permission computed elsewhere earlier.
 */
#include "shared/service/rpc.h"

#include "shared/wire/bus.h"

struct permission_query {
    snowflake user_id;
    snowflake server_id;
    snowflake channel_id;
};
static const struct field permission_query_fields[] = {
    F_ID(permission_query, user_id),
    F_ID(permission_query, server_id, OPTIONAL),
    F_ID(permission_query, channel_id, OPTIONAL),
};
static SHAPE(permission_query);

struct permission_held {
    uint64_t permissions;
    bool is_member;
};
static const struct field permission_held_fields[] = {
    F_PERM(permission_held, permissions),
    F_BOOL(permission_held, is_member),
};
static SHAPE(permission_held);

enum err guard_ask(struct req *rq, enum guard guard, snowflake where, uint64_t permission)
{
    if (guard == GUARD_USER)
        return OK;
    bool is_server = guard == GUARD_SERVER;
    struct permission_query query = {
        .user_id = rq->actor,
        .server_id = is_server ? where : 0,
        .channel_id = is_server ? 0 : where,
    };
    struct permission_held held = {0};
    TRY(bus_call(rq, "messaging.permission.get", &permission_query_shape, &query,
                 &permission_held_shape, &held));
    if (!held.is_member)
        return is_server ? ERR_UNKNOWN_SERVER : ERR_UNKNOWN_CHANNEL;
    if (!is_server && !permission_has(held.permissions, PERM_VIEW_CHANNEL))
        return ERR_UNKNOWN_CHANNEL;
    if (!permission_has(held.permissions, permission))
        return fail(rq, ERR_MISSING_PERMISSIONS, "guard of the row");
    return OK;
}
