/* SPDX-License-Identifier: MIT */
/* Reading what was said: pages of history by id, and sync, everything that changed since a number.
 * Because a number is taken under the channel's lock until COMMIT, whoever sees one sees all below
 * it, so sync misses nothing. */

#include "services/messaging/messages.h"
#include "services/messaging/reactions.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

enum { SYNC_MAX = 1000 };

struct message_list_args {
    snowflake channel_id;
    snowflake before;
    snowflake after;
    snowflake around;
    int64_t limit;
};
static const struct field message_list_args_fields[] = {
    F_ID(message_list_args, channel_id),
    F_ID(message_list_args, before, OPTIONAL),
    F_ID(message_list_args, after, OPTIONAL),
    F_ID(message_list_args, around, OPTIONAL),
    F_INT(message_list_args, limit, OPTIONAL, RANGE(1, LIMIT_PAGE)),
};
SHAPE(message_list_args);

struct message_sync_args {
    snowflake channel_id;
    int64_t after;
    int64_t limit;
};
static const struct field message_sync_args_fields[] = {
    F_ID(message_sync_args, channel_id),
    F_INT(message_sync_args, after, OPTIONAL, RANGE(0, INT64_MAX), TEXT("The last `rev` known.")),
    F_INT(message_sync_args, limit, OPTIONAL, RANGE(1, LIMIT_PAGE)),
};
SHAPE(message_sync_args);

struct channel_sync_args {
    snowflake channel_id;
    int64_t after;
    int64_t limit;
};
static const struct field channel_sync_args_fields[] = {
    F_ID(channel_sync_args, channel_id),
    F_INT(channel_sync_args, after, OPTIONAL, RANGE(0, INT64_MAX)),
    F_INT(channel_sync_args, limit, OPTIONAL, RANGE(1, SYNC_MAX)),
};
SHAPE(channel_sync_args);

STMT(messages_before,
     "SELECT " MESSAGE_COLUMNS("$4") " FROM " MESSAGE_FROM
     " WHERE m.channel_id = $1 AND m.id < $2 AND m.deleted_at IS NULL"
     " ORDER BY m.id DESC LIMIT $3");

STMT(messages_after,
     "SELECT " MESSAGE_COLUMNS("$4") " FROM " MESSAGE_FROM
     " WHERE m.channel_id = $1 AND m.id > $2 AND m.deleted_at IS NULL"
     " ORDER BY m.id LIMIT $3");

STMT(messages_since,
     "SELECT " MESSAGE_COLUMNS("$4") " FROM " MESSAGE_FROM
     " WHERE m.channel_id = $1 AND m.rev > $2"
     " ORDER BY m.rev LIMIT $3");

STMT(reactions_since,
     "SELECT r.message_id, r.user_id, r.emoji, r.removed_at IS NOT NULL AS is_removed"
     "  FROM reactions r WHERE r.channel_id = $1 AND r.rev > $2 AND r.rev <= $3"
     " ORDER BY r.rev LIMIT $4");

STMT(channel_number, "SELECT seq, server_id FROM channels WHERE id = $1");

static void finish_all(struct req *rq, snowflake server_id, const struct list *messages)
{
    for (size_t i = 0; i < messages->count; i++)
        message_finish(rq, server_id, LIST_AT(messages, struct message, i));
}

static void reverse(const struct list *messages)
{
    for (size_t i = 0, k = messages->count; i + 1 < k; i++) {
        struct message *a = LIST_AT(messages, struct message, i);
        struct message *b = LIST_AT(messages, struct message, --k);
        struct message kept = *a;
        *a = *b;
        *b = kept;
    }
}

static enum err page_before(struct req *rq, snowflake channel_id, snowflake id, int64_t limit,
                            struct list *ret)
{
    return db_many(rq, &messages_before, PARAMS(P(channel_id), P(id), P(limit), P(rq->actor)),
                   &message_shape, ret);
}

/* Newest first, like the others. */
static enum err page_after(struct req *rq, snowflake channel_id, snowflake id, int64_t limit,
                           struct list *ret)
{
    TRY(db_many(rq, &messages_after, PARAMS(P(channel_id), P(id), P(limit), P(rq->actor)),
                &message_shape, ret));
    reverse(ret);
    return OK;
}

/* The message itself, when it is there, counts as one of the older half. */
static enum err page_around(struct req *rq, snowflake channel_id, snowflake id, int64_t limit,
                            struct list *ret)
{
    struct list newer;
    struct list older;
    TRY(page_after(rq, channel_id, id, limit / 2, &newer));
    snowflake above = id < INT64_MAX ? id + 1 : id;
    TRY(page_before(rq, channel_id, above, limit - (int64_t)newer.count, &older));
    struct message *v = arena_new_n(&rq->arena, struct message, newer.count + older.count + 1);
    for (size_t i = 0; i < newer.count; i++)
        v[i] = *LIST_AT(&newer, struct message, i);
    for (size_t i = 0; i < older.count; i++)
        v[newer.count + i] = *LIST_AT(&older, struct message, i);
    *ret = (struct list){v, newer.count + older.count};
    return OK;
}

static enum err page(struct req *rq, const struct message_list_args *in, struct list *ret)
{
    int64_t limit = in->limit != 0 ? in->limit : LIMIT_PAGE_DEFAULT;
    if (in->after != 0)
        return page_after(rq, in->channel_id, in->after, limit, ret);
    if (in->around != 0)
        return page_around(rq, in->channel_id, in->around, limit, ret);
    snowflake before = in->before != 0 ? in->before : INT64_MAX;
    return page_before(rq, in->channel_id, before, limit, ret);
}

enum err message_list(struct req *rq, const struct message_list_args *in)
{
    if ((in->before != 0) + (in->after != 0) + (in->around != 0) > 1)
        return fail_field(rq, "around", "excludes before and after, as they exclude each other");
    struct rights where;
    TRY(rights_here(rq, in->channel_id, &where));
    struct list messages;
    TRY(page(rq, in, &messages));
    finish_all(rq, where.server_id, &messages);
    return reply_list(rq, &message_shape, &messages);
}

/* The channel's number is read first: what is committed in between shows as messages beyond it,
 * never as a number beyond the messages. */
static enum err sync_from(struct req *rq, const struct channel_sync_args *in, snowflake reader,
                          struct sync_page *ret)
{
    struct channel c = {0};
    TRY(db_one(rq, &channel_number, PARAMS(P(in->channel_id)), &channel_shape, &c,
               ERR_UNKNOWN_CHANNEL));
    int64_t limit = in->limit != 0 ? in->limit : LIMIT_PAGE;
    struct sync_page sync = {.seq = c.seq};
    TRY(db_many(rq, &messages_since,
                PARAMS(P(in->channel_id), P(in->after), P(limit + 1), P(reader)), &message_shape,
                &sync.messages));
    if (sync.messages.count > (size_t)limit) {
        sync.messages.count = (size_t)limit;
        sync.has_more = true;
    }
    finish_all(rq, c.server_id, &sync.messages);
    *ret = sync;
    return OK;
}

enum err message_sync(struct req *rq, const struct message_sync_args *in)
{
    struct channel_sync_args all = {in->channel_id, in->after, in->limit};
    struct sync_page sync;
    TRY(sync_from(rq, &all, rq->actor, &sync));
    return reply(rq, &sync_page_shape, &sync);
}

/* The changes of one message's reactions, of all that are in the order of their numbers. */
static struct list reacted_to(struct arena *a, snowflake message_id, const struct list *all)
{
    struct reacted *v = NULL;
    size_t n = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct reacted *r = LIST_AT(all, struct reacted, i);
        if (r->message_id != message_id)
            continue;
        if (v == NULL)
            v = arena_new_n(a, struct reacted, all->count - i);
        v[n++] = *r;
    }
    return (struct list){v, n};
}

/* A gateway tells many readers by one answer: instead of who `me` is it says whose reactions
 * changed. More of them than an answer holds count as more messages do. */
static enum err reacted_add(struct req *rq, const struct channel_sync_args *in,
                            struct sync_page *sync)
{
    size_t n = sync->messages.count;
    int64_t until = n > 0 ? LIST_AT(&sync->messages, struct message, n - 1)->rev : in->after;
    struct list reacted;
    TRY(db_many(rq, &reactions_since,
                PARAMS(P(in->channel_id), P(in->after), P(until), P(SYNC_MAX + 1)), &reacted_shape,
                &reacted));
    sync->has_more |= reacted.count > SYNC_MAX;
    for (size_t i = 0; i < n && reacted.count > 0; i++) {
        struct message *m = LIST_AT(&sync->messages, struct message, i);
        m->reacted = reacted_to(&rq->arena, m->id, &reacted);
    }
    return OK;
}

enum err channel_sync(struct req *rq, const struct channel_sync_args *in)
{
    struct sync_page sync;
    TRY(sync_from(rq, in, 0, &sync));
    TRY(reacted_add(rq, in, &sync));
    return reply(rq, &sync_page_shape, &sync);
}
