/* SPDX-License-Identifier: MIT */
/* How far everybody has read. Unread and mentions are counted from the messages themselves, so they
 * cannot drift: live messages of others with a number above the position, up to COUNT_MAX. */

#include "services/messaging/messaging.h"
#include "shared/store/db.h"

enum { COUNT_MAX = 1000 };

struct read_update_args {
    snowflake channel_id;
    int64_t seq;
};
static const struct field read_update_args_fields[] = {
    F_ID(read_update_args, channel_id),
    F_INT(read_update_args, seq, RANGE(0, INT64_MAX), TEXT("Of the last message read.")),
};
SHAPE(read_update_args);

/* rev > position is implied by seq > position; it is what the index knows. The predicate of the
 * second count repeats that of its partial index. */
STMT(reads_counted,
     "SELECT c.id AS channel_id, c.server_id, coalesce(r.last_read_seq, 0) AS last_read_seq,"
     "       CASE WHEN c.seq <= coalesce(r.last_read_seq, 0) THEN 0 ELSE"
     "       (SELECT count(*) FROM (SELECT FROM messages m"
     "          WHERE m.channel_id = c.id AND m.rev > coalesce(r.last_read_seq, 0)"
     "            AND m.seq > coalesce(r.last_read_seq, 0)"
     "            AND m.deleted_at IS NULL AND m.author_id <> $2 LIMIT $3) AS x) END AS unread,"
     "       CASE WHEN c.seq <= coalesce(r.last_read_seq, 0) THEN 0 ELSE"
     "       (SELECT count(*) FROM (SELECT FROM messages m"
     "          WHERE m.channel_id = c.id AND m.seq > coalesce(r.last_read_seq, 0)"
     "            AND (m.mentions IS NOT NULL OR m.mention_roles IS NOT NULL OR m.mention_everyone)"
     "            AND (m.mention_everyone OR m.mentions @> ARRAY[$2::bigint]"
     "                 OR m.mention_roles && ARRAY(SELECT mr.role_id FROM member_roles mr"
     "                      WHERE mr.server_id = c.server_id AND mr.user_id = $2))"
     "            AND m.deleted_at IS NULL AND m.author_id <> $2 LIMIT $3) AS x) END AS mentions"
     "  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, nth)"
     "  JOIN channels c ON c.id = wanted.id"
     "  LEFT JOIN read_states r ON r.user_id = $2 AND r.channel_id = c.id"
     " ORDER BY wanted.nth");

STMT(read_forward,
     "INSERT INTO read_states AS r (user_id, channel_id, last_read_seq)"
     " SELECT $1, c.id, least($3, c.seq) FROM channels c WHERE c.id = $2"
     "     ON CONFLICT (user_id, channel_id) DO UPDATE SET last_read_seq = excluded.last_read_seq"
     "  WHERE r.last_read_seq < excluded.last_read_seq");

STMT(reads_begin,
     "INSERT INTO read_states (user_id, channel_id, last_read_seq)"
     " SELECT $1, c.id, c.seq FROM channels c WHERE c.server_id = $2"
     "     ON CONFLICT DO NOTHING");

static enum err reads_count(struct req *rq, const snowflake *channels, size_t n, struct list *ret)
{
    return db_many(rq, &reads_counted, PARAMS(P_IDS(channels, n), P(rq->actor), P(COUNT_MAX)),
                   &read_state_shape, ret);
}

enum err reads_found(struct req *rq, snowflake server_id, snowflake user_id)
{
    return db_exec(rq, &reads_begin, PARAMS(P(user_id), P(server_id)), NULL);
}

enum err read_update(struct req *rq, const struct read_update_args *in)
{
    int moved;
    TRY(db_exec(rq, &read_forward, PARAMS(P(rq->actor), P(in->channel_id), P(in->seq)), &moved));
    struct list counted;
    TRY(reads_count(rq, &in->channel_id, 1, &counted));
    if (counted.count != 1)
        return ERR_UNKNOWN_CHANNEL;
    const struct read_state *now = LIST_AT(&counted, struct read_state, 0);
    if (moved > 0) {
        int64_t seq;
        TRY(user_advance(rq, rq->actor, &seq));
        emit(rq, EV_READ_UPDATE, (struct event_to){.user = rq->actor, .seq = seq},
             &read_state_shape, now);
    }
    return reply(rq, &read_state_shape, now);
}

enum err reads_of_joined(struct req *rq, const struct list *joined, struct list *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < joined->count; i++)
        n += LIST_AT(joined, struct server_joined, i)->channels.count;
    snowflake *ids = arena_new_n(&rq->arena, snowflake, n + 1);
    n = 0;
    for (size_t i = 0; i < joined->count; i++) {
        const struct list *channels = &LIST_AT(joined, struct server_joined, i)->channels;
        for (size_t k = 0; k < channels->count; k++) {
            const struct channel *c = LIST_AT(channels, struct channel, k);
            if (c->type != CHANNEL_CATEGORY)
                ids[n++] = c->id;
        }
    }
    return reads_count(rq, ids, n, ret);
}

static enum err reads_reply(struct req *rq, snowflake server_id)
{
    struct list joined;
    struct list reads;
    TRY(state_of_user(rq, rq->actor, server_id, &joined));
    TRY(reads_of_joined(rq, &joined, &reads));
    return reply_list(rq, &read_state_shape, &reads);
}

enum err read_list(struct req *rq, const struct no_args *in UNUSED)
{
    return reads_reply(rq, 0);
}

enum err read_unread(struct req *rq, const struct server_args *in)
{
    return reads_reply(rq, in->server_id);
}
