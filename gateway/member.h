/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_MEMBER_H
#define GATEWAY_MEMBER_H

/* A session's part in a server. Without a view it is pending: it gets nothing until what it starts
 * from is known, and then what happened meanwhile. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/frame.h"
#include "gateway/view.h"

struct server;
struct session;

struct cover {
    snowflake id; /* of the channel, or of the server itself */
    int64_t seq;  /* the session has everything up to here, though the loop has not */
};

struct membership {
    struct session *session;
    struct server *server;
    struct membership *next; /* of the session */
    struct membership *next_in_view;
    struct membership **link; /* what points to it there, or among the pending */
    struct view *view;
    snowflake *roles;
    struct cover *covers;
    uint32_t role_count;
    uint32_t cover_count;
    uint32_t tape_from; /* pending: where in the server's tape it came in */
    int64_t roles_rev;  /* of the change that said so */
};

/* Pending, and first in the session's list. */
struct membership *member_new(struct server *s, struct session *session);
void member_free(struct membership *m); /* the session has unlinked it */

void member_send(struct membership *m, struct frame *f);

/* The roles as of the server's event rev; older news than the last are ignored. */
void member_set_roles(struct membership *m, const snowflake *roles, size_t count, int64_t rev);

/* What a session was told of a server in the state it begins with. */
struct told_channel {
    snowflake id;
    int64_t seq;
};
struct told {
    snowflake server;
    int64_t seq;
    const snowflake *roles;
    size_t role_count;
    struct told_channel *channels; /* those it was shown, by id */
    size_t channel_count;
    struct span json;
};

/* What was told reaches to where this loop began to pass on. If not, something happened in between
 * that nobody here could tell: a newer state is needed. */
bool member_may_go_live(const struct membership *m, const struct told *told);

/* Ends pending: first what it sees now unlike what it was told, then what happened since. The
 * server's layout must not be older than what was told. */
void member_go_live(struct membership *m, const struct told *told);

/* The server's layout is about to be replaced: from the old view into one of the new. */
void member_move(struct membership *m, const struct layout *old);

#endif
