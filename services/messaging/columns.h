/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_COLUMNS_H
#define SERVICES_MESSAGING_COLUMNS_H

/* What a statement selects to fill an entity of the same name: the table's alias is in each row. */

#define AUTHOR_JSON(u)                                                                 \
    "json_build_object('id', " u ".id, 'username', " u ".username, 'display_name', " u \
    ".display_name, 'avatar_url', " u ".avatar_url, 'is_bot', " u ".is_bot)"

#define SERVER_COLUMNS \
    "s.id, s.owner_id, s.name, s.description, s.is_public, s.member_count, s.seq, s.created_at"

#define MEMBER_COLUMNS                                                                      \
    "m.server_id, m.user_id, " AUTHOR_JSON(                                                 \
        "u") " AS \"user\", m.nickname,"                                                    \
             " ARRAY(SELECT mr.role_id FROM member_roles mr"                                \
             "        WHERE mr.server_id = m.server_id AND mr.user_id = m.user_id"          \
             "        ORDER BY mr.role_id) AS roles,"                                       \
             " m.joined_at, CASE WHEN m.timed_out_until > now() THEN m.timed_out_until END" \
             " AS timed_out_until, m.rev"

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
#define MESSAGE_COLUMNS(reader)                                                                    \
    "m.id, m.channel_id, m.reply_to, m.mentions, m.mention_roles, m.mention_everyone,"             \
    " m.edited_at, m.deleted_at, m.seq, m.rev,"                                                    \
    " CASE WHEN m.deleted_at IS NULL THEN m.content END AS content,"                               \
    " CASE WHEN m.deleted_at IS NULL THEN m.attachments END AS attachments,"                       \
    " (SELECT " AUTHOR_JSON(                                                                       \
        "u") " FROM users u WHERE u.id = m.author_id) AS author,"                                  \
             " (SELECT json_build_object('id', r.id, 'author', " AUTHOR_JSON(                      \
                 "u") ", 'content',"                                                               \
                      "         CASE WHEN r.deleted_at IS NULL THEN r.content END)"                \
                      "    FROM messages r JOIN users u ON u.id = r.author_id"                     \
                      "   WHERE r.channel_id = m.channel_id AND r.id = m.reply_to) AS referenced," \
                      " CASE WHEN m.reactions IS NOT NULL AND m.deleted_at IS NULL THEN (SELECT "  \
                      "json_agg(json_build_object('emoji', x.emoji, 'count', x.count, 'me', "      \
                      "EXISTS (SELECT FROM reactions o WHERE o.channel_id = m.channel_id AND "     \
                      "o.message_id = m.id AND o.user_id = " reader                                \
                      " AND o.emoji = x.emoji AND o.removed_at IS NULL))) FROM "                   \
                      "jsonb_to_recordset(m.reactions) AS x (emoji text, count bigint)) END AS "   \
                      "reactions"

#endif
