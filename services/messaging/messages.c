/* SPDX-License-Identifier: MIT */
/* Messages once sent: reading one, changing, deleting. Every change takes the channel's next number
 * under the channel's row lock and stamps it on the row, which stays as a tombstone when deleted.
 */

#include "services/messaging/messages.h"

#include "services/messaging/audit.h"
#include "services/messaging/reactions.h"
#include "shared/base/clock.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

#include <string.h>

struct message_args {
    snowflake channel_id;
    snowflake message_id;
};
static const struct field message_args_fields[] = {
    F_ID(message_args, channel_id),
    F_ID(message_args, message_id),
};
SHAPE(message_args);

struct message_update_args {
    snowflake channel_id;
    snowflake message_id;
    const char *content;
};
static const struct field message_update_args_fields[] = {
    F_ID(message_update_args, channel_id),
    F_ID(message_update_args, message_id),
    F_STR(message_update_args, content, RANGE(0, LIMIT_MESSAGE)),
};
SHAPE(message_update_args);

STMT(channel_count_up, "UPDATE channels SET seq = seq + $2 WHERE id = $1 RETURNING seq");

STMT(message_one,
     "SELECT " MESSAGE_COLUMNS("$3") " FROM " MESSAGE_FROM
     " WHERE m.channel_id = $1 AND m.id = $2 AND m.deleted_at IS NULL");

STMT(message_change,
     "UPDATE messages SET content = $3, rev = $4, edited_at = now(), mentions = $5::bigint[],"
     "       mention_roles = $6::bigint[], mention_everyone = $7"
     " WHERE channel_id = $1 AND id = $2 AND deleted_at IS NULL");

STMT(message_to_tombstone,
     "UPDATE messages SET deleted_at = now(), rev = $3"
     " WHERE channel_id = $1 AND id = $2 AND deleted_at IS NULL"
     " RETURNING id, channel_id, author_id, deleted_at, seq, rev");

STMT(messages_to_bury,
     "SELECT m.channel_id, m.id FROM messages m JOIN channels c ON c.id = m.channel_id"
     " WHERE m.author_id = $1 AND m.id >= $2 AND c.server_id = $3 AND m.deleted_at IS NULL"
     " ORDER BY m.id DESC LIMIT $4");

enum err channel_advance(struct req *rq, snowflake channel_id, int64_t *ret_seq)
{
    return db_scalar(rq, &channel_count_up, PARAMS(P(channel_id), P(1)), ret_seq,
                     ERR_UNKNOWN_CHANNEL);
}

void message_finish(struct req *rq, snowflake server_id, struct message *m)
{
    const char *secret = messaging_of(rq)->settings->media_secret;
    m->server_id = server_id;
    m->created_at = snowflake_time_us(m->id);
    for (size_t i = 0; i < m->attachments.count; i++) {
        struct attachment *file = LIST_AT(&m->attachments, struct attachment, i);
        file->url = attachment_url(&rq->arena, secret, file, clock_us());
    }
}

enum err message_find(struct req *rq, const struct rights *where, snowflake message_id,
                      struct message *ret)
{
    TRY(db_one(rq, &message_one, PARAMS(P(where->channel_id), P(message_id), P(rq->actor)),
               &message_shape, ret, ERR_UNKNOWN_MESSAGE));
    message_finish(rq, where->server_id, ret);
    return OK;
}

enum err message_get(struct req *rq, const struct message_args *in)
{
    struct rights where;
    TRY(rights_here(rq, in->channel_id, &where));
    struct message m = {0};
    TRY(message_find(rq, &where, in->message_id, &m));
    return reply(rq, &message_shape, &m);
}

static enum err content_change(struct req *rq, const struct rights *where,
                               const struct message_update_args *in)
{
    struct resolved mentioned;
    TRY(mentions_resolve(rq, where, in->content, &mentioned));
    int64_t rev;
    TRY(channel_advance(rq, in->channel_id, &rev));
    int changed;
    TRY(db_exec(rq, &message_change,
                PARAMS(P(in->channel_id), P(in->message_id), P(in->content), P(rev),
                       P(ids_literal(&rq->arena, &mentioned.users)),
                       P(ids_literal(&rq->arena, &mentioned.roles)), P(mentioned.everyone)),
                &changed));
    return changed == 1 ? OK : ERR_UNKNOWN_MESSAGE;
}

enum err message_update(struct req *rq, const struct message_update_args *in)
{
    struct rights where;
    TRY(rights_here(rq, in->channel_id, &where));
    TRY(post_check(rq, &where));
    struct message m = {0};
    TRY(message_find(rq, &where, in->message_id, &m));
    if (m.author->id != rq->actor)
        return ERR_NOT_AUTHOR;
    if (in->content[strspn(in->content, " \t\r\n")] == '\0' && m.attachments.count == 0)
        return ERR_EMPTY_MESSAGE;
    TRY(content_change(rq, &where, in));
    struct message now = {0};
    TRY(message_find(rq, &where, in->message_id, &now));
    struct event_to to = {.server = now.server_id, .channel = now.channel_id, .seq = now.rev};
    struct message told = now;
    told.reactions = reactions_untold(&rq->arena, &now.reactions);
    emit(rq, EV_MESSAGE_UPDATE, to, &message_shape, &told);
    return reply(rq, &message_shape, &now);
}

enum err message_bury(struct req *rq, const struct rights *where, snowflake message_id,
                      struct message_gone *ret)
{
    int64_t rev;
    TRY(channel_advance(rq, where->channel_id, &rev));
    TRY(db_one(rq, &message_to_tombstone, PARAMS(P(where->channel_id), P(message_id), P(rev)),
               &message_gone_shape, ret, ERR_UNKNOWN_MESSAGE));
    ret->server_id = where->server_id;
    ret->actor_id = rq->actor;
    struct event_to to = {.server = ret->server_id, .channel = ret->channel_id, .seq = ret->rev};
    emit(rq, EV_MESSAGE_DELETE, to, &message_gone_shape, ret);
    return OK;
}

void message_audit(struct req *rq, const struct message_gone *gone, const char *reason)
{
    audit(rq, &(struct audit){.action = "message.delete",
                              .server_id = gone->server_id,
                              .channel_id = gone->channel_id,
                              .target_id = gone->id,
                              .reason = reason,
                              .shape = &message_gone_shape,
                              .before = gone});
}

enum err message_delete(struct req *rq, const struct message_args *in)
{
    struct rights where;
    TRY(rights_here(rq, in->channel_id, &where));
    struct message m = {0};
    TRY(message_find(rq, &where, in->message_id, &m));
    if (m.author->id != rq->actor)
        TRY(rights_include(&where, PERM_MANAGE_MESSAGES));
    struct message_gone gone = {0};
    TRY(message_bury(rq, &where, in->message_id, &gone));
    if (gone.author_id != rq->actor)
        message_audit(rq, &gone, NULL);
    return OK;
}

enum err messages_bury(struct req *rq, snowflake server_id, snowflake author_id, int64_t since_us)
{
    struct list found;
    TRY(db_many(rq, &messages_to_bury,
                PARAMS(P(author_id), P(snowflake_at(since_us)), P(server_id), P(BURY_MAX)),
                &message_gone_shape, &found));
    for (size_t i = 0; i < found.count; i++) {
        const struct message_gone *m = LIST_AT(&found, struct message_gone, i);
        struct rights where = {.server_id = server_id, .channel_id = m->channel_id};
        struct message_gone gone = {0};
        TRY(message_bury(rq, &where, m->id, &gone));
    }
    return OK;
}
