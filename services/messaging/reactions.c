/* SPDX-License-Identifier: MIT */
/* Reactions: who gave a message which emoji. Like every change of a message one takes the channel's
 * next number under the channel's row lock; one that changes nothing takes none and is not told.
 * The lock comes first, so what is read under it is what is changed. */

#include "services/messaging/reactions.h"
#include "services/messaging/emoji.h"
#include "services/messaging/messages.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"
#include "shared/wire/json.h"

#include <string.h>

struct reaction_args {
    snowflake channel_id;
    snowflake message_id;
    const char *emoji;
};
static const struct field reaction_args_fields[] = {
    F_ID(reaction_args, channel_id),
    F_ID(reaction_args, message_id),
    F_STR(reaction_args, emoji, RANGE(1, LIMIT_EMOJI), TEXT("One emoji of Unicode, as it is.")),
};
SHAPE(reaction_args);

struct reaction_list_args {
    snowflake channel_id;
    snowflake message_id;
    const char *emoji;
    snowflake after;
    int64_t limit;
};
static const struct field reaction_list_args_fields[] = {
    F_ID(reaction_list_args, channel_id),
    F_ID(reaction_list_args, message_id),
    F_STR(reaction_list_args, emoji, RANGE(1, LIMIT_EMOJI)),
    F_ID(reaction_list_args, after, OPTIONAL, TEXT("A user's id.")),
    F_INT(reaction_list_args, limit, OPTIONAL, RANGE(1, LIMIT_PAGE)),
};
SHAPE(reaction_list_args);

STMT(channel_hold, "SELECT seq FROM channels WHERE id = $1 FOR NO KEY UPDATE");

STMT(reaction_put,
     "INSERT INTO reactions (channel_id, message_id, user_id, emoji, rev)"
     " VALUES ($1, $2, $3, $4, $5)"
     "     ON CONFLICT (channel_id, message_id, user_id, emoji)"
     "     DO UPDATE SET rev = excluded.rev, removed_at = NULL");

STMT(reaction_take_back,
     "UPDATE reactions SET rev = $5, removed_at = now()"
     " WHERE channel_id = $1 AND message_id = $2 AND user_id = $3 AND emoji = $4");

STMT(message_count_reactions,
     "UPDATE messages SET reactions = $3::jsonb, rev = $4 WHERE channel_id = $1 AND id = $2");

STMT(reaction_users,
     "SELECT u.* FROM reactions r, LATERAL ("
     "     SELECT id, username, display_name, avatar_url, is_bot FROM users"
     "      WHERE id = r.user_id OFFSET 0) AS u"
     " WHERE r.channel_id = $1 AND r.message_id = $2 AND r.emoji = $3 AND r.user_id > $4"
     "   AND r.removed_at IS NULL"
     " ORDER BY r.user_id LIMIT $5");

/* A change that is being made. */
struct change {
    struct rights where;
    snowflake message_id;
    char emoji[EMOJI_SIZE];
    struct list counts;  /* struct reaction: the message's, with room for one more */
    struct reaction *at; /* the emoji's, NULL when the message has none of it */
};

struct list reactions_untold(struct arena *a, const struct list *reactions)
{
    struct reaction *v = arena_new_n(a, struct reaction, reactions->count + 1);
    for (size_t i = 0; i < reactions->count; i++) {
        v[i] = *LIST_AT(reactions, struct reaction, i);
        v[i].me = false;
    }
    return (struct list){v, reactions->count};
}

static struct reaction *reaction_of(const struct list *reactions, const char *emoji)
{
    for (size_t i = 0; i < reactions->count; i++) {
        struct reaction *r = LIST_AT(reactions, struct reaction, i);
        if (strcmp(r->emoji, emoji) == 0)
            return r;
    }
    return NULL;
}

/* From here on nobody else changes the channel. *ret_is_there: the caller has reacted like this. */
static enum err change_begin(struct req *rq, const struct reaction_args *in, struct change *c,
                             bool *ret_is_there)
{
    if (!emoji_qualify(in->emoji, c->emoji))
        return ERR_UNKNOWN_EMOJI;
    int64_t seq;
    TRY(db_scalar(rq, &channel_hold, PARAMS(P(in->channel_id)), &seq, ERR_UNKNOWN_CHANNEL));
    struct message m = {0};
    TRY(message_find(rq, &c->where, in->message_id, &m));
    const struct reaction *had = reaction_of(&m.reactions, c->emoji);
    *ret_is_there = had != NULL && had->me;
    c->message_id = m.id;
    c->counts = reactions_untold(&rq->arena, &m.reactions);
    c->at = reaction_of(&c->counts, c->emoji);
    return OK;
}

static const char *counts_text(struct arena *a, const struct list *counts)
{
    if (counts->count == 0)
        return NULL;
    auto_buf struct buf text = {0};
    shape_encode_list(&reaction_shape, counts, &text);
    return arena_strdup(a, buf_str(&text));
}

/* `write` says it of the user, this of the message, and then of both to everybody. */
static enum err change_end(struct req *rq, const struct change *c, const struct stmt *write,
                           enum event_id what, int64_t count)
{
    int64_t rev;
    TRY(channel_advance(rq, c->where.channel_id, &rev));
    TRY(db_exec(rq, write,
                PARAMS(P(c->where.channel_id), P(c->message_id), P(rq->actor),
                       P((const char *)c->emoji), P(rev)),
                NULL));
    TRY(db_exec(rq, &message_count_reactions,
                PARAMS(P(c->where.channel_id), P(c->message_id),
                       P(counts_text(&rq->arena, &c->counts)), P(rev)),
                NULL));
    struct reaction_change told = {.message_id = c->message_id,
                                   .channel_id = c->where.channel_id,
                                   .server_id = c->where.server_id,
                                   .user_id = rq->actor,
                                   .emoji = c->emoji,
                                   .count = count,
                                   .rev = rev};
    struct event_to to = {.server = told.server_id, .channel = told.channel_id, .seq = rev};
    emit(rq, what, to, &reaction_change_shape, &told);
    return OK;
}

enum err reaction_add(struct req *rq, const struct reaction_args *in)
{
    struct change c = {0};
    bool is_there;
    TRY(rights_here(rq, in->channel_id, &c.where));
    TRY(post_check(rq, &c.where));
    TRY(change_begin(rq, in, &c, &is_there));
    if (is_there)
        return OK;
    if (c.at == NULL) {
        if (c.counts.count >= LIMIT_REACTIONS)
            return ERR_MAX_REACTIONS;
        c.at = LIST_AT(&c.counts, struct reaction, c.counts.count++);
        *c.at = (struct reaction){.emoji = c.emoji};
    }
    c.at->count++;
    return change_end(rq, &c, &reaction_put, EV_REACTION_ADD, c.at->count);
}

enum err reaction_remove(struct req *rq, const struct reaction_args *in)
{
    struct change c = {0};
    bool is_there;
    TRY(rights_here(rq, in->channel_id, &c.where));
    TRY(change_begin(rq, in, &c, &is_there));
    if (!is_there)
        return OK;
    int64_t left = --c.at->count;
    if (left == 0) {
        struct reaction *end = LIST_AT(&c.counts, struct reaction, --c.counts.count);
        memmove(c.at, c.at + 1, (size_t)(end - c.at) * sizeof(*end));
    }
    return change_end(rq, &c, &reaction_take_back, EV_REACTION_REMOVE, left);
}

enum err reaction_list(struct req *rq, const struct reaction_list_args *in)
{
    struct rights where;
    char emoji[EMOJI_SIZE];
    if (!emoji_qualify(in->emoji, emoji))
        return ERR_UNKNOWN_EMOJI;
    TRY(rights_here(rq, in->channel_id, &where));
    struct message m = {0};
    TRY(message_find(rq, &where, in->message_id, &m));
    int64_t limit = in->limit != 0 ? in->limit : LIMIT_PAGE_DEFAULT;
    struct list users;
    TRY(db_many(rq, &reaction_users,
                PARAMS(P(in->channel_id), P(in->message_id), P((const char *)emoji), P(in->after),
                       P(limit)),
                &author_shape, &users));
    return reply_list(rq, &author_shape, &users);
}
