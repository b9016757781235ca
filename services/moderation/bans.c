/* SPDX-License-Identifier: MIT */
/* Bans. messaging keeps the list, because it keeps people out. */

#include "services/moderation/moderation.h"
#include "shared/wire/bus.h"

struct ban_args {
    snowflake server_id;
    snowflake user_id;
    const char *reason;
    int64_t delete_messages_seconds;
};
static const struct field ban_args_fields[] = {
    F_ID(ban_args, server_id),
    F_ID(ban_args, user_id),
    F_REASON(ban_args),
    F_INT(ban_args, delete_messages_seconds, OPTIONAL, RANGE(0, LIMIT_BAN_DELETE),
          TEXT("Also delete what they wrote in the last so many seconds.")),
};
SHAPE(ban_args);

struct ban_list_args {
    snowflake server_id;
    snowflake after;
    int64_t limit;
};
static const struct field ban_list_args_fields[] = {
    F_ID(ban_list_args, server_id),
    F_ID(ban_list_args, after, OPTIONAL),
    F_INT(ban_list_args, limit, OPTIONAL, RANGE(1, LIMIT_MEMBER_PAGE)),
};
SHAPE(ban_list_args);

struct banned_user {
    snowflake id;
    const char *username, *display_name, *avatar_url;
    bool is_bot;
};
static const struct field banned_user_fields[] = {
    F_ID(banned_user, id),
    F_STR(banned_user, username),
    F_STR(banned_user, display_name, NULLABLE),
    F_STR(banned_user, avatar_url, NULLABLE),
    F_BOOL(banned_user, is_bot),
};
static SHAPE(banned_user);

struct ban {
    snowflake server_id, user_id, actor_id;
    struct banned_user *user;
    const char *reason;
    int64_t created_at;
};
static const struct field ban_fields[] = {
    F_ID(ban, server_id),
    F_ID(ban, user_id),
    F_OBJ(ban, user, banned_user, OPTIONAL, TEXT("In lists; absent when never heard of.")),
    F_ID(ban, actor_id, TEXT("Who did it.")),
    F_STR(ban, reason, NULLABLE),
    F_TIME(ban, created_at),
};
SHAPE(ban);

enum err ban_list(struct req *rq, const struct ban_list_args *in)
{
    struct ban_list_args page = *in;
    if (page.limit == 0)
        page.limit = LIMIT_PAGE_DEFAULT;
    struct list bans;
    TRY(bus_call_many(rq, "messaging.ban.list", &ban_list_args_shape, &page, &ban_shape, &bans));
    return reply_list(rq, &ban_shape, &bans);
}

enum err ban_create(struct req *rq, const struct ban_args *in)
{
    struct ban made = {0};
    TRY(bus_call(rq, "messaging.ban.add", &ban_args_shape, in, &ban_shape, &made));
    return reply(rq, &ban_shape, &made);
}

enum err ban_delete(struct req *rq, const struct target_args *in)
{
    return bus_call(rq, "messaging.ban.remove", &target_args_shape, in, NULL, NULL);
}
