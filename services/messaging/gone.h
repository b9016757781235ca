/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_GONE_H
#define SERVICES_MESSAGING_GONE_H

/* What messaging says of things that are no more: the bodies of the *.delete events. */

#include "services/messaging/entities.h"

struct server_gone {
    snowflake id, server_id; /* the same */
    int64_t seq;
};

struct server_left {
    snowflake server_id;
    int kind; /* enum member_end */
    const char *reason;
};

struct role_gone {
    snowflake id, server_id;
    int64_t rev;
};

struct channel_gone {
    snowflake id, server_id;
    int64_t rev;
};

struct member_gone {
    snowflake server_id, user_id, actor_id;
    int kind;           /* enum member_end */
    const char *reason; /* told to who is gone and to the audit log, not to every member */
    int64_t rev;
};

struct invite_gone {
    const char *code;
    snowflake server_id;
};

struct message_gone {
    snowflake id, channel_id, server_id, author_id, actor_id;
    int64_t deleted_at, seq, rev;
};

/* Somebody kept out; also the payload of ban.create and ban.delete. */
struct ban {
    snowflake server_id, user_id, actor_id;
    struct author *user;
    const char *reason;
    int64_t created_at;
};

struct ban_event {
    snowflake server_id, user_id, actor_id;
    const char *reason;
};

extern const struct shape server_gone_shape, server_left_shape, role_gone_shape, channel_gone_shape,
    member_gone_shape, invite_gone_shape, message_gone_shape, ban_shape, ban_event_shape;

#endif
