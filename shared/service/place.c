/* SPDX-License-Identifier: MIT
 *
 * One question to messaging. Nothing is kept: a channel can be deleted, and who asks has waited for
 * the same service's word in its guard anyway.
 */
#include "shared/service/place.h"

#include "shared/wire/bus.h"

struct channel_query {
    snowflake user_id;
    snowflake channel_id;
};
static const struct field channel_query_fields[] = {
    F_ID(channel_query, user_id),
    F_ID(channel_query, channel_id),
};
static SHAPE(channel_query);

static const struct field channel_place_fields[] = {
    F_ID(channel_place, server_id),
    F_STR(channel_place, channel_type),
    F_PERM(channel_place, permissions),
};
static SHAPE(channel_place);

enum err channel_locate(struct req *rq, snowflake channel_id, struct channel_place *ret)
{
    struct channel_query query = {.user_id = rq->actor, .channel_id = channel_id};
    *ret = (struct channel_place){.server_id = 0};
    TRY(bus_call(rq, "messaging.permission.get", &channel_query_shape, &query, &channel_place_shape,
                 ret));
    if (ret->server_id == 0 || ret->channel_type == NULL)
        return fail(rq, ERR_INTERNAL, "messaging.permission.get answered no place");
    return OK;
}
