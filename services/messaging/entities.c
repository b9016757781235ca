/* SPDX-License-Identifier: MIT */
/* The shapes of what messaging shows. Here is no logic: what is in a row is what goes out. */

#include "services/messaging/entities.h"

#include "services/messaging/gone.h"
#include "services/messaging/reactions.h"

const char *const channel_types[] = {"text", "voice", "announcement", "category", NULL};
const char *const member_ends[] = {"leave", "kick", "ban", NULL};
const char *const overwrite_types[] = {"role", "member", NULL};

static const struct field author_fields[] = {
    F_ID(author, id),
    F_STR(author, username),
    F_STR(author, display_name, NULLABLE),
    F_STR(author, avatar_url, NULLABLE),
    F_BOOL(author, is_bot),
};
SHAPE(author);

#define SERVER_FIELDS(s)                                                                           \
    F_ID(s, id), F_ID(s, owner_id), F_STR(s, name), F_STR(s, description, NULLABLE),               \
        F_BOOL(s, is_public, TEXT("Anybody may join without an invite.")), F_INT(s, member_count), \
        F_INT(s, seq, TEXT("How often the server has changed.")), F_TIME(s, created_at)

static const struct field server_fields[] = {SERVER_FIELDS(server)};
SHAPE(server);

static const struct field role_fields[] = {
    F_ID(role, id, TEXT("The everyone role has the server's own id.")),
    F_ID(role, server_id),
    F_STR(role, name),
    F_PERM(role, permissions),
    F_INT(role, color, TEXT("0xRRGGBB; 0 is none.")),
    F_INT(role, position, TEXT("Higher stands above lower; 0 is the everyone role.")),
    F_BOOL(role, is_hoisted, TEXT("Its members are listed apart.")),
    F_BOOL(role, is_mentionable),
    F_INT(role, rev),
};
SHAPE(role);

static const struct field overwrite_row_fields[] = {
    F_ID(overwrite_row, id, TEXT("Of the role or the user.")),
    F_ENUM(overwrite_row, type, overwrite_types),
    F_PERM(overwrite_row, allow),
    F_PERM(overwrite_row, deny),
};
SHAPE(overwrite_row);

static const struct field channel_fields[] = {
    F_ID(channel, id),
    F_ID(channel, server_id),
    F_ENUM(channel, type, channel_types),
    F_STR(channel, name),
    F_STR(channel, topic, NULLABLE),
    F_ID(channel, parent_id, NULLABLE, TEXT("The category it is in.")),
    F_INT(channel, position),
    F_BOOL(channel, is_locked, TEXT("Only who may manage channels can post.")),
    F_INT(channel, slow_mode, TEXT("Seconds between two messages of one member.")),
    F_BOOL(channel, is_nsfw),
    F_LIST(channel, overwrites, overwrite_row),
    F_ID(channel, last_message_id, NULLABLE),
    F_INT(channel, seq, TEXT("The last number given to a change of a message.")),
    F_INT(channel, rev),
};
SHAPE(channel);

static const struct field member_fields[] = {
    F_ID(member, server_id),
    F_ID(member, user_id),
    F_OBJ(member, user, author),
    F_STR(member, nickname, NULLABLE),
    F_IDS(member, roles, TEXT("Without the everyone role.")),
    F_TIME(member, joined_at),
    F_TIME(member, timed_out_until, NULLABLE),
    F_INT(member, rev),
};
SHAPE(member);

static const struct field invite_fields[] = {
    F_STR(invite, code),        F_STR(invite, url),
    F_ID(invite, server_id),    F_ID(invite, channel_id, NULLABLE),
    F_ID(invite, inviter_id),   F_INT(invite, max_uses, TEXT("0: as many as like.")),
    F_INT(invite, uses),        F_INT(invite, max_age, TEXT("Seconds; 0: for ever.")),
    F_TIME(invite, created_at), F_TIME(invite, expires_at, NULLABLE),
};
SHAPE(invite);

static const struct field invite_server_fields[] = {
    F_ID(invite_server, id),
    F_STR(invite_server, name),
    F_STR(invite_server, description, NULLABLE),
    F_INT(invite_server, member_count),
};
static SHAPE(invite_server);

static const struct field invite_preview_fields[] = {
    F_STR(invite_preview, code),
    F_OBJ(invite_preview, server, invite_server),
    F_OBJ(invite_preview, inviter, author),
    F_TIME(invite_preview, expires_at, NULLABLE),
};
SHAPE(invite_preview);

static const struct field referenced_fields[] = {
    F_ID(referenced, id),
    F_OBJ(referenced, author, author),
    F_STR(referenced, content, NULLABLE, TEXT("Null when it was deleted.")),
};
SHAPE(referenced);

static const struct field reaction_fields[] = {
    F_STR(reaction, emoji),
    F_INT(reaction, count),
    F_BOOL(reaction, me, OPTIONAL,
           TEXT("The caller is one of them. Events, which are for everybody, do not say it.")),
};
SHAPE(reaction);

static const struct field reaction_change_fields[] = {
    F_ID(reaction_change, message_id),
    F_ID(reaction_change, channel_id),
    F_ID(reaction_change, server_id),
    F_ID(reaction_change, user_id),
    F_STR(reaction_change, emoji),
    F_INT(reaction_change, count, TEXT("How many users there are now; 0: none any more.")),
    F_INT(reaction_change, rev, TEXT("The message's number from now on.")),
};
SHAPE(reaction_change);

static const struct field reacted_fields[] = {
    F_ID(reacted, message_id),
    F_ID(reacted, user_id),
    F_STR(reacted, emoji),
    F_BOOL(reacted, is_removed, OPTIONAL),
};
SHAPE(reacted);

static const struct field message_fields[] = {
    F_ID(message, id),
    F_ID(message, channel_id),
    F_ID(message, server_id),
    F_OBJ(message, author, author),
    F_STR(message, content, NULLABLE, TEXT("Null when it was deleted.")),
    F_STR(message, nonce, OPTIONAL, TEXT("As the sender gave it.")),
    F_ID(message, reply_to, NULLABLE),
    F_OBJ(message, referenced, referenced, OPTIONAL, TEXT("The message replied to.")),
    F_IDS(message, mentions, TEXT("Users.")),
    F_IDS(message, mention_roles),
    F_BOOL(message, mention_everyone),
    F_LIST(message, attachments, attachment),
    F_LIST(message, reactions, reaction, TEXT("In the order in which the emoji came.")),
    F_LIST(message, reacted, reacted, OPTIONAL,
           TEXT("Whose reactions changed; only in events that make up for lost ones.")),
    F_TIME(message, created_at),
    F_TIME(message, edited_at, NULLABLE),
    F_TIME(message, deleted_at, OPTIONAL),
    F_INT(message, seq, TEXT("Its number in the channel.")),
    F_INT(message, rev, TEXT("The number of its last change.")),
};
SHAPE(message);

static const struct field sync_page_fields[] = {
    F_LIST(sync_page, messages, message, TEXT("By `rev`, deleted ones included.")),
    F_INT(sync_page, seq, TEXT("Of the channel; in step once no more follow.")),
    F_BOOL(sync_page, has_more, TEXT("Ask again after the last `rev`.")),
};
SHAPE(sync_page);

static const struct field read_state_fields[] = {
    F_ID(read_state, channel_id),
    F_ID(read_state, server_id),
    F_INT(read_state, last_read_seq),
    F_INT(read_state, unread, TEXT("Messages of others since; counted to 1000.")),
    F_INT(read_state, mentions, TEXT("Those that mention the user; counted to 1000.")),
};
SHAPE(read_state);

static const struct field server_joined_fields[] = {
    SERVER_FIELDS(server_joined),
    F_OBJ(server_joined, member, member, TEXT("The user as a member.")),
    F_LIST(server_joined, roles, role),
    F_LIST(server_joined, channels, channel, TEXT("Those the user sees.")),
};
SHAPE(server_joined);

static const struct field ready_fields[] = {
    F_LIST(ready, servers, server_joined),
    F_LIST(ready, read_states, read_state),
    F_INT(ready, user_seq),
};
SHAPE(ready);

static const struct field server_gone_fields[] = {
    F_ID(server_gone, id),
    F_ID(server_gone, server_id),
    F_INT(server_gone, seq),
};
SHAPE(server_gone);

static const struct field server_left_fields[] = {
    F_ID(server_left, server_id),
    F_ENUM(server_left, kind, member_ends),
    F_STR(server_left, reason, NULLABLE),
};
SHAPE(server_left);

static const struct field role_gone_fields[] = {
    F_ID(role_gone, id),
    F_ID(role_gone, server_id),
    F_INT(role_gone, rev),
};
SHAPE(role_gone);

static const struct field channel_gone_fields[] = {
    F_ID(channel_gone, id),
    F_ID(channel_gone, server_id),
    F_INT(channel_gone, rev),
};
SHAPE(channel_gone);

static const struct field member_gone_fields[] = {
    F_ID(member_gone, server_id),
    F_ID(member_gone, user_id),
    F_ID(member_gone, actor_id, TEXT("Who did it; the member when they left.")),
    F_ENUM(member_gone, kind, member_ends),
    F_INT(member_gone, rev),
};
SHAPE(member_gone);

static const struct field invite_gone_fields[] = {
    F_STR(invite_gone, code),
    F_ID(invite_gone, server_id),
};
SHAPE(invite_gone);

static const struct field message_gone_fields[] = {
    F_ID(message_gone, id),
    F_ID(message_gone, channel_id),
    F_ID(message_gone, server_id),
    F_ID(message_gone, author_id),
    F_ID(message_gone, actor_id, TEXT("Who deleted it.")),
    F_TIME(message_gone, deleted_at),
    F_INT(message_gone, seq),
    F_INT(message_gone, rev),
};
SHAPE(message_gone);

static const struct field ban_fields[] = {
    F_ID(ban, server_id), F_ID(ban, user_id),           F_OBJ(ban, user, author, OPTIONAL),
    F_ID(ban, actor_id),  F_STR(ban, reason, NULLABLE), F_TIME(ban, created_at),
};
SHAPE(ban);

static const struct field ban_event_fields[] = {
    F_ID(ban_event, server_id),
    F_ID(ban_event, user_id),
    F_ID(ban_event, actor_id),
    F_STR(ban_event, reason, NULLABLE),
};
SHAPE(ban_event);
