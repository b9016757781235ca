/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_MESSAGES_H
#define SERVICES_MESSAGING_MESSAGES_H

/* Between the features that write messages: sending, changing, burying. */

#include "services/messaging/messaging.h"

/* May the caller write here now: the type fits, nothing is locked or read-only? */
MUST_CHECK enum err post_check(struct req *rq, const struct rights *where);

/* Whom a text notifies, of those it names. */
struct resolved {
    struct list users, roles; /* ids */
    bool everyone;
};
MUST_CHECK enum err mentions_resolve(struct req *rq, const struct rights *where, const char *text,
                                     struct resolved *ret);

/* "{1,2}", or NULL for none: what an array column takes. */
const char *ids_literal(struct arena *a, const struct list *ids);

/* Takes the channel's row lock and its next number. */
MUST_CHECK enum err channel_advance(struct req *rq, snowflake channel_id, int64_t *ret_seq);
/* One that is not deleted. */
MUST_CHECK enum err message_find(struct req *rq, const struct rights *where, snowflake message_id,
                                 struct message *ret);
/* What no column holds: when it was sent, where, links to its files. */
void message_finish(struct req *rq, snowflake server_id, struct message *m);
/* Turns it into a tombstone and says so. */
MUST_CHECK enum err message_bury(struct req *rq, const struct rights *where, snowflake message_id,
                                 struct message_gone *ret);
/* A moderator did, not the author. */
void message_audit(struct req *rq, const struct message_gone *gone, const char *reason);
/* The author's messages of the server since a moment, newest first, at most BURY_MAX. */
enum { BURY_MAX = 1000 };
MUST_CHECK enum err messages_bury(struct req *rq, snowflake server_id, snowflake author_id,
                                  int64_t since_us);

#endif
