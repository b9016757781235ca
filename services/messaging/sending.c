/* SPDX-License-Identifier: MIT */
/* Sending: the hot path. All that wait are judged one by one and written by one statement, which
 * locks the channels in the order of their ids, gives each message the next number of its channel
 * and an id above every earlier one of the channel, whichever copy wrote that: so the order of ids,
 * of numbers and of events is one. An id made too early is moved to a later millisecond and keeps
 * its worker and sequence: counting up from another copy's id would meet an id of that copy. */

#include "services/messaging/messages.h"
#include "shared/base/clock.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"
#include "shared/wire/json.h"

#include <string.h>

enum { TOKEN_MAX = 4096 };

struct attachment_input {
    const char *token;
};
static const struct field attachment_input_fields[] = {
    F_STR(attachment_input, token, RANGE(1, TOKEN_MAX), TEXT("As the upload answered.")),
};
static SHAPE(attachment_input);

struct message_create_args {
    snowflake channel_id;
    const char *content;
    const char *nonce;
    snowflake reply_to;
    struct list attachments;
};
static const struct field message_create_args_fields[] = {
    F_ID(message_create_args, channel_id),
    F_STR(message_create_args, content, OPTIONAL, RANGE(0, LIMIT_MESSAGE)),
    F_STR(message_create_args, nonce, OPTIONAL, RANGE(1, LIMIT_NONCE),
          TEXT("Repeating it within a day gives the first answer again, like Idempotency-Key.")),
    F_ID(message_create_args, reply_to, OPT_NULL),
    F_LIST(message_create_args, attachments, attachment_input, OPTIONAL,
           RANGE(0, LIMIT_ATTACHMENTS)),
};
SHAPE(message_create_args);

/* What media must know: these files are no orphans. Apart from message.create, so that media need
 * not hear every message there is. */
struct attachment_use {
    snowflake message_id, channel_id, server_id;
    struct list attachment_ids;
};
static const struct field attachment_use_fields[] = {
    F_ID(attachment_use, message_id),
    F_ID(attachment_use, channel_id),
    F_ID(attachment_use, server_id),
    F_IDS(attachment_use, attachment_ids),
};
SHAPE(attachment_use);

STMT(messages_insert,
     "WITH input AS MATERIALIZED ("
     "  SELECT *, row_number() OVER own AS turn, first_value(id) OVER own AS low"
     "    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],"
     "                $6::text[], $7::text[], $8::bigint[], $9::text[])"
     "         WITH ORDINALITY AS i (channel_id, id, author_id, content, reply_to, mentions,"
     "                               mention_roles, everyone, attachments, nth)"
     "  WINDOW own AS (PARTITION BY channel_id ORDER BY nth)),"
     " held AS MATERIALIZED ("
     "  SELECT c.id, c.seq, coalesce(c.last_message_id, 0) AS last FROM channels c"
     "   WHERE c.id = ANY ($1) ORDER BY c.id FOR NO KEY UPDATE),"
     " placed AS MATERIALIZED ("
     "  SELECT i.*, h.seq + i.turn AS seq, i.id + CASE WHEN i.low > h.last THEN 0 ELSE"
     "         ((h.last >> 22) - (i.low >> 22) + (i.low & 4194303 <= h.last & 4194303)::int) << 22"
     "         END AS own_id"
     "    FROM input i JOIN held h ON h.id = i.channel_id),"
     " counted AS ("
     "  UPDATE channels c SET seq = last.seq, last_message_id = last.own_id"
     "    FROM (SELECT channel_id, max(seq) AS seq, max(own_id) AS own_id"
     "            FROM placed GROUP BY channel_id) AS last"
     "   WHERE c.id = last.channel_id),"
     " written AS ("
     "  INSERT INTO messages (channel_id, id, author_id, seq, rev, content, reply_to, mentions,"
     "                        mention_roles, mention_everyone, attachments)"
     "  SELECT channel_id, own_id, author_id, seq, seq, content, nullif(reply_to, 0),"
     "         mentions::bigint[], mention_roles::bigint[], everyone = 1, attachments::jsonb"
     "    FROM placed)"
     " SELECT nth, own_id AS id, seq FROM placed ORDER BY nth");

STMT(message_referenced,
     "SELECT r.id, " USER_COLUMNS("author", "u") ","
     "       CASE WHEN r.deleted_at IS NULL THEN r.content END AS content"
     "  FROM messages r JOIN users u ON u.id = r.author_id"
     " WHERE r.channel_id = $1 AND r.id = $2");

STMT(slow_turn_take,
     "INSERT INTO slow_turns AS t (channel_id, user_id, next_at)"
     " VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3::bigint))"
     "     ON CONFLICT (channel_id, user_id) DO UPDATE SET next_at = excluded.next_at"
     "  WHERE t.next_at <= clock_timestamp()");

STMT(slow_turn_rest,
     "SELECT greatest(ceil(extract(epoch FROM next_at - clock_timestamp()) * 1000), 1)::bigint"
     "  FROM slow_turns WHERE channel_id = $1 AND user_id = $2");

/* A message that passed every check and waits to be written. */
struct draft {
    size_t at; /* in the handler's arrays */
    struct req *sender;
    const struct message_create_args *in;
    const char *content;
    struct rights where;
    struct resolved mentioned;
    struct list attachments; /* struct attachment */
    struct referenced *referenced;
};

struct placed {
    int64_t nth;
    snowflake id;
    int64_t seq;
};
static const struct field placed_fields[] = {
    F_INT(placed, nth),
    F_ID(placed, id),
    F_INT(placed, seq),
};
static SHAPE(placed);

enum err post_check(struct req *rq, const struct rights *where)
{
    if (where->channel_type == CHANNEL_CATEGORY)
        return ERR_WRONG_CHANNEL_TYPE;
    if (where->is_locked && !permission_has(where->permissions, PERM_MANAGE_CHANNELS))
        return ERR_CHANNEL_LOCKED;
    return instance_check(rq);
}

static bool is_exempt(const struct rights *where)
{
    uint64_t any = PERM_BYPASS_SLOW_MODE | PERM_MANAGE_MESSAGES | PERM_MANAGE_CHANNELS;
    return (where->permissions & any) != 0;
}

/* rq is the transaction's, sender's is the answer. */
static enum err slow_take(struct req *rq, struct req *sender, const struct rights *where)
{
    int64_t seconds = atomic_load(&messaging_of(rq)->slow_mode_s);
    if (where->slow_mode_s > seconds)
        seconds = where->slow_mode_s;
    if (seconds == 0 || is_exempt(where))
        return OK;
    int taken;
    TRY(db_exec(rq, &slow_turn_take, PARAMS(P(where->channel_id), P(where->user_id), P(seconds)),
                &taken));
    if (taken > 0)
        return OK;
    int64_t rest_ms;
    TRY(db_scalar(rq, &slow_turn_rest, PARAMS(P(where->channel_id), P(where->user_id)), &rest_ms,
                  ERR_INTERNAL));
    return fail_after(sender, ERR_SLOW_MODE, (int)rest_ms);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static enum err attachments_read(struct draft *d)
{
    struct req *sender = d->sender;
    const struct list *given = &d->in->attachments;
    if (given->count == 0)
        return OK;
    TRY(rights_include(&d->where, PERM_ATTACH_FILES));
    const char *secret = messaging_of(sender)->settings->media_secret;
    struct attachment *files = arena_new_n(&sender->arena, struct attachment, given->count);
    for (size_t i = 0; i < given->count; i++)
        TRY(attachment_token_read(&sender->arena, secret, sender->actor,
                                  LIST_AT(given, struct attachment_input, i)->token, &files[i]));
    d->attachments = (struct list){files, given->count};
    return OK;
}

static enum err referenced_read(struct req *rq, struct draft *d)
{
    if (d->in->reply_to == 0)
        return OK;
    TRY(rights_include(&d->where, PERM_READ_HISTORY));
    d->referenced = arena_new(&rq->arena, struct referenced);
    enum err e = db_one(rq, &message_referenced, PARAMS(P(d->in->channel_id), P(d->in->reply_to)),
                        &referenced_shape, d->referenced, ERR_UNKNOWN_MESSAGE);
    return e == ERR_UNKNOWN_MESSAGE
               ? fail_field(d->sender, "reply_to", "must be a message of this channel")
               : e;
}

/* Every statement runs on the transaction's request, on behalf of the sender: one of the sender's
 * own would not know that it is inside the transaction, and reconnect in its middle. */
static void speak_for(struct req *rq, const struct req *sender)
{
    rq->from = sender->from;
    rq->actor = sender->actor;
    rq->app = sender->app;
}

static enum err draft_make(struct req *rq, struct draft *d)
{
    speak_for(rq, d->sender);
    d->content = d->in->content != NULL ? d->in->content : "";
    TRY(rights_here(rq, d->in->channel_id, &d->where));
    TRY(rights_include(&d->where, PERM_SEND_MESSAGES));
    TRY(post_check(rq, &d->where));
    if (is_blank(d->content) && d->in->attachments.count == 0)
        return ERR_EMPTY_MESSAGE;
    TRY(attachments_read(d));
    TRY(referenced_read(rq, d));
    TRY(mentions_resolve(rq, &d->where, d->content, &d->mentioned));
    return slow_take(rq, d->sender, &d->where);
}

const char *ids_literal(struct arena *a, const struct list *ids)
{
    if (ids->count == 0)
        return NULL;
    auto_buf struct buf text = {0};
    for (size_t i = 0; i < ids->count; i++) {
        buf_addc(&text, i == 0 ? '{' : ',');
        buf_add_u64(&text, *LIST_AT(ids, snowflake, i));
    }
    buf_addc(&text, '}');
    return arena_strdup(a, buf_str(&text));
}

static const char *attachments_text(struct arena *a, const struct list *files)
{
    if (files->count == 0)
        return NULL;
    auto_buf struct buf text = {0};
    shape_encode_list(&attachment_shape, files, &text);
    return arena_strdup(a, buf_str(&text));
}

/* The drafts as columns, one array a parameter. */
static enum err drafts_write(struct req *rq, const struct draft *drafts, size_t n,
                             struct list *ret_placed)
{
    struct arena *a = &rq->arena;
    snowflake *channels = arena_new_n(a, snowflake, n);
    snowflake *ids = arena_new_n(a, snowflake, n);
    snowflake *authors = arena_new_n(a, snowflake, n);
    snowflake *replies = arena_new_n(a, snowflake, n);
    int64_t *everyone = arena_new_n(a, int64_t, n);
    const char **contents = arena_new_n(a, const char *, n);
    const char **mentions = arena_new_n(a, const char *, n);
    const char **roles = arena_new_n(a, const char *, n);
    const char **files = arena_new_n(a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        const struct draft *d = &drafts[i];
        TRY(id_new(rq, &ids[i]));
        channels[i] = d->in->channel_id;
        authors[i] = d->sender->actor;
        replies[i] = d->in->reply_to;
        everyone[i] = d->mentioned.everyone;
        contents[i] = d->content;
        mentions[i] = ids_literal(a, &d->mentioned.users);
        roles[i] = ids_literal(a, &d->mentioned.roles);
        files[i] = attachments_text(a, &d->attachments);
    }
    return db_many(rq, &messages_insert,
                   PARAMS(P_IDS(channels, n), P_IDS(ids, n), P_IDS(authors, n), P_STRS(contents, n),
                          P_IDS(replies, n), P_STRS(mentions, n), P_STRS(roles, n),
                          P_INTS(everyone, n), P_STRS(files, n)),
                   &placed_shape, ret_placed);
}

static void files_tell(struct req *rq, const struct message *m)
{
    size_t n = m->attachments.count;
    snowflake *ids = arena_new_n(&rq->arena, snowflake, n + 1);
    for (size_t i = 0; i < n; i++)
        ids[i] = LIST_AT(&m->attachments, struct attachment, i)->id;
    struct attachment_use use = {
        .message_id = m->id,
        .channel_id = m->channel_id,
        .server_id = m->server_id,
        .attachment_ids = {ids, n},
    };
    if (n > 0)
        emit(rq, EV_ATTACHMENT_USE, (struct event_to){.user = rq->actor}, &attachment_use_shape,
             &use);
}

static void message_tell(const struct draft *d, const struct placed *at)
{
    struct author author = d->where.author;
    struct message m = {
        .id = at->id,
        .channel_id = d->in->channel_id,
        .author = &author,
        .content = d->content,
        .nonce = d->in->nonce,
        .reply_to = d->in->reply_to,
        .referenced = d->referenced,
        .mentions = d->mentioned.users,
        .mention_roles = d->mentioned.roles,
        .mention_everyone = d->mentioned.everyone,
        .attachments = d->attachments,
        .seq = at->seq,
        .rev = at->seq,
    };
    message_finish(d->sender, d->where.server_id, &m);
    struct event_to to = {.server = m.server_id, .channel = m.channel_id, .seq = m.rev};
    emit(d->sender, EV_MESSAGE_CREATE, to, &message_shape, &m);
    /* The answer is the event's body: it is encoded once. */
    const struct event *told = d->sender->events;
    buf_reset(&d->sender->reply);
    buf_add(&d->sender->reply, told->body, told->body_len);
    files_tell(d->sender, &m);
}

enum err message_create(struct req *rq, struct req **rqs,
                        const struct message_create_args *const *ins, enum err *errs, size_t n)
{
    struct draft *drafts = arena_new_n(&rq->arena, struct draft, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct draft *d = &drafts[count];
        *d = (struct draft){.at = i, .sender = rqs[i], .in = ins[i]};
        errs[i] = draft_make(rq, d);
        if (errs[i] == OK)
            count++;
    }
    if (count == 0)
        return OK;
    struct list placed;
    TRY(drafts_write(rq, drafts, count, &placed));
    /* What has no place has lost its channel meanwhile. */
    for (size_t i = 0; i < count; i++)
        errs[drafts[i].at] = ERR_UNKNOWN_CHANNEL;
    for (size_t i = 0; i < placed.count; i++) {
        const struct placed *at = LIST_AT(&placed, struct placed, i);
        const struct draft *d = &drafts[at->nth - 1];
        message_tell(d, at);
        errs[d->at] = OK;
    }
    return OK;
}
