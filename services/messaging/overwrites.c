/* SPDX-License-Identifier: MIT */
/* Exceptions for roles and members in one channel, and membership of a private channel, which is
 * nothing but such an exception. Nobody gives or takes by an exception what they lack there. */

#include "services/messaging/audit.h"
#include "services/messaging/messaging.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

enum { SCAN_PAGE = 500 };

struct overwrite_args {
    snowflake channel_id;
    snowflake target_id;
    int type;
    uint64_t allow;
    uint64_t deny;
};
static const struct field overwrite_args_fields[] = {
    F_ID(overwrite_args, channel_id),
    F_ID(overwrite_args, target_id),
    F_ENUM(overwrite_args, type, overwrite_types),
    F_PERM(overwrite_args, allow, OPTIONAL),
    F_PERM(overwrite_args, deny, OPTIONAL),
};
SHAPE(overwrite_args);

struct overwrite_gone_args {
    snowflake channel_id;
    snowflake target_id;
};
static const struct field overwrite_gone_args_fields[] = {
    F_ID(overwrite_gone_args, channel_id),
    F_ID(overwrite_gone_args, target_id),
};
SHAPE(overwrite_gone_args);

struct viewer_args {
    snowflake channel_id;
    snowflake user_id;
};
static const struct field viewer_args_fields[] = {
    F_ID(viewer_args, channel_id),
    F_ID(viewer_args, user_id),
};
SHAPE(viewer_args);

struct viewer_list_args {
    snowflake channel_id;
    snowflake after;
    int64_t limit;
};
static const struct field viewer_list_args_fields[] = {
    F_ID(viewer_list_args, channel_id),
    F_ID(viewer_list_args, after, OPTIONAL),
    F_INT(viewer_list_args, limit, OPTIONAL, RANGE(1, LIMIT_PAGE)),
};
SHAPE(viewer_list_args);

STMT(overwrite_one,
     "SELECT target_id AS id, type, allow, deny FROM overwrites"
     " WHERE channel_id = $1 AND target_id = $2");

STMT(overwrite_count, "SELECT count(*) FROM overwrites WHERE channel_id = $1");

STMT(overwrite_upsert,
     "INSERT INTO overwrites (channel_id, target_id, type, allow, deny)"
     " VALUES ($1, $2, $3, $4, $5)"
     "     ON CONFLICT (channel_id, target_id) DO UPDATE"
     "    SET type = excluded.type, allow = excluded.allow, deny = excluded.deny");

STMT(overwrite_remove, "DELETE FROM overwrites WHERE channel_id = $1 AND target_id = $2");

/* Members who may see the channel, as far as sets can say: nobody who sees it is missing. Where the
 * everyone role is denied, only exceptions and administrators can. */
STMT(viewer_candidates,
     "WITH here AS (SELECT c.server_id, s.owner_id,"
     "        EXISTS (SELECT FROM overwrites o WHERE o.channel_id = c.id"
     "                   AND o.target_id = c.server_id AND o.deny & $4 <> 0) AS is_private"
     "        FROM channels c JOIN servers s ON s.id = c.server_id WHERE c.id = $1),"
     " opening AS (SELECT r.id FROM roles r JOIN here ON r.server_id = here.server_id"
     "        WHERE r.permissions & $5 <> 0 OR (r.permissions & $4 <> 0 AND NOT here.is_private)"
     "           OR EXISTS (SELECT FROM overwrites o WHERE o.channel_id = $1"
     "                         AND o.target_id = r.id AND o.allow & $4 <> 0))"
     " SELECT " MEMBER_COLUMNS
     "  FROM here JOIN members m ON m.server_id = here.server_id" USER_BESIDE("user", "m.user_id")
     " WHERE m.user_id > $2"
     "   AND (m.user_id = here.owner_id OR here.server_id IN (SELECT id FROM opening)"
     "        OR EXISTS (SELECT FROM member_roles mr JOIN opening ON opening.id = mr.role_id"
     "                    WHERE mr.server_id = m.server_id AND mr.user_id = m.user_id)"
     "        OR EXISTS (SELECT FROM overwrites o WHERE o.channel_id = $1"
     "                      AND o.target_id = m.user_id AND o.allow & $4 <> 0))"
     " ORDER BY m.user_id LIMIT $3");

static enum err overwrite_find(struct req *rq, snowflake channel_id, snowflake target_id,
                               struct overwrite_row *ret)
{
    enum err e = db_one(rq, &overwrite_one, PARAMS(P(channel_id), P(target_id)),
                        &overwrite_row_shape, ret, ERR_UNKNOWN_OVERWRITE);
    return e;
}

/* All zero when there is none. */
static enum err overwrite_peek(struct req *rq, snowflake channel_id, snowflake target_id,
                               struct overwrite_row *ret)
{
    *ret = (struct overwrite_row){0};
    enum err e = overwrite_find(rq, channel_id, target_id, ret);
    return e == ERR_UNKNOWN_OVERWRITE ? OK : e;
}

static enum err target_check(struct req *rq, snowflake server_id, const struct overwrite_input *o)
{
    if (o->type == OVERWRITE_ROLE && o->id == server_id)
        return OK;
    if (o->type == OVERWRITE_ROLE)
        return role_require(rq, server_id, o->id);
    struct member m = {0};
    return member_find(rq, server_id, o->id, &m);
}

static enum err overwrite_store(struct req *rq, snowflake channel_id,
                                const struct overwrite_input *o)
{
    return db_exec(
        rq, &overwrite_upsert,
        PARAMS(P(channel_id), P(o->id), P(overwrite_types[o->type]), P(o->allow), P(o->deny)),
        NULL);
}

enum err overwrite_put(struct req *rq, const struct rights *actor, const struct overwrite_input *o)
{
    TRY(target_check(rq, actor->server_id, o));
    struct overwrite_row before = {0};
    enum err e = overwrite_find(rq, actor->channel_id, o->id, &before);
    if (e != OK && e != ERR_UNKNOWN_OVERWRITE)
        return e;
    if (!role_may_grant(actor->permissions, before.allow, o->allow) ||
        !role_may_grant(actor->permissions, before.deny, o->deny))
        return ERR_MISSING_PERMISSIONS;
    int64_t count;
    TRY(db_scalar(rq, &overwrite_count, PARAMS(P(actor->channel_id)), &count, ERR_INTERNAL));
    if (e == ERR_UNKNOWN_OVERWRITE && count >= LIMIT_OVERWRITES)
        return ERR_MAX_OVERWRITES;
    return overwrite_store(rq, actor->channel_id, o);
}

/* The server's lock, then the actor's rights as they are under it. */
static enum err begin(struct req *rq, snowflake channel_id, struct rights *ret_actor)
{
    struct rights before;
    TRY(rights_here(rq, channel_id, &before));
    struct server s = {0};
    TRY(server_lock(rq, before.server_id, &s));
    TRY(rights_here(rq, channel_id, ret_actor));
    return rights_include(ret_actor, PERM_MANAGE_ROLES);
}

/* Answers the channel as it is now. */
static enum err overwrite_changed(struct req *rq, const struct rights *actor, snowflake target_id,
                                  const struct overwrite_row *before)
{
    struct overwrite_row now;
    TRY(overwrite_peek(rq, actor->channel_id, target_id, &now));
    audit(rq, &(struct audit){.action = now.id != 0 ? "overwrite.set" : "overwrite.delete",
                              .server_id = actor->server_id,
                              .channel_id = actor->channel_id,
                              .target_id = target_id,
                              .shape = &overwrite_row_shape,
                              .before = before->id != 0 ? before : NULL,
                              .after = now.id != 0 ? &now : NULL});
    return channel_changed(rq, actor->server_id, actor->channel_id);
}

enum err overwrite_set(struct req *rq, const struct overwrite_args *in)
{
    struct rights actor;
    TRY(begin(rq, in->channel_id, &actor));
    struct overwrite_row before;
    TRY(overwrite_peek(rq, in->channel_id, in->target_id, &before));
    struct overwrite_input o = {in->target_id, in->type, in->allow & ~in->deny, in->deny};
    TRY(overwrite_put(rq, &actor, &o));
    return overwrite_changed(rq, &actor, in->target_id, &before);
}

enum err overwrite_delete(struct req *rq, const struct overwrite_gone_args *in)
{
    struct rights actor;
    TRY(begin(rq, in->channel_id, &actor));
    struct overwrite_row before = {0};
    TRY(overwrite_find(rq, in->channel_id, in->target_id, &before));
    if (!role_may_grant(actor.permissions, before.allow | before.deny, PERM_NONE))
        return ERR_MISSING_PERMISSIONS;
    TRY(db_exec(rq, &overwrite_remove, PARAMS(P(in->channel_id), P(in->target_id)), NULL));
    return overwrite_changed(rq, &actor, in->target_id, &before);
}

/* One member's exception, changed in nothing but VIEW_CHANNEL; one that says nothing is removed. */
static enum err view_set(struct req *rq, const struct viewer_args *in, uint64_t allow,
                         uint64_t deny)
{
    struct overwrite_row o = {0};
    enum err e = overwrite_find(rq, in->channel_id, in->user_id, &o);
    if (e != OK && e != ERR_UNKNOWN_OVERWRITE)
        return e;
    struct overwrite_input now = {in->user_id, OVERWRITE_MEMBER,
                                  (o.allow & ~(uint64_t)PERM_VIEW_CHANNEL) | allow,
                                  (o.deny & ~(uint64_t)PERM_VIEW_CHANNEL) | deny};
    if (now.allow != 0 || now.deny != 0)
        return overwrite_store(rq, in->channel_id, &now);
    return db_exec(rq, &overwrite_remove, PARAMS(P(in->channel_id), P(in->user_id)), NULL);
}

static enum err viewer_begin(struct req *rq, const struct viewer_args *in, struct rights *ret_actor)
{
    TRY(begin(rq, in->channel_id, ret_actor));
    struct member m = {0};
    TRY(member_find(rq, ret_actor->server_id, in->user_id, &m));
    int64_t count;
    TRY(db_scalar(rq, &overwrite_count, PARAMS(P(in->channel_id)), &count, ERR_INTERNAL));
    return count >= LIMIT_OVERWRITES ? ERR_MAX_OVERWRITES : OK;
}

enum err viewer_add(struct req *rq, const struct viewer_args *in)
{
    struct rights actor;
    struct overwrite_row before;
    TRY(viewer_begin(rq, in, &actor));
    TRY(overwrite_peek(rq, in->channel_id, in->user_id, &before));
    TRY(view_set(rq, in, PERM_VIEW_CHANNEL, PERM_NONE));
    return overwrite_changed(rq, &actor, in->user_id, &before);
}

enum err viewer_remove(struct req *rq, const struct viewer_args *in)
{
    struct rights actor;
    struct overwrite_row before;
    TRY(viewer_begin(rq, in, &actor));
    TRY(overwrite_peek(rq, in->channel_id, in->user_id, &before));
    TRY(view_set(rq, in, PERM_NONE, PERM_NONE));
    /* Who still sees it does by a role: then it takes a denial. */
    struct list still;
    TRY(rights_of_many(rq, in->channel_id, &in->user_id, 1, &still));
    if (still.count == 1 &&
        permission_has(LIST_AT(&still, struct rights, 0)->permissions, PERM_VIEW_CHANNEL))
        TRY(view_set(rq, in, PERM_NONE, PERM_VIEW_CHANNEL));
    return overwrite_changed(rq, &actor, in->user_id, &before);
}

static bool sees(const struct list *rights, snowflake user_id)
{
    for (size_t i = 0; i < rights->count; i++) {
        const struct rights *r = LIST_AT(rights, struct rights, i);
        if (r->user_id == user_id)
            return permission_has(r->permissions, PERM_VIEW_CHANNEL);
    }
    return false;
}

/* Moves those of `from` who see the channel to the end of `to`. */
static enum err viewers_take(struct req *rq, snowflake channel_id, const struct list *from,
                             size_t limit, struct list *to)
{
    snowflake *users = arena_new_n(&rq->arena, snowflake, from->count + 1);
    for (size_t i = 0; i < from->count; i++)
        users[i] = LIST_AT(from, struct member, i)->user_id;
    struct list rights;
    TRY(rights_of_many(rq, channel_id, users, from->count, &rights));
    for (size_t i = 0; i < from->count && to->count < limit; i++)
        if (sees(&rights, users[i]))
            *LIST_AT(to, struct member, to->count++) = *LIST_AT(from, struct member, i);
    return OK;
}

enum err viewer_list(struct req *rq, const struct viewer_list_args *in)
{
    size_t limit = in->limit != 0 ? (size_t)in->limit : LIMIT_PAGE_DEFAULT;
    struct list viewers = {arena_new_n(&rq->arena, struct member, limit), 0};
    struct list page;
    snowflake after = in->after;
    do {
        TRY(db_many(rq, &viewer_candidates,
                    PARAMS(P(in->channel_id), P(after), P(SCAN_PAGE), P(PERM_VIEW_CHANNEL),
                           P(PERM_ADMINISTRATOR)),
                    &member_shape, &page));
        TRY(viewers_take(rq, in->channel_id, &page, limit, &viewers));
        if (page.count > 0)
            after = LIST_AT(&page, struct member, page.count - 1)->user_id;
    } while (viewers.count < limit && page.count == SCAN_PAGE);
    return reply_list(rq, &member_shape, &viewers);
}
