/* SPDX-License-Identifier: MIT */
/* Channels and categories. Structure is changed under the server's lock and stamped with the
 * server's next number (rev); the channel's own counter (seq) belongs to its messages. */

#include "services/messaging/audit.h"
#include "services/messaging/messaging.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

#include <assert.h>

enum { POSITION_MAX = 100000 };

static const struct field channel_args_fields[] = {
    F_ID(channel_args, channel_id),
};
SHAPE(channel_args);

static const struct field overwrite_input_fields[] = {
    F_ID(overwrite_input, id),
    F_ENUM(overwrite_input, type, overwrite_types),
    F_PERM(overwrite_input, allow, OPTIONAL),
    F_PERM(overwrite_input, deny, OPTIONAL),
};
SHAPE(overwrite_input);

struct channel_create_args {
    snowflake server_id;
    const char *name;
    int type;
    const char *topic;
    snowflake parent_id;
    int64_t position;
    int64_t slow_mode;
    bool is_nsfw;
    struct list overwrites;
    uint64_t given;
};
static const struct field channel_create_args_fields[] = {
    F_ID(channel_create_args, server_id),
    F_STR(channel_create_args, name, RANGE(1, LIMIT_CHANNEL_NAME), FLAGS(FIELD_ONE_LINE)),
    F_ENUM(channel_create_args, type, channel_types, OPTIONAL, TEXT("text when absent.")),
    F_STR(channel_create_args, topic, OPT_NULL, RANGE(0, LIMIT_TOPIC)),
    F_ID(channel_create_args, parent_id, OPT_NULL),
    F_INT(channel_create_args, position, OPTIONAL, RANGE(0, POSITION_MAX)),
    F_INT(channel_create_args, slow_mode, OPTIONAL, RANGE(0, LIMIT_SLOW_MODE)),
    F_BOOL(channel_create_args, is_nsfw, OPTIONAL),
    F_LIST(channel_create_args, overwrites, overwrite_input, OPTIONAL, RANGE(0, LIMIT_PAGE)),
};
SHAPE_PATCH(channel_create_args);

struct channel_patch {
    snowflake channel_id;
    const char *name;
    const char *topic;
    snowflake parent_id;
    int64_t position;
    bool is_locked;
    int64_t slow_mode;
    bool is_nsfw;
    uint64_t given;
};
static const struct field channel_patch_fields[] = {
    F_ID(channel_patch, channel_id),
    F_STR(channel_patch, name, RANGE(1, LIMIT_CHANNEL_NAME),
          FLAGS(FIELD_ONE_LINE | FIELD_OPTIONAL)),
    F_STR(channel_patch, topic, OPT_NULL, RANGE(0, LIMIT_TOPIC)),
    F_ID(channel_patch, parent_id, OPT_NULL),
    F_INT(channel_patch, position, OPTIONAL, RANGE(0, POSITION_MAX)),
    F_BOOL(channel_patch, is_locked, OPTIONAL),
    F_INT(channel_patch, slow_mode, OPTIONAL, RANGE(0, LIMIT_SLOW_MODE)),
    F_BOOL(channel_patch, is_nsfw, OPTIONAL),
};
SHAPE_PATCH(channel_patch);

STMT(channel_one, "SELECT " CHANNEL_COLUMNS " FROM channels c WHERE c.id = $1");

STMT(channels_of_server,
     "SELECT " CHANNEL_COLUMNS " FROM channels c WHERE c.server_id = $1 ORDER BY c.position, c.id");

STMT(channel_count, "SELECT count(*) FROM channels WHERE server_id = $1");

STMT(channel_insert,
     "INSERT INTO channels (id, server_id, type, name, topic, parent_id, position, slow_mode,"
     "                      is_nsfw, rev)"
     " VALUES ($1, $2, $3, $4, $5, $6,"
     "         coalesce($7, (SELECT max(position) + 1 FROM channels WHERE server_id = $2), 0),"
     "         $8, $9, $10)");

STMT(channel_take_overwrites,
     "INSERT INTO overwrites (channel_id, target_id, type, allow, deny)"
     " SELECT $1, o.target_id, o.type, o.allow, o.deny FROM overwrites o WHERE o.channel_id = $2");

STMT(channel_is_category,
     "SELECT 1 FROM channels WHERE id = $2 AND server_id = $1 AND type = 'category'");

STMT(channel_change,
     "UPDATE channels"
     "   SET name = coalesce($2, name),"
     "       topic = CASE WHEN $4 THEN $3 ELSE topic END,"
     "       parent_id = CASE WHEN $6 THEN $5 ELSE parent_id END,"
     "       position = coalesce($7, position), is_locked = coalesce($8, is_locked),"
     "       slow_mode = coalesce($9, slow_mode), is_nsfw = coalesce($10, is_nsfw)"
     " WHERE id = $1");

STMT(channel_stamp, "UPDATE channels SET rev = $2 WHERE id = $1");

STMT(channel_orphans, "SELECT id FROM channels WHERE server_id = $1 AND parent_id = $2");

STMT(channel_orphan, "UPDATE channels SET parent_id = NULL WHERE id = $1");

STMT(channel_bury,
     "WITH gone AS (DELETE FROM channels WHERE id = $1 RETURNING id),"
     "     invited AS (UPDATE invites SET channel_id = NULL WHERE server_id = $2 AND channel_id = $1)"
     " INSERT INTO buried_channels (channel_id) SELECT id FROM gone");

enum err channel_find(struct req *rq, snowflake channel_id, struct channel *ret)
{
    return db_one(rq, &channel_one, PARAMS(P(channel_id)), &channel_shape, ret,
                  ERR_UNKNOWN_CHANNEL);
}

void channel_tell(struct req *rq, enum event_id what, const struct channel *c)
{
    emit(rq, what, (struct event_to){.server = c->server_id, .seq = c->rev}, &channel_shape, c);
}

/* One of the two is NULL when the channel is new or gone. */
static void channel_audit(struct req *rq, const char *action, const struct channel *before,
                          const struct channel *after)
{
    const struct channel *any = after != NULL ? after : before;
    assert(any != NULL);
    audit(rq, &(struct audit){.action = action,
                              .server_id = any->server_id,
                              .target_id = any->id,
                              .shape = &channel_shape,
                              .before = before,
                              .after = after});
}

static enum err channel_stamped(struct req *rq, snowflake server_id, snowflake channel_id,
                                struct channel *ret)
{
    int64_t seq;
    TRY(server_advance(rq, server_id, 1, &seq));
    TRY(db_exec(rq, &channel_stamp, PARAMS(P(channel_id), P(seq)), NULL));
    TRY(channel_find(rq, channel_id, ret));
    channel_tell(rq, EV_CHANNEL_UPDATE, ret);
    return OK;
}

enum err channel_changed(struct req *rq, snowflake server_id, snowflake channel_id)
{
    struct channel c = {0};
    TRY(channel_stamped(rq, server_id, channel_id, &c));
    return reply(rq, &channel_shape, &c);
}

static enum err channel_put(struct req *rq, const struct channel *c)
{
    return db_exec(rq, &channel_insert,
                   PARAMS(P(c->id), P(c->server_id), P(channel_types[c->type]), P(c->name),
                          P(c->topic), P_OPT(c->parent_id),
                          c->position == FIELD_NO_INT ? P_NULL : P(c->position), P(c->slow_mode),
                          P(c->is_nsfw), P(c->rev)),
                   NULL);
}

enum err channels_found(struct req *rq, snowflake server_id)
{
    static const struct {
        const char *category;
        const char *name;
        enum channel_type type;
    } presets[] = {
        {"Text channels",  "general", CHANNEL_TEXT },
        {"Voice channels", "General", CHANNEL_VOICE},
    };
    for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
        struct channel category = {.server_id = server_id,
                                   .type = CHANNEL_CATEGORY,
                                   .name = presets[i].category,
                                   .position = (int64_t)(2 * i)};
        TRY(id_new(rq, &category.id));
        TRY(channel_put(rq, &category));
        struct channel c = {.server_id = server_id,
                            .type = presets[i].type,
                            .name = presets[i].name,
                            .parent_id = category.id,
                            .position = category.position + 1};
        TRY(id_new(rq, &c.id));
        TRY(channel_put(rq, &c));
    }
    return OK;
}

enum err channel_list(struct req *rq, const struct server_args *in)
{
    struct list channels;
    TRY(db_many(rq, &channels_of_server, PARAMS(P(in->server_id)), &channel_shape, &channels));
    TRY(channels_filter(rq, in->server_id, &channels));
    return reply_list(rq, &channel_shape, &channels);
}

enum err channel_get(struct req *rq, const struct channel_args *in)
{
    struct channel c = {0};
    TRY(channel_find(rq, in->channel_id, &c));
    return reply(rq, &channel_shape, &c);
}

static enum err parent_check(struct req *rq, snowflake server_id, int type, snowflake parent_id)
{
    if (parent_id == 0)
        return OK;
    if (type == CHANNEL_CATEGORY)
        return fail_field(rq, "parent_id", "must be empty: categories do not nest");
    int64_t one;
    enum err e = db_scalar(rq, &channel_is_category, PARAMS(P(server_id), P(parent_id)), &one,
                           ERR_UNKNOWN_CHANNEL);
    return e == ERR_UNKNOWN_CHANNEL
               ? fail_field(rq, "parent_id", "must be a category of the same server")
               : e;
}

/* Its own exceptions, or those of its category, so that a private category stays private. */
static enum err overwrites_begin(struct req *rq, const struct channel_create_args *in,
                                 snowflake channel_id)
{
    if (!shape_given(&channel_create_args_shape, in, "overwrites"))
        return db_exec(rq, &channel_take_overwrites, PARAMS(P(channel_id), P_OPT(in->parent_id)),
                       NULL);
    struct rights actor;
    TRY(rights_in_server(rq, rq->actor, in->server_id, &actor));
    actor.channel_id = channel_id;
    for (size_t i = 0; i < in->overwrites.count; i++)
        TRY(overwrite_put(rq, &actor, LIST_AT(&in->overwrites, struct overwrite_input, i)));
    return OK;
}

enum err channel_create(struct req *rq, const struct channel_create_args *in)
{
    TRY(title_check(rq, "name", in->name));
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    int64_t count;
    TRY(db_scalar(rq, &channel_count, PARAMS(P(s.id)), &count, ERR_INTERNAL));
    if (count >= LIMIT_CHANNELS)
        return ERR_MAX_CHANNELS;
    TRY(parent_check(rq, s.id, in->type, in->parent_id));
    bool has_position = shape_given(&channel_create_args_shape, in, "position");
    struct channel c = {
        .server_id = s.id,
        .type = in->type,
        .name = in->name,
        .topic = in->topic,
        .parent_id = in->parent_id,
        .position = has_position ? in->position : FIELD_NO_INT,
        .slow_mode = in->slow_mode,
        .is_nsfw = in->is_nsfw,
    };
    TRY(id_new(rq, &c.id));
    TRY(server_advance(rq, s.id, 1, &c.rev));
    TRY(channel_put(rq, &c));
    TRY(overwrites_begin(rq, in, c.id));
    struct channel made = {0};
    TRY(channel_find(rq, c.id, &made));
    channel_tell(rq, EV_CHANNEL_CREATE, &made);
    channel_audit(rq, "channel.create", NULL, &made);
    return reply(rq, &channel_shape, &made);
}

static bool is_given(const struct channel_patch *in, const char *name)
{
    return shape_given(&channel_patch_shape, in, name);
}

enum err channel_update(struct req *rq, const struct channel_patch *in)
{
    TRY(title_check(rq, "name", in->name));
    struct rights here;
    TRY(rights_here(rq, in->channel_id, &here));
    struct server s = {0};
    TRY(server_lock(rq, here.server_id, &s));
    TRY(parent_check(rq, s.id, here.channel_type, in->parent_id));
    struct channel before = {0};
    TRY(channel_find(rq, in->channel_id, &before));
    TRY(db_exec(rq, &channel_change,
                PARAMS(P(in->channel_id), P(in->name), P(in->topic), P(is_given(in, "topic")),
                       P_OPT(in->parent_id), P(is_given(in, "parent_id")),
                       is_given(in, "position") ? P(in->position) : P_NULL,
                       is_given(in, "is_locked") ? P(in->is_locked) : P_NULL,
                       is_given(in, "slow_mode") ? P(in->slow_mode) : P_NULL,
                       is_given(in, "is_nsfw") ? P(in->is_nsfw) : P_NULL),
                NULL));
    struct channel now = {0};
    TRY(channel_stamped(rq, s.id, in->channel_id, &now));
    channel_audit(rq, "channel.update", &before, &now);
    return reply(rq, &channel_shape, &now);
}

/* What was in a category stays, outside of any. */
static enum err orphans_free(struct req *rq, snowflake server_id, snowflake category_id)
{
    struct list orphans;
    TRY(db_many(rq, &channel_orphans, PARAMS(P(server_id), P(category_id)), &channel_shape,
                &orphans));
    for (size_t i = 0; i < orphans.count; i++) {
        snowflake id = LIST_AT(&orphans, struct channel, i)->id;
        struct channel c = {0};
        TRY(db_exec(rq, &channel_orphan, PARAMS(P(id)), NULL));
        TRY(channel_stamped(rq, server_id, id, &c));
    }
    return OK;
}

enum err channel_delete(struct req *rq, const struct channel_args *in)
{
    struct rights here;
    TRY(rights_here(rq, in->channel_id, &here));
    struct server s = {0};
    TRY(server_lock(rq, here.server_id, &s));
    struct channel before = {0};
    TRY(channel_find(rq, in->channel_id, &before));
    TRY(orphans_free(rq, s.id, in->channel_id));
    int buried;
    TRY(db_exec(rq, &channel_bury, PARAMS(P(in->channel_id), P(s.id)), &buried));
    if (buried == 0)
        return ERR_UNKNOWN_CHANNEL;
    struct channel_gone gone = {.id = in->channel_id, .server_id = s.id};
    TRY(server_advance(rq, s.id, 1, &gone.rev));
    emit(rq, EV_CHANNEL_DELETE, (struct event_to){.server = s.id, .seq = gone.rev},
         &channel_gone_shape, &gone);
    channel_audit(rq, "channel.delete", &before, NULL);
    return OK;
}
