/* SPDX-License-Identifier: MIT */
/* Deciding who may do what. One statement reads everything a decision needs; shared/domain
 * computes. What was computed is kept with the server's number and good as long as the number
 * stands. */

#include "services/messaging/messaging.h"
#include "services/messaging/rights_cache.h"
#include "shared/base/clock.h"
#include "shared/store/db.h"

struct grant {
    snowflake id;
    uint64_t permissions;
    int64_t position;
};
static const struct field grant_fields[] = {
    F_ID(grant, id),
    F_PERM(grant, permissions),
    F_INT(grant, position),
};
static SHAPE(grant);

struct rights_row {
    snowflake user_id, server_id, channel_id, owner_id;
    int64_t server_seq, timed_out_until, slow_mode;
    int type;
    bool is_member, is_locked;
    struct author *author;
    struct list roles, overwrites;
};
static const struct field rights_row_fields[] = {
    F_ID(rights_row, user_id),
    F_ID(rights_row, server_id),
    F_ID(rights_row, channel_id),
    F_ID(rights_row, owner_id),
    F_INT(rights_row, server_seq),
    F_TIME(rights_row, timed_out_until),
    F_INT(rights_row, slow_mode),
    F_ENUM(rights_row, type, channel_types),
    F_BOOL(rights_row, is_member),
    F_BOOL(rights_row, is_locked),
    F_OBJ(rights_row, author, author),
    F_LIST(rights_row, roles, grant),
    F_LIST(rights_row, overwrites, overwrite_row),
};
static SHAPE(rights_row);

#define MEMBER_SIDE                                                                       \
    "u.id AS user_id, s.id AS server_id, s.owner_id, s.seq AS server_seq,"                \
    " m.user_id IS NOT NULL AS is_member, m.timed_out_until,"                             \
    " (SELECT json_agg(json_build_object('id', r.id, 'permissions', r.permissions::text," \
    "                                    'position', r.position))"                        \
    "    FROM roles r WHERE r.server_id = s.id AND (r.id = s.id OR r.id IN"               \
    "         (SELECT role_id FROM member_roles mr"                                       \
    "           WHERE mr.server_id = s.id AND mr.user_id = u.id))) AS roles,"             \
    " " USER_COLUMNS("author", "u")

STMT(rights_load_server,
     "SELECT " MEMBER_SIDE
     "  FROM servers s"
     "  JOIN users u ON u.id = $2 AND u.app_id = s.app_id"
     "  LEFT JOIN members m ON m.server_id = s.id AND m.user_id = u.id"
     " WHERE s.id = $1 AND s.app_id = $3 AND s.deleted_at IS NULL");

STMT(rights_load_channel,
     "SELECT " MEMBER_SIDE ", c.id AS channel_id, c.type, c.is_locked, c.slow_mode,"
     "       (SELECT json_agg(json_build_object('id', o.target_id, 'type', o.type,"
     "                                          'allow', o.allow::text, 'deny', o.deny::text))"
     "          FROM overwrites o WHERE o.channel_id = c.id"
     "           AND (o.type = 'role' OR o.target_id = u.id)) AS overwrites"
     "  FROM channels c"
     "  JOIN servers s ON s.id = c.server_id AND s.app_id = $3 AND s.deleted_at IS NULL"
     "  JOIN users u ON u.id = ANY ($2) AND u.app_id = s.app_id"
     "  LEFT JOIN members m ON m.server_id = s.id AND m.user_id = u.id"
     " WHERE c.id = $1");

STMT(server_version, "SELECT seq FROM servers WHERE id = $1 AND deleted_at IS NULL");

static const struct overwrite *overwrites_of(struct arena *a, const struct list *rows)
{
    struct overwrite *v = arena_new_n(a, struct overwrite, rows->count + 1);
    for (size_t i = 0; i < rows->count; i++) {
        const struct overwrite_row *row = LIST_AT(rows, struct overwrite_row, i);
        v[i] = (struct overwrite){row->id, (enum overwrite_kind)row->type, row->allow, row->deny};
    }
    return v;
}

bool channel_is_visible(struct arena *a, const struct member_rights *member,
                        const struct channel *channel)
{
    uint64_t held = permission_in_channel(member, overwrites_of(a, &channel->overwrites),
                                          channel->overwrites.count);
    return permission_has(held, PERM_VIEW_CHANNEL);
}

static struct member_rights member_rights_of(struct arena *a, const struct rights_row *row)
{
    struct role_grant *roles = arena_new_n(a, struct role_grant, row->roles.count + 1);
    for (size_t i = 0; i < row->roles.count; i++) {
        const struct grant *g = LIST_AT(&row->roles, struct grant, i);
        roles[i] = (struct role_grant){g->id, g->permissions, (int)g->position};
    }
    return (struct member_rights){
        .user_id = row->user_id,
        .everyone_id = row->server_id,
        .is_owner = row->owner_id == row->user_id,
        .roles = roles,
        .role_count = row->roles.count,
    };
}

static uint64_t compute(struct arena *a, const struct rights_row *row,
                        const struct member_rights *member)
{
    if (row->channel_id == 0)
        return permission_in_server(member);
    return permission_in_channel(member, overwrites_of(a, &row->overwrites), row->overwrites.count);
}

/* Both answers, in time-out and out of it, so that neither has to be read again when it ends. */
struct computed {
    uint64_t permissions, permissions_timed_out;
    struct role_rank rank;
};

static struct computed compute_both(struct arena *a, const struct rights_row *row)
{
    struct member_rights member = member_rights_of(a, row);
    struct computed c = {.rank = role_rank(&member)};
    c.permissions = compute(a, row, &member);
    member.is_timed_out = true;
    c.permissions_timed_out = compute(a, row, &member);
    return c;
}

static struct rights rights_from_row(struct arena *a, const struct rights_row *row)
{
    struct computed c = compute_both(a, row);
    bool is_timed_out = row->timed_out_until > clock_us();
    return (struct rights){
        .user_id = row->user_id,
        .server_id = row->server_id,
        .channel_id = row->channel_id,
        .permissions = is_timed_out ? c.permissions_timed_out : c.permissions,
        .rank = c.rank,
        .is_member = row->is_member,
        .is_timed_out = is_timed_out,
        .is_locked = row->is_locked,
        .channel_type = row->type,
        .slow_mode_s = row->slow_mode,
        .author = *row->author,
    };
}

/* "" is none. What does not fit is not worth keeping. */
static bool text_keep(char *to, size_t size, const char *text)
{
    return snprintf(to, size, "%s", text != NULL ? text : "") < (int)size;
}

static void keep(struct req *rq, const struct rights_row *row)
{
    struct computed c = compute_both(&rq->arena, row);
    struct kept k = {
        .user_id = row->user_id,
        .where = row->channel_id != 0 ? row->channel_id : row->server_id,
        .server_id = row->server_id,
        .channel_id = row->channel_id,
        .server_seq = row->server_seq,
        .timed_out_until = row->timed_out_until,
        .slow_mode_s = row->slow_mode,
        .permissions = c.permissions,
        .permissions_timed_out = c.permissions_timed_out,
        .rank = c.rank,
        .channel_type = row->type,
        .is_locked = row->is_locked,
        .is_bot = row->author->is_bot,
    };
    if (text_keep(k.username, sizeof(k.username), row->author->username) &&
        text_keep(k.display_name, sizeof(k.display_name), row->author->display_name) &&
        text_keep(k.avatar_url, sizeof(k.avatar_url), row->author->avatar_url))
        kept_store(messaging_of(rq)->rights, &k);
}

static const char *text_kept(struct arena *a, const char *text)
{
    return text[0] != '\0' ? arena_strdup(a, text) : NULL;
}

static struct rights rights_from_kept(struct arena *a, const struct kept *k)
{
    bool is_timed_out = k->timed_out_until > clock_us();
    return (struct rights){
        .user_id = k->user_id,
        .server_id = k->server_id,
        .channel_id = k->channel_id,
        .permissions = is_timed_out ? k->permissions_timed_out : k->permissions,
        .rank = k->rank,
        .is_member = true,
        .is_timed_out = is_timed_out,
        .is_locked = k->is_locked,
        .channel_type = k->channel_type,
        .slow_mode_s = k->slow_mode_s,
        .author = {k->user_id, arena_strdup(a, k->username), text_kept(a, k->display_name),
                   text_kept(a, k->avatar_url), k->is_bot},
    };
}

/* Does the server still have the number the entry was computed at? */
static enum err is_current(struct req *rq, const struct kept *k, bool *ret)
{
    struct rights_cache *cache = messaging_of(rq)->rights;
    enum version_state state = version_check(cache, k->server_id, k->server_seq, mono_us());
    if (state != VERSION_UNKNOWN) {
        *ret = state == VERSION_SAME;
        return OK;
    }
    struct version_mark mark = version_mark(cache, k->server_id);
    int64_t seq;
    TRY(db_scalar(rq, &server_version, PARAMS(P(k->server_id)), &seq, ERR_UNKNOWN_SERVER));
    if (!rq->in_tx)
        version_note(cache, k->server_id, seq, mark);
    *ret = seq == k->server_seq;
    return OK;
}

static enum err load(struct req *rq, snowflake user_id, snowflake where, enum err unknown,
                     struct rights *ret)
{
    struct rights_row row = {0};
    if (unknown == ERR_UNKNOWN_SERVER)
        TRY(db_one(rq, &rights_load_server, PARAMS(P(where), P(user_id), P(rq->app)),
                   &rights_row_shape, &row, unknown));
    else
        TRY(db_one(rq, &rights_load_channel, PARAMS(P(where), P_IDS(&user_id, 1), P(rq->app)),
                   &rights_row_shape, &row, unknown));
    /* What a transaction sees may never be; only what is committed is kept. */
    if (row.is_member && !rq->in_tx)
        keep(rq, &row);
    *ret = rights_from_row(&rq->arena, &row);
    return OK;
}

static enum err rights_get(struct req *rq, snowflake user_id, snowflake where, enum err unknown,
                           struct rights *ret)
{
    struct kept k;
    bool current = false;
    if (kept_find(messaging_of(rq)->rights, user_id, where, &k))
        TRY(is_current(rq, &k, &current));
    if (current)
        *ret = rights_from_kept(&rq->arena, &k);
    else
        TRY(load(rq, user_id, where, unknown, ret));
    if (user_id == rq->actor && rq->from->is_admin) {
        ret->permissions = PERM_ALL;
        ret->rank.is_owner = true;
    } else if (!ret->is_member) {
        return unknown;
    }
    return OK;
}

enum err rights_in_server(struct req *rq, snowflake user_id, snowflake server_id,
                          struct rights *ret)
{
    return rights_get(rq, user_id, server_id, ERR_UNKNOWN_SERVER, ret);
}

enum err rights_in_channel(struct req *rq, snowflake user_id, snowflake channel_id,
                           struct rights *ret)
{
    struct rights r = {0};
    enum err e = rights_get(rq, user_id, channel_id, ERR_UNKNOWN_CHANNEL, &r);
    if (e == ERR_UNKNOWN_SERVER)
        return ERR_UNKNOWN_CHANNEL;
    TRY(e);
    if (!permission_has(r.permissions, PERM_VIEW_CHANNEL))
        return ERR_UNKNOWN_CHANNEL;
    *ret = r;
    return OK;
}

enum err rights_here(struct req *rq, snowflake channel_id, struct rights *ret)
{
    return rights_in_channel(rq, rq->actor, channel_id, ret);
}

enum err rights_of_many(struct req *rq, snowflake channel_id, const snowflake *users, size_t n,
                        struct list *ret)
{
    struct list rows;
    TRY(db_many(rq, &rights_load_channel, PARAMS(P(channel_id), P_IDS(users, n), P(rq->app)),
                &rights_row_shape, &rows));
    struct rights *v = arena_new_n(&rq->arena, struct rights, rows.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < rows.count; i++) {
        const struct rights_row *row = LIST_AT(&rows, struct rights_row, i);
        if (row->is_member)
            v[count++] = rights_from_row(&rq->arena, row);
    }
    *ret = (struct list){v, count};
    return OK;
}

enum err rights_include(const struct rights *r, uint64_t permissions)
{
    if (permission_has(r->permissions, permissions))
        return OK;
    return r->is_timed_out ? ERR_TIMED_OUT : ERR_MISSING_PERMISSIONS;
}

enum err rights_require(struct req *rq, snowflake server_id, uint64_t permissions,
                        struct rights *ret)
{
    TRY(rights_in_server(rq, rq->actor, server_id, ret));
    return rights_include(ret, permissions);
}

enum err rights_require_above(struct req *rq, const struct rights *actor, snowflake target)
{
    struct rights other;
    enum err e = rights_in_server(rq, target, actor->server_id, &other);
    if (e == ERR_UNKNOWN_SERVER)
        return OK;
    TRY(e);
    return role_may_act_on(actor->rank, other.rank) ? OK : ERR_HIERARCHY;
}

struct touched {
    struct rights_cache *cache;
    snowflake server_id;
};

static void untouch(void *arg)
{
    const struct touched *t = arg;
    version_untouch(t->cache, t->server_id);
}

void rights_touch(struct req *rq, snowflake server_id)
{
    struct touched *t = arena_new(&rq->arena, struct touched);
    *t = (struct touched){messaging_of(rq)->rights, server_id};
    version_touch(t->cache, server_id);
    arena_defer(&rq->arena, untouch, t);
}

enum err rights_authorise(struct req *rq, enum guard guard, snowflake where, uint64_t permission)
{
    struct rights r;
    /* Members are known; who acts without being one must be. */
    if (guard == GUARD_USER || rq->from->is_admin)
        TRY(user_require(rq));
    if (guard == GUARD_SERVER)
        TRY(rights_in_server(rq, rq->actor, where, &r));
    else if (guard == GUARD_CHANNEL)
        TRY(rights_in_channel(rq, rq->actor, where, &r));
    else
        return OK;
    return rights_include(&r, permission);
}
