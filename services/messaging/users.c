/* SPDX-License-Identifier: MIT */
/* The copy of auth's accounts. It follows user.create and user.update; somebody who acts before the
 * event has arrived is asked for. rev decides which of two copies is newer, so events may come
 * twice or late. */

#include "services/messaging/messaging.h"
#include "shared/store/db.h"

/* What is taken of auth's public account. */
struct user_copy {
    snowflake id, app_id;
    const char *username, *display_name, *avatar_url;
    bool is_bot;
    int64_t rev;
};
static const struct field user_copy_fields[] = {
    F_ID(user_copy, id),
    F_ID(user_copy, app_id),
    F_STR(user_copy, username),
    F_STR(user_copy, display_name, OPT_NULL),
    F_STR(user_copy, avatar_url, OPT_NULL),
    F_BOOL(user_copy, is_bot),
    F_INT(user_copy, rev),
};
SHAPE(user_copy);

struct user_question {
    snowflake user_id;
};
static const struct field user_question_fields[] = {
    F_ID(user_question, user_id),
};
static SHAPE(user_question);

/* Two statements, because ON CONFLICT DO UPDATE waits at one unique index only, and two who add the
 * same user at the same moment may meet at the other. */
STMT(user_add,
     "INSERT INTO users (id, app_id, username, display_name, avatar_url, is_bot, rev)"
     " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING");

STMT(user_change,
     "UPDATE users SET username = $3, display_name = $4, avatar_url = $5, is_bot = $6, rev = $7"
     " WHERE id = $1 AND app_id = $2 AND rev < $7");

STMT(user_is_known, "SELECT 1 FROM users WHERE id = $1 AND app_id = $2");

STMT(user_count_up, "UPDATE users SET seq = seq + 1 WHERE id = $1 AND app_id = $2 RETURNING seq");

static enum err user_store(struct req *rq, const struct user_copy *u)
{
    const struct params all = PARAMS(P(u->id), P(u->app_id), P(u->username), P(u->display_name),
                                     P(u->avatar_url), P(u->is_bot), P(u->rev));
    int added;
    TRY(db_exec(rq, &user_add, all, &added));
    return added > 0 ? OK : db_exec(rq, &user_change, all, NULL);
}

/* Once seen, always known: accounts stay in the copy. */
static _Atomic snowflake *known_slot(struct req *rq)
{
    struct messaging *m = messaging_of(rq);
    return &m->known_users[(rq->actor >> 22 ^ rq->actor) % KNOWN_USERS];
}

enum err user_require(struct req *rq)
{
    _Atomic snowflake *slot = known_slot(rq);
    if (atomic_load_explicit(slot, memory_order_relaxed) == rq->actor)
        return OK;
    int64_t one;
    enum err e =
        db_scalar(rq, &user_is_known, PARAMS(P(rq->actor), P(rq->app)), &one, ERR_UNKNOWN_USER);
    if (e == ERR_UNKNOWN_USER) {
        struct user_question question = {rq->actor};
        struct user_copy copy = {0};
        TRY(bus_call(rq, "auth.user.get", &user_question_shape, &question, &user_copy_shape,
                     &copy));
        e = user_store(rq, &copy);
    }
    TRY(e);
    atomic_store_explicit(slot, rq->actor, memory_order_relaxed);
    return OK;
}

enum err user_advance(struct req *rq, snowflake user_id, int64_t *ret_seq)
{
    return db_scalar(rq, &user_count_up, PARAMS(P(user_id), P(rq->app)), ret_seq, ERR_UNKNOWN_USER);
}

enum err user_heard(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    return user_store(rq, payload);
}
