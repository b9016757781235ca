/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_AUDIT_H
#define SERVICES_MESSAGING_AUDIT_H

/* What moderation's audit log is told of: acts by which somebody governs a server. The note is a
 * durable event of the transaction that does the act, so there is an entry exactly when the act
 * happened, and members never see who did it or why. */

#include "shared/wire/field.h"
#include "shared/wire/req.h"

struct audit {
    const char *action; /* "member.kick": moderation's filter, part of the contract */
    snowflake server_id;
    snowflake channel_id; /* where it happened; 0: in the server itself */
    snowflake target_id;  /* user, channel, role or message; 0: it has no id */
    const char *reason;
    const struct shape *shape; /* of both of these; NULL: nothing to compare */
    const void *before;        /* NULL: it was made */
    const void *after;         /* NULL: it is gone */
};

/* The caller of the request did it, now. What differs between before and after is in the note; when
 * nothing does, nothing was done. */
void audit(struct req *rq, const struct audit *a);

extern const struct shape audit_note_shape;

#endif
