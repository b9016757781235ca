/* SPDX-License-Identifier: MIT */
/* Kick, ban, time-out, redaction: asked by moderation, which keeps the case; decided and done here,
 * where the data is. The caller of the request is the moderator: their permissions and rank count,
 * whatever moderation believes. */

#include "services/messaging/audit.h"
#include "services/messaging/messages.h"
#include "shared/base/clock.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

enum { SECOND_US = 1000000 };

struct expel_args {
    snowflake server_id;
    snowflake user_id;
    const char *reason;
};
static const struct field expel_args_fields[] = {
    F_ID(expel_args, server_id),
    F_ID(expel_args, user_id),
    F_STR(expel_args, reason, OPT_NULL, RANGE(0, LIMIT_REASON)),
};
SHAPE(expel_args);

struct timeout_args {
    snowflake server_id;
    snowflake user_id;
    int64_t seconds;
    const char *reason;
};
static const struct field timeout_args_fields[] = {
    F_ID(timeout_args, server_id),
    F_ID(timeout_args, user_id),
    F_INT(timeout_args, seconds, RANGE(0, LIMIT_TIMEOUT), TEXT("0 lifts it.")),
    F_STR(timeout_args, reason, OPT_NULL, RANGE(0, LIMIT_REASON)),
};
SHAPE(timeout_args);

struct ban_args {
    snowflake server_id;
    snowflake user_id;
    const char *reason;
    int64_t delete_messages_seconds;
};
static const struct field ban_args_fields[] = {
    F_ID(ban_args, server_id),
    F_ID(ban_args, user_id),
    F_STR(ban_args, reason, OPT_NULL, RANGE(0, LIMIT_REASON)),
    F_INT(ban_args, delete_messages_seconds, OPTIONAL, RANGE(0, LIMIT_BAN_DELETE)),
};
SHAPE(ban_args);

struct unban_args {
    snowflake server_id;
    snowflake user_id;
    const char *reason;
};
static const struct field unban_args_fields[] = {
    F_ID(unban_args, server_id),
    F_ID(unban_args, user_id),
    F_STR(unban_args, reason, OPT_NULL, RANGE(0, LIMIT_REASON)),
};
SHAPE(unban_args);

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

struct redact_args {
    snowflake channel_id;
    snowflake message_id;
    const char *reason;
};
static const struct field redact_args_fields[] = {
    F_ID(redact_args, channel_id),
    F_ID(redact_args, message_id),
    F_STR(redact_args, reason, OPT_NULL, RANGE(0, LIMIT_REASON)),
};
SHAPE(redact_args);

STMT(ban_insert,
     "INSERT INTO bans (server_id, user_id, actor_id, reason) VALUES ($1, $2, $3, $4)"
     "     ON CONFLICT (server_id, user_id) DO UPDATE SET reason = excluded.reason,"
     "        actor_id = excluded.actor_id"
     " RETURNING server_id, user_id, actor_id, reason, created_at");

STMT(ban_remove_row, "DELETE FROM bans WHERE server_id = $1 AND user_id = $2");

STMT(bans_of_server,
     "SELECT b.server_id, b.user_id, b.actor_id, b.reason, b.created_at, \"user\".*"
     "  FROM bans b" USER_BESIDE("user", "b.user_id AND u.app_id = $4")
     " WHERE b.server_id = $1 AND b.user_id > $2 ORDER BY b.user_id LIMIT $3");

STMT(member_silence,
     "UPDATE members SET timed_out_until = $3, rev = $4 WHERE server_id = $1 AND user_id = $2");

/* The server locked, the actor allowed and above the target. */
static enum err begin(struct req *rq, snowflake server_id, snowflake target, uint64_t permission,
                      struct server *ret_server)
{
    struct rights actor;
    TRY(rights_require(rq, server_id, permission, &actor));
    TRY(server_lock(rq, server_id, ret_server));
    TRY(rights_require(rq, server_id, permission, &actor));
    return rights_require_above(rq, &actor, target);
}

enum err member_expel(struct req *rq, const struct expel_args *in)
{
    struct server s = {0};
    TRY(begin(rq, in->server_id, in->user_id, PERM_KICK_MEMBERS, &s));
    struct member_gone gone = {
        .user_id = in->user_id, .actor_id = rq->actor, .kind = END_KICK, .reason = in->reason};
    TRY(member_end(rq, &s, &gone));
    audit(rq, &(struct audit){.action = "member.kick",
                              .server_id = s.id,
                              .target_id = in->user_id,
                              .reason = in->reason});
    return reply(rq, &member_gone_shape, &gone);
}

enum err member_timeout(struct req *rq, const struct timeout_args *in)
{
    struct server s = {0};
    TRY(begin(rq, in->server_id, in->user_id, PERM_MODERATE_MEMBERS, &s));
    struct member before = {0};
    TRY(member_find(rq, s.id, in->user_id, &before));
    int64_t until = in->seconds > 0 ? clock_us() + in->seconds * SECOND_US : 0;
    int64_t seq;
    TRY(server_advance(rq, s.id, 1, &seq));
    TRY(db_exec(rq, &member_silence, PARAMS(P(s.id), P(in->user_id), P_TIME(until), P(seq)), NULL));
    struct member m = {0};
    TRY(member_find(rq, s.id, in->user_id, &m));
    member_tell(rq, EV_MEMBER_UPDATE, &m);
    audit(rq, &(struct audit){.action = until != 0 ? "timeout.create" : "timeout.delete",
                              .server_id = s.id,
                              .target_id = in->user_id,
                              .reason = in->reason,
                              .shape = &member_shape,
                              .before = &before,
                              .after = &m});
    return reply(rq, &member_shape, &m);
}

static void ban_tell(struct req *rq, enum event_id what, const struct ban *b)
{
    struct ban_event event = {b->server_id, b->user_id, rq->actor, b->reason};
    emit(rq, what, (struct event_to){.server = b->server_id}, &ban_event_shape, &event);
    audit(rq, &(struct audit){.action = event_types[what].name,
                              .server_id = b->server_id,
                              .target_id = b->user_id,
                              .reason = b->reason});
}

/* Somebody who is no member can be banned too. */
static enum err ban_expel(struct req *rq, const struct server *s, const struct ban_args *in)
{
    struct member_gone gone = {
        .user_id = in->user_id, .actor_id = rq->actor, .kind = END_BAN, .reason = in->reason};
    enum err e = member_end(rq, s, &gone);
    return e == ERR_UNKNOWN_MEMBER ? OK : e;
}

enum err ban_add(struct req *rq, const struct ban_args *in)
{
    struct server s = {0};
    TRY(begin(rq, in->server_id, in->user_id, PERM_BAN_MEMBERS, &s));
    TRY(ban_expel(rq, &s, in));
    struct ban b = {0};
    TRY(db_one(rq, &ban_insert, PARAMS(P(s.id), P(in->user_id), P(rq->actor), P(in->reason)),
               &ban_shape, &b, ERR_INTERNAL));
    if (in->delete_messages_seconds > 0)
        TRY(messages_bury(rq, s.id, in->user_id,
                          clock_us() - in->delete_messages_seconds * SECOND_US));
    ban_tell(rq, EV_BAN_CREATE, &b);
    return reply(rq, &ban_shape, &b);
}

enum err ban_remove(struct req *rq, const struct unban_args *in)
{
    struct rights actor;
    TRY(rights_require(rq, in->server_id, PERM_BAN_MEMBERS, &actor));
    int removed;
    TRY(db_exec(rq, &ban_remove_row, PARAMS(P(in->server_id), P(in->user_id)), &removed));
    if (removed == 0)
        return ERR_UNKNOWN_BAN;
    struct ban b = {.server_id = in->server_id, .user_id = in->user_id, .reason = in->reason};
    ban_tell(rq, EV_BAN_DELETE, &b);
    return OK;
}

enum err ban_list(struct req *rq, const struct ban_list_args *in)
{
    struct rights actor;
    TRY(rights_require(rq, in->server_id, PERM_BAN_MEMBERS, &actor));
    int64_t limit = in->limit != 0 ? in->limit : LIMIT_PAGE;
    struct list bans;
    TRY(db_many(rq, &bans_of_server, PARAMS(P(in->server_id), P(in->after), P(limit), P(rq->app)),
                &ban_shape, &bans));
    return reply_list(rq, &ban_shape, &bans);
}

enum err message_redact(struct req *rq, const struct redact_args *in)
{
    struct rights where;
    TRY(rights_here(rq, in->channel_id, &where));
    TRY(rights_include(&where, PERM_MANAGE_MESSAGES));
    struct message_gone gone = {0};
    TRY(message_bury(rq, &where, in->message_id, &gone));
    message_audit(rq, &gone, in->reason);
    return reply(rq, &message_gone_shape, &gone);
}
