/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_COLUMNS_H
#define SERVICES_MESSAGING_COLUMNS_H

/* What a statement selects to fill an entity of the same name: the table's alias is in each row. */

/* A user as the object `as` of an entity. USER_BESIDE joins it to each row, and `as.*` is then
 * among the columns: its OFFSET makes it one look into an index, where the planner might otherwise
 * join the whole table to a page of a few rows. */
/* clang-format off */
#define USER_COLUMNS(as, u)                                                                       \
    u ".id AS \"" as ".id\", " u ".username AS \"" as ".username\","                              \
    " " u ".display_name AS \"" as ".display_name\","                                             \
    " " u ".avatar_url AS \"" as ".avatar_url\", " u ".is_bot AS \"" as ".is_bot\""
#define USER_BESIDE(as, user_id)                                                                  \
    " LEFT JOIN LATERAL (SELECT " USER_COLUMNS(as, "u") " FROM users u"                           \
    "                     WHERE u.id = " user_id " OFFSET 0) AS \"" as "\" ON true"
/* clang-format on */

#define SERVER_COLUMNS \
    "s.id, s.owner_id, s.name, s.description, s.is_public, s.member_count, s.seq, s.created_at"

#define MEMBER_COLUMNS                                                             \
    "m.server_id, m.user_id, \"user\".*, m.nickname,"                              \
    " ARRAY(SELECT mr.role_id FROM member_roles mr"                                \
    "        WHERE mr.server_id = m.server_id AND mr.user_id = m.user_id"          \
    "        ORDER BY mr.role_id) AS roles,"                                       \
    " m.joined_at, CASE WHEN m.timed_out_until > now() THEN m.timed_out_until END" \
    " AS timed_out_until, m.rev"
#define MEMBER_FROM "members m" USER_BESIDE("user", "m.user_id")

#define ROLE_COLUMNS                                                               \
    "r.id, r.server_id, r.name, r.permissions, r.color, r.position, r.is_hoisted," \
    " r.is_mentionable, r.rev"

#define CHANNEL_COLUMNS                                                                 \
    "c.id, c.server_id, c.type, c.name, c.topic, c.parent_id, c.position, c.is_locked," \
    " c.slow_mode, c.is_nsfw, c.seq, c.last_message_id, c.rev,"                         \
    " (SELECT json_agg(json_build_object('id', o.target_id, 'type', o.type, 'allow',"   \
    "         o.allow::text, 'deny', o.deny::text) ORDER BY o.target_id)"               \
    "    FROM overwrites o WHERE o.channel_id = c.id) AS overwrites"

/* With what is so for one reader: `reader` is the parameter of the statement that is their id. */
#define MESSAGE_COLUMNS(reader)                                                                   \
    "m.id, m.channel_id, m.reply_to, m.mentions, m.mention_roles, m.mention_everyone,"            \
    " m.edited_at, m.deleted_at, m.seq, m.rev, author.*, referenced.*,"                           \
    " CASE WHEN m.deleted_at IS NULL THEN m.content END AS content,"                              \
    " CASE WHEN m.deleted_at IS NULL THEN m.attachments END AS attachments,"                      \
    " CASE WHEN m.reactions IS NOT NULL AND m.deleted_at IS NULL THEN"                            \
    "  (SELECT json_agg(json_build_object('emoji', x.emoji, 'count', x.count, 'me', EXISTS ("     \
    "            SELECT FROM reactions o"                                                         \
    "             WHERE o.channel_id = m.channel_id AND o.message_id = m.id"                      \
    "               AND o.user_id = " reader " AND o.emoji = x.emoji AND o.removed_at IS NULL)))" \
    "     FROM jsonb_to_recordset(m.reactions) AS x (emoji text, count bigint)) END AS reactions"
/* clang-format off */
#define MESSAGE_FROM                                                                              \
    "messages m" USER_BESIDE("author", "m.author_id")                                             \
    " LEFT JOIN LATERAL ("                                                                        \
    "   SELECT r.id AS \"referenced.id\", " USER_COLUMNS("referenced.author", "u") ","            \
    "          CASE WHEN r.deleted_at IS NULL THEN r.content END AS \"referenced.content\""       \
    "     FROM messages r JOIN users u ON u.id = r.author_id"                                     \
    "    WHERE r.channel_id = m.channel_id AND r.id = m.reply_to OFFSET 0) AS referenced ON true"
/* clang-format on */

#endif
