/* SPDX-License-Identifier: MIT */
/* The audit log. An act's note comes as a durable event of the transaction that did it: there is an
 * entry exactly when it happened, a moment later, however often the event is delivered. */

#include "services/moderation/moderation.h"
#include "shared/store/db.h"

enum { ACTION_MAX = 40 };

struct audit_heard {
    snowflake server_id, channel_id, actor_id, target_id;
    const char *action, *reason, *changes;
    int64_t at;
};
static const struct field audit_heard_fields[] = {
    F_ID(audit_heard, server_id), F_ID(audit_heard, channel_id, NULLABLE),
    F_ID(audit_heard, actor_id),  F_ID(audit_heard, target_id, NULLABLE),
    F_STR(audit_heard, action),   F_STR(audit_heard, reason, NULLABLE),
    F_JSON(audit_heard, changes), F_TIME(audit_heard, at),
};
SHAPE(audit_heard);

struct audit_entry {
    snowflake id, server_id, channel_id, actor_id, target_id;
    const char *action, *reason, *changes;
    int64_t at;
};
static const struct field audit_entry_fields[] = {
    F_ID(audit_entry, id),
    F_ID(audit_entry, server_id),
    F_ID(audit_entry, channel_id, NULLABLE, TEXT("Where; null: in the server itself.")),
    F_ID(audit_entry, actor_id, TEXT("Who did it.")),
    F_ID(audit_entry, target_id, NULLABLE, TEXT("The user, channel, role or message.")),
    F_STR(audit_entry, action, TEXT("\"member.kick\", \"ban.create\", \"role.update\" …")),
    F_STR(audit_entry, reason, NULLABLE),
    F_JSON(audit_entry, changes, TEXT("[{key, old, new}] of what differs.")),
    F_TIME(audit_entry, at),
};
SHAPE(audit_entry);

struct audit_list_args {
    snowflake server_id;
    snowflake before;
    int64_t limit;
    const char *action;
    snowflake user_id;
    snowflake target_id;
};
static const struct field audit_list_args_fields[] = {
    F_ID(audit_list_args, server_id),
    F_ID(audit_list_args, before, OPTIONAL),
    F_INT(audit_list_args, limit, OPTIONAL, RANGE(1, LIMIT_PAGE)),
    F_STR(audit_list_args, action, OPTIONAL, RANGE(1, ACTION_MAX), TEXT("Only acts of this kind.")),
    F_ID(audit_list_args, user_id, OPTIONAL, TEXT("Only what this user did.")),
    F_ID(audit_list_args, target_id, OPTIONAL, TEXT("Only what was done to this.")),
};
SHAPE(audit_list_args);

STMT(audit_keep,
     "INSERT INTO audit_entries (id, event_id, app_id, server_id, channel_id, actor_id, target_id,"
     "                           action, reason, changes, at)"
     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::json, $11)"
     "     ON CONFLICT (event_id) DO NOTHING");

STMT(audit_page,
     "SELECT id, server_id, channel_id, actor_id, target_id, action, reason, changes, at"
     "  FROM audit_entries"
     " WHERE app_id = $1 AND server_id = $2 AND ($3::bigint IS NULL OR id < $3)"
     "   AND ($4::text IS NULL OR action = $4)"
     "   AND ($5::bigint IS NULL OR actor_id = $5)"
     "   AND ($6::bigint IS NULL OR target_id = $6)"
     " ORDER BY id DESC LIMIT $7");

enum err audit_heard(struct req *rq, const void *payload, const char *event_id)
{
    const struct audit_heard *note = payload;
    snowflake id;
    TRY(new_id(rq, &id));
    return db_exec(rq, &audit_keep,
                   PARAMS(P(id), P(event_id), P(rq->app), P(note->server_id),
                          P_OPT(note->channel_id), P(note->actor_id), P_OPT(note->target_id),
                          P(note->action), P(note->reason), P(note->changes), P_TIME(note->at)),
                   NULL);
}

enum err audit_list(struct req *rq, const struct audit_list_args *in)
{
    int64_t limit = in->limit != 0 ? in->limit : LIMIT_PAGE_DEFAULT;
    struct list entries;
    TRY(db_many(rq, &audit_page,
                PARAMS(P(rq->app), P(in->server_id), P_OPT(in->before), P(in->action),
                       P_OPT(in->user_id), P_OPT(in->target_id), P(limit)),
                &audit_entry_shape, &entries));
    return reply_list(rq, &audit_entry_shape, &entries);
}
