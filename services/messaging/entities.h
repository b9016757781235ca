/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_ENTITIES_H
#define SERVICES_MESSAGING_ENTITIES_H

/* What messaging shows: the bodies of answers and events. Two numbers recur. `seq` is a thing's own
 * counter (of a server's changes, of a channel's messages); `rev` is the number its last change
 * took in the counter above it, so whoever keeps a copy ignores an older one. */

#include "shared/domain/snowflake.h"
#include "shared/wire/attachment.h"
#include "shared/wire/field.h"

enum channel_type { CHANNEL_TEXT, CHANNEL_VOICE, CHANNEL_ANNOUNCEMENT, CHANNEL_CATEGORY };
enum member_end { END_LEAVE, END_KICK, END_BAN };
extern const char *const channel_types[];
extern const char *const member_ends[];
extern const char *const overwrite_types[]; /* indexed by enum overwrite_kind */

struct author {
    snowflake id;
    const char *username, *display_name, *avatar_url;
    bool is_bot;
};

struct server {
    snowflake id, owner_id;
    const char *name, *description;
    bool is_public;
    int64_t member_count, seq, created_at;
};

struct role {
    snowflake id, server_id;
    const char *name;
    uint64_t permissions;
    int64_t color, position, rev;
    bool is_hoisted, is_mentionable;
};

struct overwrite_row {
    snowflake id;
    int type;
    uint64_t allow, deny;
};

struct channel {
    snowflake id, server_id, parent_id, last_message_id;
    int type;
    const char *name, *topic;
    int64_t position, slow_mode, seq, rev;
    bool is_locked, is_nsfw;
    struct list overwrites; /* struct overwrite_row */
};

struct member {
    snowflake server_id, user_id;
    struct author *user;
    const char *nickname;
    struct list roles; /* ids, without the everyone role */
    int64_t joined_at, timed_out_until, rev;
};

struct invite {
    const char *code, *url;
    snowflake server_id, channel_id, inviter_id;
    int64_t max_uses, uses, max_age, created_at, expires_at;
};

struct invite_server {
    snowflake id;
    const char *name, *description;
    int64_t member_count;
};

struct invite_preview {
    const char *code;
    struct invite_server *server;
    struct author *inviter;
    int64_t expires_at;
};

struct referenced {
    snowflake id;
    struct author *author;
    const char *content; /* NULL: deleted */
};

struct message {
    snowflake id, channel_id, server_id, reply_to;
    struct author *author;
    const char *content, *nonce;
    struct referenced *referenced;
    struct list mentions, mention_roles; /* ids */
    bool mention_everyone;
    struct list attachments; /* struct attachment */
    struct list reactions;   /* struct reaction */
    struct list reacted;     /* struct reacted */
    int64_t created_at, edited_at, deleted_at, seq, rev;
};

struct sync_page {
    struct list messages;
    int64_t seq;
    bool has_more;
};

struct read_state {
    snowflake channel_id, server_id;
    int64_t last_read_seq, unread, mentions;
};

/* A server as its member begins with it: the payload of server.create, an entry of ready. */
struct server_joined {
    snowflake id, owner_id;
    const char *name, *description;
    bool is_public;
    int64_t member_count, seq, created_at;
    struct member *member;
    struct list roles, channels;
};

struct ready {
    struct list servers;     /* struct server_joined */
    struct list read_states; /* struct read_state */
    int64_t user_seq;
};

extern const struct shape author_shape, server_shape, role_shape, overwrite_row_shape,
    channel_shape, member_shape, invite_shape, invite_preview_shape, referenced_shape,
    message_shape, sync_page_shape, read_state_shape, server_joined_shape, ready_shape;

#endif
