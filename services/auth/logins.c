/* SPDX-License-Identifier: MIT */
/* Signing in, and staying so. A refresh token works once: exchanging it moves its hash among the
 * used ones in the very statement that stores its successor's, so of two who present it at the same
 * time one is told that it was used. Whoever presents a used one ends the whole session, because
 * nobody can tell the thief from the owner. A refresh token names its application itself, whatever
 * the request says. The time an answer takes does not say whether an account exists. */

#include "services/auth/auth.h"
#include "shared/crypto/password.h"
#include "shared/crypto/secret.h"
#include "shared/domain/limit.h"

struct session_create_args {
    const char *login;
    const char *username;
    const char *email;
    const char *password;
};
static const struct field session_create_args_fields[] = {
    F_STR(session_create_args, login, RANGE(1, LIMIT_EMAIL), OPTIONAL,
          TEXT("Username or e-mail address; username or email may be given instead.")),
    F_STR(session_create_args, username, RANGE(1, LIMIT_EMAIL), OPTIONAL),
    F_STR(session_create_args, email, RANGE(1, LIMIT_EMAIL), OPTIONAL),
    F_STR(session_create_args, password, RANGE(1, LIMIT_PASSWORD), FLAGS(FIELD_SECRET)),
};
SHAPE(session_create_args);

struct session_refresh_args {
    const char *refresh_token;
};
static const struct field session_refresh_args_fields[] = {
    F_STR(session_refresh_args, refresh_token, RANGE(1, 128), FLAGS(FIELD_SECRET)),
};
SHAPE(session_refresh_args);

struct login {
    snowflake user_id;
    const char *password_hash;
};
static const struct field login_fields[] = {
    F_ID(login, user_id),
    F_STR(login, password_hash),
};
static SHAPE(login);

struct session_owner {
    snowflake session_id;
    snowflake user_id;
    snowflake app_id;
};
static const struct field session_owner_fields[] = {
    F_ID(session_owner, session_id),
    F_ID(session_owner, user_id),
    F_ID(session_owner, app_id),
};
static SHAPE(session_owner);

/* A username holds no "@", an address does: never two rows. */
STMT(login_find,
     "SELECT id AS user_id, password_hash FROM users"
     " WHERE app_id = $1 AND (lower(username) = lower($2) OR lower(email) = lower($2))");

/* Still the password that was verified? The lock keeps it so, and this account's log-ins in turn.
 */
STMT(login_lock,
     "SELECT " USER_COLUMNS " FROM users u"
     " WHERE u.id = $1 AND u.password_hash = $2 FOR NO KEY UPDATE");

STMT(login_rehash,
     "UPDATE users SET password_hash = $2 WHERE id = $1");

STMT(refresh_rotate,
     "WITH live AS ("
     "   SELECT id FROM sessions"
     "    WHERE refresh_hash = decode($1, 'hex') AND revoked_at IS NULL AND expires_at > now()"
     "      FOR NO KEY UPDATE),"
     " used AS ("
     "   INSERT INTO used_refresh_tokens (hash, session_id) SELECT decode($1, 'hex'), id FROM live)"
     " UPDATE sessions s"
     "    SET refresh_hash = decode($2, 'hex'), last_used_at = now(), ip = $4, agent = $5,"
     "        expires_at = now() + $3 * interval '1 second'"
     "   FROM live WHERE s.id = live.id"
     " RETURNING s.id AS session_id, s.user_id, s.app_id");

STMT(refresh_used,
     "SELECT s.id AS session_id, s.user_id, s.app_id"
     "  FROM used_refresh_tokens t JOIN sessions s ON s.id = t.session_id"
     " WHERE t.hash = decode($1, 'hex')");

enum err session_create(struct req *rq, const struct session_create_args *in)
{
    const char *name = in->login != NULL      ? in->login
                       : in->username != NULL ? in->username
                                              : in->email;
    if (name == NULL)
        return fail_field(rq, "login", "is required");

    struct login found;
    enum err e = db_one(rq, &login_find, PARAMS(P(rq->app), P(name)), &login_shape, &found,
                        ERR_UNKNOWN_USER);
    if (e == ERR_UNKNOWN_USER)
        return password_verify_dummy(in->password);
    TRY(e);
    TRY(password_verify(found.password_hash, in->password));

    char fresh[PASSWORD_HASH_SIZE];
    bool is_outdated = password_needs_rehash(found.password_hash);
    if (is_outdated)
        TRY(password_hash(in->password, fresh));

    struct user u;
    TRY(db_one(rq, &login_lock, PARAMS(P(found.user_id), P(found.password_hash)), &user_shape, &u,
               ERR_INVALID_CREDENTIALS));
    if (is_outdated)
        TRY(db_exec(rq, &login_rehash, PARAMS(P(u.id), P((const char *)fresh)), NULL));
    return session_open(rq, &u);
}

/* Never used: somebody guesses. Used before: the session ends, though the answer is an error. */
static enum err refresh_fail(struct req *rq, const char *hash)
{
    struct session_owner s;
    TRY(db_one(rq, &refresh_used, PARAMS(P(hash)), &session_owner_shape, &s, ERR_UNAUTHORIZED));
    rq->app = s.app_id;
    TRY(session_end_one(rq, s.session_id, s.user_id, NULL));
    return refuse(rq, ERR_REFRESH_REUSED);
}

enum err session_refresh(struct req *rq, const struct session_refresh_args *in)
{
    const struct auth *auth = rq->state;
    if (!secret_is(SECRET_REFRESH, in->refresh_token))
        return ERR_UNAUTHORIZED;

    char old_hash[SHA256_HEX_SIZE];
    secret_hash(in->refresh_token, old_hash);
    char next[SECRET_TEXT_SIZE];
    secret_new(SECRET_REFRESH, next);
    char next_hash[SHA256_HEX_SIZE];
    secret_hash(next, next_hash);

    struct session_owner s;
    enum err e =
        db_one(rq, &refresh_rotate,
               PARAMS(P((const char *)old_hash), P((const char *)next_hash),
                      P(auth->settings->refresh_token_s), P(rq->from->ip), P(rq->from->agent)),
               &session_owner_shape, &s, ERR_UNKNOWN_SESSION);
    if (e == ERR_UNKNOWN_SESSION)
        return refresh_fail(rq, old_hash);
    TRY(e);

    rq->app = s.app_id;
    struct user u;
    TRY(account_load(rq, s.user_id, &u, ERR_UNAUTHORIZED));
    return session_answer(rq, &u, s.session_id, next);
}
