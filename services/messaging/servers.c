/* SPDX-License-Identifier: MIT */
/* Servers: founding, changing, ending them. The server's row lock, taken first by whoever changes
 * anything of its structure, orders all such changes; its counter numbers them without a gap, one
 * event each. */

#include "services/messaging/audit.h"
#include "services/messaging/messaging.h"
#include "shared/domain/limit.h"
#include "shared/domain/name.h"
#include "shared/store/db.h"

static const struct field server_args_fields[] = {
    F_ID(server_args, server_id),
};
SHAPE(server_args);

struct server_create_args {
    const char *name;
    const char *description;
    bool is_public;
};
static const struct field server_create_args_fields[] = {
    F_STR(server_create_args, name, RANGE(LIMIT_SERVER_NAME_MIN, LIMIT_SERVER_NAME),
          FLAGS(FIELD_ONE_LINE)),
    F_STR(server_create_args, description, RANGE(0, LIMIT_TOPIC), OPT_NULL),
    F_BOOL(server_create_args, is_public, OPTIONAL),
};
SHAPE(server_create_args);

struct server_patch {
    snowflake server_id;
    const char *name;
    const char *description;
    bool is_public;
    snowflake owner_id;
    uint64_t given;
};
static const struct field server_patch_fields[] = {
    F_ID(server_patch, server_id),
    F_STR(server_patch, name, RANGE(LIMIT_SERVER_NAME_MIN, LIMIT_SERVER_NAME),
          FLAGS(FIELD_ONE_LINE | FIELD_OPTIONAL)),
    F_STR(server_patch, description, RANGE(0, LIMIT_TOPIC), OPT_NULL),
    F_BOOL(server_patch, is_public, OPTIONAL),
    F_ID(server_patch, owner_id, OPTIONAL, TEXT("Hand the server to this member.")),
};
SHAPE_PATCH(server_patch);

STMT(server_lock_row,
     "SELECT " SERVER_COLUMNS " FROM servers s"
     " WHERE s.id = $1 AND s.app_id = $2 AND s.deleted_at IS NULL"
     "   FOR NO KEY UPDATE");

STMT(server_count_up, "UPDATE servers SET seq = seq + $2 WHERE id = $1 RETURNING seq - $2 + 1");

STMT(server_insert,
     "INSERT INTO servers AS s (id, app_id, owner_id, name, description, is_public)"
     " VALUES ($1, $2, $3, $4, $5, $6)"
     " RETURNING " SERVER_COLUMNS);

STMT(server_one,
     "SELECT " SERVER_COLUMNS " FROM servers s"
     " WHERE s.id = $1 AND s.app_id = $2 AND s.deleted_at IS NULL");

STMT(servers_of_user,
     "SELECT " SERVER_COLUMNS " FROM members m JOIN servers s ON s.id = m.server_id"
     " WHERE m.user_id = $1 AND m.app_id = $2 AND s.deleted_at IS NULL"
     " ORDER BY s.id");

STMT(server_change,
     "UPDATE servers AS s"
     "   SET name = coalesce($2, name),"
     "       description = CASE WHEN $4 THEN $3 ELSE description END,"
     "       is_public = coalesce($5, is_public),"
     "       owner_id = coalesce($6, owner_id)"
     " WHERE s.id = $1"
     " RETURNING " SERVER_COLUMNS);

STMT(server_mark_deleted, "UPDATE servers SET deleted_at = now() WHERE id = $1");

enum err id_new(struct req *rq, snowflake *ret_id)
{
    snowflake id = snowflake_next();
    if (id == 0)
        return fail(rq, ERR_UNAVAILABLE, "no worker number is leased");
    *ret_id = id;
    return OK;
}

enum err title_check(struct req *rq, const char *field, const char *text)
{
    if (text == NULL)
        return OK;
    const char *why = name_check_title(text, 1, LIMIT_SERVER_NAME);
    return why == NULL ? OK : fail_field(rq, field, why);
}

enum err server_lock(struct req *rq, snowflake server_id, struct server *ret)
{
    rights_touch(rq, server_id);
    return db_one(rq, &server_lock_row, PARAMS(P(server_id), P(rq->app)), &server_shape, ret,
                  ERR_UNKNOWN_SERVER);
}

enum err server_advance(struct req *rq, snowflake server_id, int64_t count, int64_t *ret_first)
{
    return db_scalar(rq, &server_count_up, PARAMS(P(server_id), P(count)), ret_first,
                     ERR_UNKNOWN_SERVER);
}

enum err server_create(struct req *rq, const struct server_create_args *in)
{
    TRY(title_check(rq, "name", in->name));
    snowflake id = 0;
    TRY(id_new(rq, &id));
    struct server s = {0};
    TRY(db_one(
        rq, &server_insert,
        PARAMS(P(id), P(rq->app), P(rq->actor), P(in->name), P(in->description), P(in->is_public)),
        &server_shape, &s, ERR_INTERNAL));
    TRY(roles_found(rq, id));
    TRY(channels_found(rq, id));
    TRY(member_enter(rq, &s, rq->actor));
    return reply(rq, &server_shape, &s);
}

enum err server_list(struct req *rq, const struct no_args *in UNUSED)
{
    struct list servers;
    TRY(db_many(rq, &servers_of_user, PARAMS(P(rq->actor), P(rq->app)), &server_shape, &servers));
    return reply_list(rq, &server_shape, &servers);
}

enum err server_get(struct req *rq, const struct server_args *in)
{
    struct server s = {0};
    TRY(db_one(rq, &server_one, PARAMS(P(in->server_id), P(rq->app)), &server_shape, &s,
               ERR_UNKNOWN_SERVER));
    return reply(rq, &server_shape, &s);
}

static enum err owner_require(struct req *rq, snowflake server_id)
{
    struct rights actor;
    TRY(rights_in_server(rq, rq->actor, server_id, &actor));
    return actor.rank.is_owner ? OK : ERR_MISSING_PERMISSIONS;
}

/* Only the owner gives the server away, and only to somebody who is in it. */
static enum err handover_check(struct req *rq, const struct server_patch *in)
{
    if (in->owner_id == 0)
        return OK;
    TRY(owner_require(rq, in->server_id));
    struct member heir = {0};
    return member_find(rq, in->server_id, in->owner_id, &heir);
}

enum err server_update(struct req *rq, const struct server_patch *in)
{
    TRY(title_check(rq, "name", in->name));
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    TRY(handover_check(rq, in));
    const struct server before = s;
    int64_t seq;
    TRY(server_advance(rq, in->server_id, 1, &seq));
    TRY(db_one(rq, &server_change,
               PARAMS(P(in->server_id), P(in->name), P(in->description),
                      P(shape_given(&server_patch_shape, in, "description")),
                      shape_given(&server_patch_shape, in, "is_public") ? P(in->is_public) : P_NULL,
                      P_OPT(in->owner_id)),
               &server_shape, &s, ERR_UNKNOWN_SERVER));
    emit(rq, EV_SERVER_UPDATE, (struct event_to){.server = s.id, .seq = s.seq}, &server_shape, &s);
    audit(rq, &(struct audit){.action = "server.update",
                              .server_id = s.id,
                              .target_id = s.id,
                              .shape = &server_shape,
                              .before = &before,
                              .after = &s});
    return reply(rq, &server_shape, &s);
}

enum err server_delete(struct req *rq, const struct server_args *in)
{
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    TRY(owner_require(rq, in->server_id));
    struct server_gone gone = {.id = s.id, .server_id = s.id};
    TRY(server_advance(rq, s.id, 1, &gone.seq));
    TRY(db_exec(rq, &server_mark_deleted, PARAMS(P(s.id)), NULL));
    emit(rq, EV_SERVER_DELETE, (struct event_to){.server = s.id, .seq = gone.seq},
         &server_gone_shape, &gone);
    audit(rq, &(struct audit){.action = "server.delete", .server_id = s.id, .target_id = s.id});
    return OK;
}
