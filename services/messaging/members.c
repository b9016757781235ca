/* SPDX-License-Identifier: MIT */
/* Members: coming, going, nicknames. Coming and going hold the server's lock, so the member count,
 * the limits and the uses of an invite are exact; then the user's, so that the number of servers
 * per user is. The order is always server, then user. */

#include "services/messaging/audit.h"
#include "services/messaging/messaging.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

struct member_args {
    snowflake server_id;
    snowflake user_id;
};
static const struct field member_args_fields[] = {
    F_ID(member_args, server_id),
    F_ID(member_args, user_id),
};
SHAPE(member_args);

struct member_list_args {
    snowflake server_id;
    snowflake after;
    int64_t limit;
};
static const struct field member_list_args_fields[] = {
    F_ID(member_list_args, server_id),
    F_ID(member_list_args, after, OPTIONAL),
    F_INT(member_list_args, limit, OPTIONAL, RANGE(1, LIMIT_MEMBER_PAGE)),
};
SHAPE(member_list_args);

struct member_join_args {
    snowflake server_id;
    const char *invite;
};
static const struct field member_join_args_fields[] = {
    F_ID(member_join_args, server_id),
    F_STR(member_join_args, invite, OPTIONAL, RANGE(1, LIMIT_NONCE)),
};
SHAPE(member_join_args);

struct member_patch {
    snowflake server_id;
    snowflake user_id;
    const char *nickname;
    struct list roles;
    uint64_t given;
};
static const struct field member_patch_fields[] = {
    F_ID(member_patch, server_id),
    F_ID(member_patch, user_id),
    F_STR(member_patch, nickname, RANGE(1, LIMIT_DISPLAY_NAME),
          FLAGS(FIELD_ONE_LINE | FIELD_OPTIONAL | FIELD_NULLABLE)),
    F_IDS(member_patch, roles, RANGE(0, LIMIT_ROLES), OPTIONAL),
};
SHAPE_PATCH(member_patch);

struct member_role_args {
    snowflake server_id;
    snowflake user_id;
    snowflake role_id;
};
static const struct field member_role_args_fields[] = {
    F_ID(member_role_args, server_id),
    F_ID(member_role_args, user_id),
    F_ID(member_role_args, role_id),
};
SHAPE(member_role_args);

STMT(member_one,
     "SELECT " MEMBER_COLUMNS " FROM " MEMBER_FROM
     " WHERE m.server_id = $1 AND m.user_id = $2");

STMT(member_page,
     "SELECT " MEMBER_COLUMNS " FROM " MEMBER_FROM
     " WHERE m.server_id = $1 AND m.user_id > $2"
     " ORDER BY m.user_id LIMIT $3");

STMT(member_exists, "SELECT 1 FROM members WHERE server_id = $1 AND user_id = $2");

STMT(member_is_banned, "SELECT 1 FROM bans WHERE server_id = $1 AND user_id = $2");

STMT(member_server_count,
     "SELECT count(*) FROM members m JOIN servers s ON s.id = m.server_id"
     " WHERE m.user_id = $1 AND s.deleted_at IS NULL");

STMT(member_insert,
     "WITH counted AS (UPDATE servers SET member_count = member_count + 1 WHERE id = $1)"
     " INSERT INTO members (server_id, user_id, app_id, rev) VALUES ($1, $2, $3, $4)");

STMT(member_remove,
     "WITH gone AS (DELETE FROM members WHERE server_id = $1 AND user_id = $2 RETURNING 1)"
     " UPDATE servers SET member_count = member_count - 1"
     "  WHERE id = $1 AND EXISTS (SELECT FROM gone)");

STMT(member_change,
     "UPDATE members SET nickname = CASE WHEN $4 THEN $3 ELSE nickname END, rev = $5"
     " WHERE server_id = $1 AND user_id = $2");

STMT(member_roles_clear,
     "DELETE FROM member_roles"
     " WHERE server_id = $1 AND user_id = $2 AND role_id <> ALL ($3::bigint[])");

STMT(member_roles_add,
     "INSERT INTO member_roles (server_id, user_id, role_id)"
     " SELECT $1, $2, r FROM unnest($3::bigint[]) AS r ON CONFLICT DO NOTHING");

/* Of these roles, those the actor may not give or take: unknown ones count. */
STMT(member_roles_beyond,
     "SELECT count(*) FROM unnest($2::bigint[]) AS wanted"
     "  LEFT JOIN roles r ON r.server_id = $1 AND r.id = wanted AND r.id <> $1"
     " WHERE r.id IS NULL OR r.position >= $3");

STMT(member_role_delete,
     "DELETE FROM member_roles WHERE server_id = $1 AND user_id = $2 AND role_id = $3");

enum err member_find(struct req *rq, snowflake server_id, snowflake user_id, struct member *ret)
{
    return db_one(rq, &member_one, PARAMS(P(server_id), P(user_id)), &member_shape, ret,
                  ERR_UNKNOWN_MEMBER);
}

static enum err is_there(struct req *rq, const struct stmt *st, snowflake server_id,
                         snowflake user_id, bool *ret)
{
    int64_t one;
    enum err e = db_scalar(rq, st, PARAMS(P(server_id), P(user_id)), &one, ERR_UNKNOWN_MEMBER);
    if (e != OK && e != ERR_UNKNOWN_MEMBER)
        return e;
    *ret = e == OK;
    return OK;
}

static enum err entry_check(struct req *rq, const struct server *s, snowflake user_id)
{
    bool is_banned;
    TRY(is_there(rq, &member_is_banned, s->id, user_id, &is_banned));
    if (is_banned)
        return ERR_BANNED;
    return s->member_count >= LIMIT_MEMBERS ? ERR_MAX_MEMBERS : OK;
}

/* What the new member's own sessions are told: the server as a whole. */
static enum err tell_joined(struct req *rq, snowflake server_id, snowflake user_id, int64_t seq)
{
    struct list joined;
    TRY(state_of_user(rq, user_id, server_id, &joined));
    if (joined.count != 1)
        return fail(rq, ERR_INTERNAL, "the new member sees %zu servers", joined.count);
    emit(rq, EV_SERVER_CREATE, (struct event_to){.user = user_id, .seq = seq}, &server_joined_shape,
         LIST_AT(&joined, struct server_joined, 0));
    return OK;
}

enum err member_enter(struct req *rq, struct server *s, snowflake user_id)
{
    bool is_member;
    TRY(is_there(rq, &member_exists, s->id, user_id, &is_member));
    if (is_member)
        return OK;
    TRY(entry_check(rq, s, user_id));
    int64_t user_seq;
    TRY(user_advance(rq, user_id, &user_seq));
    int64_t servers;
    TRY(db_scalar(rq, &member_server_count, PARAMS(P(user_id)), &servers, ERR_INTERNAL));
    if (servers >= LIMIT_SERVERS_PER_USER)
        return ERR_MAX_SERVERS;

    TRY(server_advance(rq, s->id, 1, &s->seq));
    TRY(db_exec(rq, &member_insert, PARAMS(P(s->id), P(user_id), P(rq->app), P(s->seq)), NULL));
    TRY(reads_found(rq, s->id, user_id));
    s->member_count++;
    struct member m = {0};
    TRY(member_find(rq, s->id, user_id, &m));
    member_tell(rq, EV_MEMBER_CREATE, &m);
    return tell_joined(rq, s->id, user_id, user_seq);
}

enum err member_end(struct req *rq, const struct server *s, struct member_gone *gone)
{
    if (gone->user_id == s->owner_id)
        return gone->kind == END_LEAVE ? ERR_OWNER_CANNOT_LEAVE : ERR_HIERARCHY;
    int removed;
    TRY(db_exec(rq, &member_remove, PARAMS(P(s->id), P(gone->user_id)), &removed));
    if (removed == 0)
        return ERR_UNKNOWN_MEMBER;
    int64_t user_seq;
    TRY(server_advance(rq, s->id, 1, &gone->rev));
    TRY(user_advance(rq, gone->user_id, &user_seq));
    gone->server_id = s->id;
    emit(rq, EV_MEMBER_DELETE, (struct event_to){.server = s->id, .seq = gone->rev},
         &member_gone_shape, gone);
    struct server_left left = {s->id, gone->kind, gone->reason};
    emit(rq, EV_SERVER_LEAVE, (struct event_to){.user = gone->user_id, .seq = user_seq},
         &server_left_shape, &left);
    return OK;
}

void member_tell(struct req *rq, enum event_id what, const struct member *m)
{
    emit(rq, what, (struct event_to){.server = m->server_id, .seq = m->rev}, &member_shape, m);
}

enum err server_enter(struct req *rq, snowflake server_id, const char *invite)
{
    struct server s = {0};
    TRY(server_lock(rq, server_id, &s));
    bool is_member;
    TRY(is_there(rq, &member_exists, s.id, rq->actor, &is_member));
    if (!is_member && invite != NULL)
        TRY(invite_spend(rq, invite, &s));
    else if (!is_member && !s.is_public)
        return ERR_UNKNOWN_SERVER; /* a private server is not even there without an invite */
    TRY(member_enter(rq, &s, rq->actor));
    return reply(rq, &server_shape, &s);
}

enum err member_join(struct req *rq, const struct member_join_args *in)
{
    return server_enter(rq, in->server_id, in->invite);
}

enum err member_leave(struct req *rq, const struct server_args *in)
{
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    struct member_gone gone = {.user_id = rq->actor, .actor_id = rq->actor, .kind = END_LEAVE};
    return member_end(rq, &s, &gone);
}

enum err member_list(struct req *rq, const struct member_list_args *in)
{
    int64_t limit = in->limit != 0 ? in->limit : LIMIT_PAGE;
    struct list members;
    TRY(db_many(rq, &member_page, PARAMS(P(in->server_id), P(in->after), P(limit)), &member_shape,
                &members));
    return reply_list(rq, &member_shape, &members);
}

enum err member_get(struct req *rq, const struct member_args *in)
{
    struct member m = {0};
    TRY(member_find(rq, in->server_id, in->user_id, &m));
    return reply(rq, &member_shape, &m);
}

enum err member_add(struct req *rq, const struct member_args *in)
{
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    bool is_member;
    TRY(is_there(rq, &member_exists, s.id, in->user_id, &is_member));
    TRY(member_enter(rq, &s, in->user_id));
    struct member m = {0};
    TRY(member_find(rq, s.id, in->user_id, &m));
    if (!is_member)
        audit(rq,
              &(struct audit){.action = "member.add", .server_id = s.id, .target_id = in->user_id});
    return reply(rq, &member_shape, &m);
}

/* What one changes of oneself is nobody else's act. */
static void member_audit(struct req *rq, const struct member *before, const struct member *now)
{
    if (now->user_id == rq->actor)
        return;
    audit(rq, &(struct audit){.action = "member.update",
                              .server_id = now->server_id,
                              .target_id = now->user_id,
                              .shape = &member_shape,
                              .before = before,
                              .after = now});
}

/* Stamp the server's next number on the member, answer them as they are now and tell everybody. */
static enum err member_changed(struct req *rq, const struct member *m, const char *nickname,
                               bool has_nickname)
{
    int64_t seq;
    TRY(server_advance(rq, m->server_id, 1, &seq));
    TRY(db_exec(rq, &member_change,
                PARAMS(P(m->server_id), P(m->user_id), P(nickname), P(has_nickname), P(seq)),
                NULL));
    struct member now = {0};
    TRY(member_find(rq, m->server_id, m->user_id, &now));
    member_tell(rq, EV_MEMBER_UPDATE, &now);
    member_audit(rq, m, &now);
    return reply(rq, &member_shape, &now);
}

static enum err nickname_check(struct req *rq, const struct rights *actor,
                               const struct member_patch *in)
{
    TRY(title_check(rq, "nickname", in->nickname));
    if (in->user_id == rq->actor)
        return rights_include(actor, PERM_CHANGE_NICKNAME);
    TRY(rights_include(actor, PERM_MANAGE_NICKNAMES));
    return rights_require_above(rq, actor, in->user_id);
}

/* May the actor give or take all of these? */
static enum err roles_check(struct req *rq, const struct rights *actor, const snowflake *roles,
                            size_t n)
{
    TRY(rights_include(actor, PERM_MANAGE_ROLES));
    int64_t below = actor->rank.is_owner ? INT64_MAX : actor->rank.highest;
    int64_t beyond;
    TRY(db_scalar(rq, &member_roles_beyond, PARAMS(P(actor->server_id), P_IDS(roles, n), P(below)),
                  &beyond, ERR_INTERNAL));
    return beyond == 0 ? OK : ERR_HIERARCHY;
}

static bool is_in(const struct list *ids, snowflake id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (*LIST_AT(ids, snowflake, i) == id)
            return true;
    return false;
}

/* The roles that are in one list and not in both. */
static size_t roles_differing(const struct list *a, const struct list *b, snowflake *out)
{
    size_t n = 0;
    for (size_t i = 0; i < a->count; i++)
        if (!is_in(b, *LIST_AT(a, snowflake, i)))
            out[n++] = *LIST_AT(a, snowflake, i);
    for (size_t i = 0; i < b->count; i++)
        if (!is_in(a, *LIST_AT(b, snowflake, i)))
            out[n++] = *LIST_AT(b, snowflake, i);
    return n;
}

static enum err roles_set(struct req *rq, const struct rights *actor, const struct member *m,
                          const struct list *wanted)
{
    snowflake *differing = arena_new_n(&rq->arena, snowflake, m->roles.count + wanted->count + 1);
    size_t n = roles_differing(&m->roles, wanted, differing);
    TRY(roles_check(rq, actor, differing, n));
    struct param roles = P_IDS(wanted->items, wanted->count);
    TRY(db_exec(rq, &member_roles_clear, PARAMS(P(m->server_id), P(m->user_id), roles), NULL));
    return db_exec(rq, &member_roles_add, PARAMS(P(m->server_id), P(m->user_id), roles), NULL);
}

enum err member_update(struct req *rq, const struct member_patch *in)
{
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    struct rights actor;
    TRY(rights_in_server(rq, rq->actor, s.id, &actor));
    struct member m = {0};
    TRY(member_find(rq, s.id, in->user_id, &m));
    bool has_nickname = shape_given(&member_patch_shape, in, "nickname");
    if (has_nickname)
        TRY(nickname_check(rq, &actor, in));
    if (shape_given(&member_patch_shape, in, "roles"))
        TRY(roles_set(rq, &actor, &m, &in->roles));
    return member_changed(rq, &m, in->nickname, has_nickname);
}

static enum err role_hand(struct req *rq, const struct member_role_args *in, bool is_grant)
{
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    struct rights actor;
    TRY(rights_in_server(rq, rq->actor, s.id, &actor));
    struct member m = {0};
    TRY(member_find(rq, s.id, in->user_id, &m));
    TRY(role_require(rq, s.id, in->role_id));
    TRY(roles_check(rq, &actor, &in->role_id, 1));
    if (is_in(&m.roles, in->role_id) == is_grant)
        return reply(rq, &member_shape, &m);
    if (is_grant)
        TRY(db_exec(rq, &member_roles_add, PARAMS(P(s.id), P(in->user_id), P_IDS(&in->role_id, 1)),
                    NULL));
    else
        TRY(db_exec(rq, &member_role_delete, PARAMS(P(s.id), P(in->user_id), P(in->role_id)),
                    NULL));
    return member_changed(rq, &m, NULL, false);
}

enum err role_grant(struct req *rq, const struct member_role_args *in)
{
    return role_hand(rq, in, true);
}

enum err role_revoke(struct req *rq, const struct member_role_args *in)
{
    return role_hand(rq, in, false);
}
