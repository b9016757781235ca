/* SPDX-License-Identifier: MIT */
/* Reordering channels and moving them between categories: all of it or nothing, under the server's
 * lock, one event for each channel that was named. */

#include "services/messaging/audit.h"
#include "services/messaging/messaging.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

enum { POSITION_MAX = 100000 };

struct arrangement {
    snowflake id;
    int64_t position;
    snowflake parent_id;
    uint64_t given;
};
static const struct field arrangement_fields[] = {
    F_ID(arrangement, id),
    F_INT(arrangement, position, RANGE(0, POSITION_MAX)),
    F_ID(arrangement, parent_id, OPT_NULL, TEXT("Null: into no category; absent: stays.")),
};
static SHAPE_PATCH(arrangement);

struct channel_arrange_args {
    snowflake server_id;
    struct list channels;
};
static const struct field channel_arrange_args_fields[] = {
    F_ID(channel_arrange_args, server_id),
    F_LIST(channel_arrange_args, channels, arrangement, RANGE(1, LIMIT_CHANNELS)),
};
SHAPE(channel_arrange_args);

/* Parents that are no category of this server. The foreign key knows the server, not the type. */
STMT(arrange_bad_parents,
     "SELECT count(*) FROM unnest($2::bigint[]) AS wanted"
     "  LEFT JOIN channels c ON c.id = wanted AND c.server_id = $1 AND c.type = 'category'"
     " WHERE c.id IS NULL AND wanted <> 0");

STMT(arrange_channels,
     "UPDATE channels AS c"
     "   SET position = i.position, rev = $6 + i.nth - 1,"
     "       parent_id = CASE WHEN i.moves = 1 AND c.type <> 'category' THEN nullif(i.parent, 0)"
     "                        ELSE c.parent_id END"
     "  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])"
     "       WITH ORDINALITY AS i (id, position, parent, moves, nth)"
     " WHERE c.id = i.id AND c.server_id = $1"
     " RETURNING " CHANNEL_COLUMNS);

struct columns {
    snowflake *ids;
    snowflake *parents;
    int64_t *positions;
    int64_t *moves;
};

static struct columns columns_of(struct arena *a, const struct list *items)
{
    struct columns c = {
        arena_new_n(a, snowflake, items->count), arena_new_n(a, snowflake, items->count),
        arena_new_n(a, int64_t, items->count), arena_new_n(a, int64_t, items->count)};
    for (size_t i = 0; i < items->count; i++) {
        const struct arrangement *item = LIST_AT(items, struct arrangement, i);
        c.ids[i] = item->id;
        c.parents[i] = item->parent_id;
        c.positions[i] = item->position;
        c.moves[i] = shape_given(&arrangement_shape, item, "parent_id");
    }
    return c;
}

/* The answer shows each channel that was named: who may not see one must not have it moved either.
 */
static enum err may_move(struct req *rq, const struct list *items)
{
    for (size_t i = 0; i < items->count; i++) {
        struct rights here;
        TRY(rights_here(rq, LIST_AT(items, struct arrangement, i)->id, &here));
        TRY(rights_include(&here, PERM_MANAGE_CHANNELS));
    }
    return OK;
}

enum err channel_arrange(struct req *rq, const struct channel_arrange_args *in)
{
    TRY(may_move(rq, &in->channels));
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    size_t n = in->channels.count;
    struct columns c = columns_of(&rq->arena, &in->channels);
    int64_t bad;
    TRY(db_scalar(rq, &arrange_bad_parents, PARAMS(P(s.id), P_IDS(c.parents, n)), &bad,
                  ERR_INTERNAL));
    if (bad > 0)
        return fail_field(rq, "channels", "a parent_id must be a category of the same server");
    int64_t first;
    TRY(server_advance(rq, s.id, (int64_t)n, &first));
    struct list changed;
    TRY(db_many(rq, &arrange_channels,
                PARAMS(P(s.id), P_IDS(c.ids, n), P_INTS(c.positions, n), P_IDS(c.parents, n),
                       P_INTS(c.moves, n), P(first)),
                &channel_shape, &changed));
    /* Each number taken must go out with an event: a channel named twice or unknown undoes all. */
    if (changed.count != n)
        return ERR_UNKNOWN_CHANNEL;
    for (size_t i = 0; i < n; i++)
        channel_tell(rq, EV_CHANNEL_UPDATE, LIST_AT(&changed, struct channel, i));
    audit(rq, &(struct audit){.action = "channel.arrange", .server_id = s.id});
    return reply_list(rq, &channel_shape, &changed);
}
