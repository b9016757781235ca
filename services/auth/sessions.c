/* SPDX-License-Identifier: MIT */
/* Sessions: where an account is signed in. The row is the truth; an access token outlives its
 * session's end by minutes, so each end is told at once by a durable event that every gateway
 * hears, and gateways that were away ask for what they missed. Each statement that ends sessions
 * returns their ids, and those alone are told: nothing ends in silence, nothing is told twice. */

#include "services/auth/auth.h"
#include "shared/base/clock.h"
#include "shared/crypto/secret.h"
#include "shared/crypto/token.h"
#include "shared/domain/limit.h"
#include "shared/wire/event.h"

enum {
    REVOKED_PAGE = 10000,      /* ids in one answer: some 200 KB */
    REVOKED_OVERLAP_S = 30,    /* a transaction may commit that long after it took its time */
    PURGE_AFTER_S = 24 * 3600, /* how long an ended session stays to be asked for */
    PURGE_BATCH = 5000,
};

static const struct field signed_in_fields[] = {
    F_OBJ(signed_in, user, user),
    F_ID(signed_in, session_id),
    F_STR(signed_in, access_token, TEXT("A JWT (RFC 7519) signed with ES256.")),
    F_STR(signed_in, refresh_token, TEXT("Works once, for POST /auth/refresh.")),
    F_STR(signed_in, token_type),
    F_INT(signed_in, expires_in, TEXT("Seconds the access token lives.")),
};
SHAPE(signed_in);

struct session {
    snowflake id;
    const char *ip;
    const char *agent;
    int64_t created_at;
    int64_t last_used_at;
    int64_t expires_at;
    bool is_current;
};
static const struct field session_fields[] = {
    F_ID(session, id),
    F_STR(session, ip, NULLABLE),
    F_STR(session, agent, NULLABLE),
    F_TIME(session, created_at),
    F_TIME(session, last_used_at),
    F_TIME(session, expires_at),
    F_BOOL(session, is_current, TEXT("The one that is asking.")),
};
SHAPE(session);

struct session_args {
    snowflake session_id;
};
static const struct field session_args_fields[] = {
    F_ID(session_args, session_id),
};
SHAPE(session_args);

struct session_revoked_args {
    int64_t since;
};
static const struct field session_revoked_args_fields[] = {
    F_TIME(session_revoked_args, since, OPTIONAL,
           TEXT("Absent: as long ago as an access token can live.")),
};
SHAPE(session_revoked_args);

struct revocations {
    struct list session_ids;
    int64_t until;
    bool has_more;
};
static const struct field revocations_fields[] = {
    F_IDS(revocations, session_ids, TEXT("Of sessions and of API keys.")),
    F_TIME(revocations, until, TEXT("What to ask for as `since` next time.")),
    F_BOOL(revocations, has_more),
};
SHAPE(revocations);

struct session_gone {
    struct list session_ids;
    snowflake user_id;
    snowflake app_id;
    int64_t at;
};
static const struct field session_gone_fields[] = {
    F_IDS(session_gone, session_ids, TEXT("Of sessions or of API keys.")),
    F_ID(session_gone, user_id),
    F_ID(session_gone, app_id),
    F_TIME(session_gone, at),
};
SHAPE(session_gone);

/* One column of ids, as an array. */
struct ended {
    struct list ids;
};
static const struct field ended_fields[] = {
    F_IDS(ended, ids),
};
static SHAPE(ended);

#define ENDED_IDS " SELECT coalesce(array_agg(id), '{}') AS ids FROM ended"

STMT(session_insert,
     "INSERT INTO sessions (id, app_id, user_id, refresh_hash, expires_at, ip, agent)"
     " VALUES ($1, $2, $3, decode($4, 'hex'), now() + $5 * interval '1 second', $6, $7)");

/* The least recently used beyond the limit make room. */
STMT(session_evict,
     "WITH ended AS ("
     "   UPDATE sessions SET revoked_at = now()"
     "    WHERE id IN (SELECT id FROM sessions"
     "                  WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()"
     "                  ORDER BY last_used_at DESC, id DESC OFFSET $2)"
     "   RETURNING id)" ENDED_IDS);

STMT(session_end_by_id,
     "WITH ended AS ("
     "   UPDATE sessions SET revoked_at = now()"
     "    WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL"
     "   RETURNING id)" ENDED_IDS);

STMT(session_end_all_but,
     "WITH ended AS ("
     "   UPDATE sessions SET revoked_at = now()"
     "    WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL"
     "   RETURNING id)" ENDED_IDS);

STMT(session_live,
     "SELECT id, ip, agent, created_at, last_used_at, expires_at, id = $2 AS is_current"
     "  FROM sessions"
     " WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()"
     " ORDER BY last_used_at DESC, id DESC LIMIT $3");

STMT(session_gone_since,
     "WITH gone AS ("
     "   SELECT id, revoked_at FROM sessions WHERE revoked_at >= $1"
     "   UNION ALL"
     "   SELECT id, revoked_at FROM api_keys WHERE revoked_at >= $1"
     "   ORDER BY revoked_at LIMIT $2)"
     " SELECT coalesce(array_agg(id), '{}') AS session_ids,"
     "        count(*) >= $2 AS has_more,"
     "        CASE WHEN count(*) >= $2 THEN max(revoked_at)"
     "             ELSE now() - $3 * interval '1 second' END AS until"
     "   FROM gone");

STMT(session_purge_ended,
     "DELETE FROM sessions WHERE id IN ("
     "   SELECT id FROM sessions WHERE revoked_at < now() - $1 * interval '1 second'"
     "   UNION ALL"
     "   SELECT id FROM sessions WHERE expires_at < now() - $1 * interval '1 second'"
     "   LIMIT $2)");

STMT(session_purge_used,
     "DELETE FROM used_refresh_tokens WHERE hash IN ("
     "   SELECT hash FROM used_refresh_tokens"
     "    WHERE used_at < now() - $1 * interval '1 second' LIMIT $2)");

STMT(session_purge_api_keys,
     "DELETE FROM api_keys WHERE revoked_at < now() - $1 * interval '1 second'");

STMT(session_purge_tickets,
     "DELETE FROM tickets WHERE expires_at < now()");

void session_tell_gone(struct req *rq, snowflake user_id, struct list ids)
{
    struct session_gone gone = {
        .session_ids = ids,
        .user_id = user_id,
        .app_id = rq->app,
        .at = clock_us(),
    };
    emit(rq, EV_SESSION_REVOKE, (struct event_to){.user = user_id}, &session_gone_shape, &gone);
}

static enum err end(struct req *rq, snowflake user_id, const struct stmt *st, struct params p,
                    size_t *ret_ended)
{
    struct ended ended;
    TRY(db_one(rq, st, p, &ended_shape, &ended, ERR_INTERNAL));
    if (ended.ids.count > 0)
        session_tell_gone(rq, user_id, ended.ids);
    if (ret_ended != NULL)
        *ret_ended = ended.ids.count;
    return OK;
}

enum err session_end_one(struct req *rq, snowflake session_id, snowflake user_id, size_t *ret_ended)
{
    return end(rq, user_id, &session_end_by_id, PARAMS(P(session_id), P(user_id)), ret_ended);
}

enum err session_end_others(struct req *rq, snowflake user_id, snowflake kept)
{
    return end(rq, user_id, &session_end_all_but, PARAMS(P(user_id), P(kept)), NULL);
}

enum err session_answer(struct req *rq, struct user *u, snowflake session_id,
                        const char *refresh_token)
{
    const struct auth *auth = rq->state;
    const int64_t now = clock_us();
    const struct token_claims claims = {
        .user_id = u->id,
        .session_id = session_id,
        .app_id = u->app_id,
        .is_admin = u->is_admin,
        .issued_us = now,
        .expires_us = now + auth->settings->access_token_s * 1000000,
    };
    struct signed_in answer = {
        .user = u,
        .session_id = session_id,
        .refresh_token = refresh_token,
        .token_type = "Bearer",
        .expires_in = auth->settings->access_token_s,
    };
    TRY(token_issue(auth->signer, &claims, &rq->arena, &answer.access_token));
    return reply(rq, &signed_in_shape, &answer);
}

enum err session_open(struct req *rq, struct user *u)
{
    const struct auth *auth = rq->state;
    snowflake id;
    TRY(new_id(rq, &id));

    char refresh_token[SECRET_TEXT_SIZE];
    secret_new(SECRET_REFRESH, refresh_token);
    char hash[SHA256_HEX_SIZE];
    secret_hash(refresh_token, hash);
    TRY(db_exec(rq, &session_insert,
                PARAMS(P(id), P(u->app_id), P(u->id), P((const char *)hash),
                       P(auth->settings->refresh_token_s), P(rq->from->ip), P(rq->from->agent)),
                NULL));
    TRY(end(rq, u->id, &session_evict, PARAMS(P(u->id), P(LIMIT_SESSIONS)), NULL));
    return session_answer(rq, u, id, refresh_token);
}

/* Twice is fine: who signs out wants to be out. */
enum err session_end(struct req *rq, const struct no_args *in)
{
    (void)in;
    return session_end_one(rq, rq->from->session, rq->actor, NULL);
}

enum err session_list(struct req *rq, const struct no_args *in)
{
    (void)in;
    struct list sessions;
    TRY(db_many(rq, &session_live, PARAMS(P(rq->actor), P(rq->from->session), P(LIMIT_SESSIONS)),
                &session_shape, &sessions));
    return reply_list(rq, &session_shape, &sessions);
}

enum err session_revoke(struct req *rq, const struct session_args *in)
{
    size_t ended;
    TRY(session_end_one(rq, in->session_id, rq->actor, &ended));
    return ended > 0 ? OK : ERR_UNKNOWN_SESSION;
}

enum err session_revoke_others(struct req *rq, const struct no_args *in)
{
    (void)in;
    return session_end_others(rq, rq->actor, rq->from->session);
}

enum err session_revoked(struct req *rq, const struct session_revoked_args *in)
{
    const struct auth *auth = rq->state;
    int64_t since = in->since;
    if (since == 0)
        since = clock_us() - (auth->settings->access_token_s + REVOKED_OVERLAP_S) * 1000000;

    struct revocations page;
    TRY(db_one(rq, &session_gone_since,
               PARAMS(P_TIME(since), P(REVOKED_PAGE), P(REVOKED_OVERLAP_S)), &revocations_shape,
               &page, ERR_INTERNAL));
    return reply(rq, &revocations_shape, &page);
}

enum err session_purge(struct req *rq)
{
    const struct auth *auth = rq->state;
    TRY(db_exec(rq, &session_purge_ended, PARAMS(P(PURGE_AFTER_S), P(PURGE_BATCH)), NULL));
    TRY(db_exec(rq, &session_purge_used, PARAMS(P(auth->settings->refresh_token_s), P(PURGE_BATCH)),
                NULL));
    TRY(db_exec(rq, &session_purge_api_keys, PARAMS(P(PURGE_AFTER_S)), NULL));
    return db_exec(rq, &session_purge_tickets, NO_PARAMS, NULL);
}
