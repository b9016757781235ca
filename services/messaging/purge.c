/* SPDX-License-Identifier: MIT */
/* What is gone for users is removed for good here, a bounded piece a run: the content and reactions
 * of messages deleted long ago (the empty row stays, sync needs it), everything of deleted channels
 * and servers, turns of slow mode and invites that are over. That nothing is left is asked by a
 * subquery with LIMIT, one look into an index: NOT EXISTS may be planned as a join of whole tables.
 */

#include "services/messaging/messaging.h"
#include "shared/store/db.h"

enum { PIECE = 2000 };

STMT(purge_tombstone_reactions,
     "DELETE FROM reactions WHERE (channel_id, message_id, user_id, emoji) IN"
     " (SELECT r.channel_id, r.message_id, r.user_id, r.emoji FROM messages m"
     "    JOIN reactions r ON r.channel_id = m.channel_id AND r.message_id = m.id"
     "   WHERE m.deleted_at < now() - make_interval(days => $1::int) AND m.content IS NOT NULL"
     "   LIMIT $2)");

STMT(purge_tombstones,
     "UPDATE messages SET content = NULL, attachments = NULL, mentions = NULL,"
     "       mention_roles = NULL, mention_everyone = false, reactions = NULL"
     " WHERE (channel_id, id) IN (SELECT channel_id, id FROM messages m"
     "        WHERE deleted_at < now() - make_interval(days => $1::int) AND content IS NOT NULL"
     "          AND (SELECT true FROM reactions r"
     "                WHERE r.channel_id = m.channel_id AND r.message_id = m.id LIMIT 1) IS NULL"
     "        LIMIT $2)");

STMT(purge_channel_messages,
     "DELETE FROM messages WHERE (channel_id, id) IN (SELECT m.channel_id, m.id"
     "   FROM (SELECT channel_id FROM buried_channels ORDER BY at LIMIT 1) AS b"
     "   JOIN messages m ON m.channel_id = b.channel_id LIMIT $1)");

STMT(purge_channel_reactions,
     "DELETE FROM reactions WHERE (channel_id, rev) IN (SELECT r.channel_id, r.rev"
     "   FROM (SELECT channel_id FROM buried_channels ORDER BY at LIMIT 1) AS b"
     "   JOIN reactions r ON r.channel_id = b.channel_id LIMIT $1)");

STMT(purge_channel_reads,
     "DELETE FROM read_states WHERE (user_id, channel_id) IN (SELECT r.user_id, r.channel_id"
     "   FROM (SELECT channel_id FROM buried_channels ORDER BY at LIMIT 1) AS b"
     "   JOIN read_states r ON r.channel_id = b.channel_id LIMIT $1)");

STMT(purge_channel_end,
     "DELETE FROM buried_channels b"
     " WHERE (SELECT true FROM messages m WHERE m.channel_id = b.channel_id LIMIT 1) IS NULL"
     "   AND (SELECT true FROM reactions r WHERE r.channel_id = b.channel_id LIMIT 1) IS NULL"
     "   AND (SELECT true FROM read_states r WHERE r.channel_id = b.channel_id LIMIT 1) IS NULL");

STMT(purge_server_channels,
     "WITH gone AS (DELETE FROM channels WHERE server_id IN"
     "        (SELECT id FROM servers WHERE deleted_at IS NOT NULL LIMIT 1) RETURNING id)"
     " INSERT INTO buried_channels (channel_id) SELECT id FROM gone ON CONFLICT DO NOTHING");

STMT(purge_server_members,
     "DELETE FROM members WHERE (server_id, user_id) IN (SELECT m.server_id, m.user_id"
     "   FROM (SELECT id FROM servers WHERE deleted_at IS NOT NULL LIMIT 1) AS s"
     "   JOIN members m ON m.server_id = s.id LIMIT $1)");

STMT(purge_server_rest,
     "WITH over AS (SELECT s.id FROM servers s WHERE s.deleted_at IS NOT NULL"
     "        AND (SELECT true FROM members m WHERE m.server_id = s.id LIMIT 1) IS NULL LIMIT 1),"
     " i AS (DELETE FROM invites WHERE server_id IN (SELECT id FROM over)),"
     " b AS (DELETE FROM bans WHERE server_id IN (SELECT id FROM over))"
     " DELETE FROM roles WHERE server_id IN (SELECT id FROM over)");

STMT(purge_server_end,
     "DELETE FROM servers s WHERE s.deleted_at IS NOT NULL"
     "   AND (SELECT true FROM members m WHERE m.server_id = s.id LIMIT 1) IS NULL"
     "   AND (SELECT true FROM roles r WHERE r.server_id = s.id LIMIT 1) IS NULL"
     "   AND (SELECT true FROM channels c WHERE c.server_id = s.id LIMIT 1) IS NULL"
     "   AND (SELECT true FROM invites i WHERE i.server_id = s.id LIMIT 1) IS NULL"
     "   AND (SELECT true FROM bans b WHERE b.server_id = s.id LIMIT 1) IS NULL");

STMT(purge_slow_turns, "DELETE FROM slow_turns WHERE next_at < now() - interval '1 hour'");

/* Kept a week past their end, so that who comes late reads "expired" and not "unknown". */
STMT(purge_invites,
     "DELETE FROM invites"
     " WHERE expires_at < now() - interval '7 days'"
     "    OR (max_uses > 0 AND uses >= max_uses AND created_at < now() - interval '7 days')");

enum err purge(struct req *rq)
{
    int64_t days = messaging_of(rq)->settings->tombstone_days;
    TRY(db_exec(rq, &purge_tombstone_reactions, PARAMS(P(days), P(PIECE)), NULL));
    TRY(db_exec(rq, &purge_tombstones, PARAMS(P(days), P(PIECE)), NULL));
    TRY(db_exec(rq, &purge_slow_turns, NO_PARAMS, NULL));
    TRY(db_exec(rq, &purge_invites, NO_PARAMS, NULL));
    TRY(db_exec(rq, &purge_server_channels, NO_PARAMS, NULL));
    TRY(db_exec(rq, &purge_server_members, PARAMS(P(PIECE)), NULL));
    TRY(db_exec(rq, &purge_server_rest, NO_PARAMS, NULL));
    TRY(db_exec(rq, &purge_server_end, NO_PARAMS, NULL));
    TRY(db_exec(rq, &purge_channel_messages, PARAMS(P(PIECE)), NULL));
    TRY(db_exec(rq, &purge_channel_reactions, PARAMS(P(PIECE)), NULL));
    TRY(db_exec(rq, &purge_channel_reads, PARAMS(P(PIECE)), NULL));
    return db_exec(rq, &purge_channel_end, NO_PARAMS, NULL);
}
