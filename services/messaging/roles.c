/* SPDX-License-Identifier: MIT */
/* Roles. Nobody makes, changes or deletes a role at or above their own highest, nor puts a
 * permission into one that they lack. The everyone role has the server's id, stands at 0 and cannot
 * be moved, renamed or deleted. */

#include "services/messaging/audit.h"
#include "services/messaging/messaging.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

#include <assert.h>

enum { COLOR_MAX = 0xFFFFFF, POSITION_NEW = 1, POSITION_MAX = 100000 };

struct role_args {
    snowflake server_id;
    snowflake role_id;
};
static const struct field role_args_fields[] = {
    F_ID(role_args, server_id),
    F_ID(role_args, role_id),
};
SHAPE(role_args);

struct role_create_args {
    snowflake server_id;
    const char *name;
    uint64_t permissions;
    int64_t color;
    int64_t position;
    bool is_hoisted;
    bool is_mentionable;
};
static const struct field role_create_args_fields[] = {
    F_ID(role_create_args, server_id),
    F_STR(role_create_args, name, RANGE(1, LIMIT_ROLE_NAME), FLAGS(FIELD_ONE_LINE)),
    F_PERM(role_create_args, permissions, OPTIONAL),
    F_INT(role_create_args, color, OPTIONAL, RANGE(0, COLOR_MAX)),
    F_INT(role_create_args, position, OPTIONAL, RANGE(1, POSITION_MAX), TEXT("1 when absent.")),
    F_BOOL(role_create_args, is_hoisted, OPTIONAL),
    F_BOOL(role_create_args, is_mentionable, OPTIONAL),
};
SHAPE(role_create_args);

struct role_patch {
    snowflake server_id;
    snowflake role_id;
    const char *name;
    uint64_t permissions;
    int64_t color;
    int64_t position;
    bool is_hoisted;
    bool is_mentionable;
    uint64_t given;
};
static const struct field role_patch_fields[] = {
    F_ID(role_patch, server_id),
    F_ID(role_patch, role_id),
    F_STR(role_patch, name, RANGE(1, LIMIT_ROLE_NAME), FLAGS(FIELD_ONE_LINE | FIELD_OPTIONAL)),
    F_PERM(role_patch, permissions, OPTIONAL),
    F_INT(role_patch, color, OPTIONAL, RANGE(0, COLOR_MAX)),
    F_INT(role_patch, position, OPTIONAL, RANGE(1, POSITION_MAX)),
    F_BOOL(role_patch, is_hoisted, OPTIONAL),
    F_BOOL(role_patch, is_mentionable, OPTIONAL),
};
SHAPE_PATCH(role_patch);

STMT(role_one, "SELECT " ROLE_COLUMNS " FROM roles r WHERE r.server_id = $1 AND r.id = $2");

STMT(roles_of_server,
     "SELECT " ROLE_COLUMNS " FROM roles r WHERE r.server_id = $1 ORDER BY r.position DESC, r.id");

STMT(role_count, "SELECT count(*) FROM roles WHERE server_id = $1");

STMT(role_insert,
     "INSERT INTO roles AS r (id, server_id, name, permissions, position, color, is_hoisted,"
     "                        is_mentionable, rev)"
     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
     " RETURNING " ROLE_COLUMNS);

STMT(role_change,
     "UPDATE roles AS r"
     "   SET name = coalesce($3, name), permissions = coalesce($4, permissions),"
     "       color = coalesce($5, color), position = coalesce($6, position),"
     "       is_hoisted = coalesce($7, is_hoisted), is_mentionable = coalesce($8, is_mentionable),"
     "       rev = $9"
     " WHERE r.server_id = $1 AND r.id = $2"
     " RETURNING " ROLE_COLUMNS);

STMT(role_remove, "DELETE FROM roles WHERE server_id = $1 AND id = $2");

STMT(role_overwrites_remove,
     "DELETE FROM overwrites o USING channels c"
     " WHERE o.target_id = $2 AND o.type = 'role' AND c.id = o.channel_id AND c.server_id = $1");

static enum err role_put(struct req *rq, const struct role *r, struct role *ret)
{
    return db_one(rq, &role_insert,
                  PARAMS(P(r->id), P(r->server_id), P(r->name), P(r->permissions), P(r->position),
                         P(r->color), P(r->is_hoisted), P(r->is_mentionable), P(r->rev)),
                  &role_shape, ret, ERR_INTERNAL);
}

enum err roles_found(struct req *rq, snowflake server_id)
{
    static const struct {
        const char *name;
        enum role_preset preset;
        bool is_hoisted;
    } presets[] = {
        {"everyone",  PRESET_MEMBER,    false},
        {"moderator", PRESET_MODERATOR, true },
        {"admin",     PRESET_ADMIN,     true },
    };
    for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
        struct role r = {
            .id = server_id,
            .server_id = server_id,
            .name = presets[i].name,
            .permissions = role_preset_permissions(presets[i].preset),
            .position = (int64_t)i,
            .is_hoisted = presets[i].is_hoisted,
        };
        if (i > 0)
            TRY(id_new(rq, &r.id));
        TRY(role_put(rq, &r, &r));
    }
    return OK;
}

static enum err role_find(struct req *rq, snowflake server_id, snowflake role_id, struct role *ret)
{
    return db_one(rq, &role_one, PARAMS(P(server_id), P(role_id)), &role_shape, ret,
                  ERR_UNKNOWN_ROLE);
}

enum err role_require(struct req *rq, snowflake server_id, snowflake role_id)
{
    if (role_id == server_id)
        return ERR_INVALID_ROLE;
    struct role r = {0};
    return role_find(rq, server_id, role_id, &r);
}

enum err role_list(struct req *rq, const struct server_args *in)
{
    struct list roles;
    TRY(db_many(rq, &roles_of_server, PARAMS(P(in->server_id)), &role_shape, &roles));
    return reply_list(rq, &role_shape, &roles);
}

static void role_tell(struct req *rq, enum event_id what, const struct role *r)
{
    emit(rq, what, (struct event_to){.server = r->server_id, .seq = r->rev}, &role_shape, r);
}

/* One of the two is NULL when the role is new or gone. */
static void role_audit(struct req *rq, const char *action, const struct role *before,
                       const struct role *after)
{
    const struct role *any = after != NULL ? after : before;
    assert(any != NULL);
    audit(rq, &(struct audit){.action = action,
                              .server_id = any->server_id,
                              .target_id = any->id,
                              .shape = &role_shape,
                              .before = before,
                              .after = after});
}

enum err role_create(struct req *rq, const struct role_create_args *in)
{
    TRY(title_check(rq, "name", in->name));
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    struct rights actor;
    TRY(rights_require(rq, s.id, PERM_MANAGE_ROLES, &actor));
    int64_t count;
    TRY(db_scalar(rq, &role_count, PARAMS(P(s.id)), &count, ERR_INTERNAL));
    if (count >= LIMIT_ROLES)
        return ERR_MAX_ROLES;
    struct role r = {
        .server_id = s.id,
        .name = in->name,
        .permissions = in->permissions,
        .color = in->color,
        .position = in->position != 0 ? in->position : POSITION_NEW,
        .is_hoisted = in->is_hoisted,
        .is_mentionable = in->is_mentionable,
    };
    if (!role_may_manage(actor.rank, (int)r.position))
        return ERR_HIERARCHY;
    if (!role_may_grant(actor.permissions, PERM_NONE, r.permissions))
        return ERR_MISSING_PERMISSIONS;
    TRY(id_new(rq, &r.id));
    TRY(server_advance(rq, s.id, 1, &r.rev));
    TRY(role_put(rq, &r, &r));
    role_tell(rq, EV_ROLE_CREATE, &r);
    role_audit(rq, "role.create", NULL, &r);
    return reply(rq, &role_shape, &r);
}

static bool is_given(const struct role_patch *in, const char *name)
{
    return shape_given(&role_patch_shape, in, name);
}

/* Of the everyone role only the permissions are anybody's to change. */
static enum err everyone_check(const struct role_patch *in)
{
    static const char *const fixed[] = {"name", "color", "position", "is_hoisted",
                                        "is_mentionable"};
    for (size_t i = 0; in->role_id == in->server_id && i < ARRAY_LEN(fixed); i++)
        if (is_given(in, fixed[i]))
            return ERR_INVALID_ROLE;
    return OK;
}

static enum err role_change_check(struct req *rq, const struct role_patch *in,
                                  struct role *ret_before)
{
    TRY(everyone_check(in));
    struct rights actor;
    TRY(rights_require(rq, in->server_id, PERM_MANAGE_ROLES, &actor));
    TRY(role_find(rq, in->server_id, in->role_id, ret_before));
    if (!role_may_manage(actor.rank, (int)ret_before->position))
        return ERR_HIERARCHY;
    if (is_given(in, "position") && !role_may_manage(actor.rank, (int)in->position))
        return ERR_HIERARCHY;
    if (is_given(in, "permissions") &&
        !role_may_grant(actor.permissions, ret_before->permissions, in->permissions))
        return ERR_MISSING_PERMISSIONS;
    return OK;
}

enum err role_update(struct req *rq, const struct role_patch *in)
{
    TRY(title_check(rq, "name", in->name));
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    struct role before = {0};
    TRY(role_change_check(rq, in, &before));
    int64_t seq;
    TRY(server_advance(rq, s.id, 1, &seq));
    struct role r = {0};
    TRY(db_one(rq, &role_change,
               PARAMS(P(s.id), P(in->role_id), P(in->name),
                      is_given(in, "permissions") ? P(in->permissions) : P_NULL,
                      is_given(in, "color") ? P(in->color) : P_NULL,
                      is_given(in, "position") ? P(in->position) : P_NULL,
                      is_given(in, "is_hoisted") ? P(in->is_hoisted) : P_NULL,
                      is_given(in, "is_mentionable") ? P(in->is_mentionable) : P_NULL, P(seq)),
               &role_shape, &r, ERR_UNKNOWN_ROLE));
    role_tell(rq, EV_ROLE_UPDATE, &r);
    role_audit(rq, "role.update", &before, &r);
    return reply(rq, &role_shape, &r);
}

enum err role_delete(struct req *rq, const struct role_args *in)
{
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    if (in->role_id == s.id)
        return ERR_INVALID_ROLE;
    struct rights actor;
    TRY(rights_require(rq, s.id, PERM_MANAGE_ROLES, &actor));
    struct role r = {0};
    TRY(role_find(rq, s.id, in->role_id, &r));
    if (!role_may_manage(actor.rank, (int)r.position))
        return ERR_HIERARCHY;
    struct role_gone gone = {.id = r.id, .server_id = s.id};
    TRY(server_advance(rq, s.id, 1, &gone.rev));
    TRY(db_exec(rq, &role_remove, PARAMS(P(s.id), P(r.id)), NULL));
    TRY(db_exec(rq, &role_overwrites_remove, PARAMS(P(s.id), P(r.id)), NULL));
    emit(rq, EV_ROLE_DELETE, (struct event_to){.server = s.id, .seq = gone.rev}, &role_gone_shape,
         &gone);
    role_audit(rq, "role.delete", &r, NULL);
    return OK;
}
