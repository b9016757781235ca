/* SPDX-License-Identifier: MIT */
/* Accounts: registering, and what their owners and everybody else may read and change of them.
 * Names and addresses are unique by index, never by looking first, so that of two who register the
 * same name at once exactly one succeeds. Passwords are hashed before the first row is locked: the
 * tens of milliseconds that takes are nobody else's wait. */

#include "services/auth/auth.h"
#include "shared/crypto/password.h"
#include "shared/domain/limit.h"
#include "shared/domain/name.h"
#include "shared/wire/event.h"

static const struct field user_fields[] = {
    F_ID(user, id),
    F_ID(user, app_id),
    F_STR(user, username),
    F_STR(user, email),
    F_STR(user, display_name, NULLABLE),
    F_STR(user, avatar_url, NULLABLE),
    F_STR(user, bio, NULLABLE),
    F_STR(user, status_text, NULLABLE),
    F_BOOL(user, is_admin, TEXT("Administers the whole instance.")),
    F_BOOL(user, is_bot),
    F_INT(user, rev, TEXT("Grows with each change.")),
    F_TIME(user, created_at),
};
SHAPE(user);

static const struct field user_public_fields[] = {
    F_ID(user_public, id),
    F_ID(user_public, app_id),
    F_STR(user_public, username),
    F_STR(user_public, display_name, NULLABLE),
    F_STR(user_public, avatar_url, NULLABLE),
    F_STR(user_public, bio, NULLABLE),
    F_STR(user_public, status_text, NULLABLE),
    F_BOOL(user_public, is_bot),
    F_INT(user_public, rev, TEXT("Grows with each change.")),
    F_TIME(user_public, created_at),
};
SHAPE(user_public);

struct account_create_args {
    const char *username;
    const char *email;
    const char *password;
    const char *display_name;
};
static const struct field account_create_args_fields[] = {
    F_STR(account_create_args, username, RANGE(LIMIT_USERNAME_MIN, LIMIT_USERNAME)),
    F_STR(account_create_args, email, RANGE(LIMIT_EMAIL_MIN, LIMIT_EMAIL)),
    F_STR(account_create_args, password, RANGE(LIMIT_PASSWORD_MIN, LIMIT_PASSWORD),
          FLAGS(FIELD_SECRET)),
    F_STR(account_create_args, display_name, RANGE(1, LIMIT_DISPLAY_NAME),
          FLAGS(FIELD_OPTIONAL | FIELD_NULLABLE | FIELD_ONE_LINE)),
};
SHAPE(account_create_args);

struct user_update_args {
    uint64_t given;
    const char *username;
    const char *email;
    const char *display_name;
    const char *bio;
    const char *status_text;
    const char *password;
    const char *current_password;
};
static const struct field user_update_args_fields[] = {
    F_STR(user_update_args, username, RANGE(LIMIT_USERNAME_MIN, LIMIT_USERNAME), OPTIONAL),
    F_STR(user_update_args, email, RANGE(LIMIT_EMAIL_MIN, LIMIT_EMAIL), OPTIONAL,
          TEXT("Needs current_password.")),
    F_STR(user_update_args, display_name, RANGE(1, LIMIT_DISPLAY_NAME),
          FLAGS(FIELD_OPTIONAL | FIELD_NULLABLE | FIELD_ONE_LINE)),
    F_STR(user_update_args, bio, RANGE(0, LIMIT_BIO), OPT_NULL),
    F_STR(user_update_args, status_text, RANGE(0, LIMIT_STATUS_TEXT),
          FLAGS(FIELD_OPTIONAL | FIELD_NULLABLE | FIELD_ONE_LINE)),
    F_STR(user_update_args, password, RANGE(LIMIT_PASSWORD_MIN, LIMIT_PASSWORD),
          FLAGS(FIELD_OPTIONAL | FIELD_SECRET),
          TEXT("Needs current_password; signs out every other device.")),
    F_STR(user_update_args, current_password, RANGE(1, LIMIT_PASSWORD),
          FLAGS(FIELD_OPTIONAL | FIELD_SECRET)),
};
SHAPE_PATCH(user_update_args);

struct user_args {
    snowflake user_id;
};
static const struct field user_args_fields[] = {
    F_ID(user_args, user_id),
};
SHAPE(user_args);

STMT(account_insert,
     "INSERT INTO users AS u"
     "   (id, app_id, username, email, password_hash, display_name, is_admin)"
     " VALUES ($1, $2, $3, $4, $5, $6, $7)"
     " RETURNING " USER_COLUMNS);

STMT(account_by_id,
     "SELECT " USER_COLUMNS " FROM users u WHERE u.id = $1 AND u.app_id = $2");

STMT(account_password,
     "SELECT password_hash FROM users WHERE id = $1 AND app_id = $2");

/* $12: the hash that current_password was checked against, lest a password changed meanwhile. */
STMT(account_update,
     "UPDATE users u"
     "   SET username = coalesce($3, u.username),"
     "       email = coalesce($4, u.email),"
     "       password_hash = coalesce($5, u.password_hash),"
     "       display_name = CASE WHEN $6 THEN $7 ELSE u.display_name END,"
     "       bio = CASE WHEN $8 THEN $9 ELSE u.bio END,"
     "       status_text = CASE WHEN $10 THEN $11 ELSE u.status_text END,"
     "       rev = u.rev + 1"
     " WHERE u.id = $1 AND u.app_id = $2 AND ($12::text IS NULL OR u.password_hash = $12)"
     " RETURNING " USER_COLUMNS);

static enum err names_check(struct req *rq, const char *username, const char *email,
                            const char *display_name)
{
    const char *wrong;
    enum err e = OK;
    if (username != NULL && (wrong = name_check_username(username)) != NULL)
        e = fail_field(rq, "username", wrong);
    if (email != NULL && (wrong = name_check_email(email)) != NULL)
        e = fail_field(rq, "email", wrong);
    if (display_name != NULL &&
        (wrong = name_check_title(display_name, 1, LIMIT_DISPLAY_NAME)) != NULL)
        e = fail_field(rq, "display_name", wrong);
    return e;
}

static struct user_public publish(const struct user *u)
{
    return (struct user_public){
        .id = u->id,
        .app_id = u->app_id,
        .username = u->username,
        .display_name = u->display_name,
        .avatar_url = u->avatar_url,
        .bio = u->bio,
        .status_text = u->status_text,
        .is_bot = u->is_bot,
        .rev = u->rev,
        .created_at = u->created_at,
    };
}

static void tell(struct req *rq, enum event_id event, const struct user *u)
{
    struct user_public shown = publish(u);
    emit(rq, event, (struct event_to){.user = u->id}, &user_public_shape, &shown);
}

enum err account_make(struct req *rq, const struct account_new *new, struct user *ret_user)
{
    snowflake id;
    TRY(new_id(rq, &id));
    TRY(db_one(rq, &account_insert,
               PARAMS(P(id), P(rq->app), P(new->username), P(new->email), P(new->password_hash),
                      P(new->display_name), P(new->is_admin)),
               &user_shape, ret_user, ERR_INTERNAL));
    tell(rq, EV_USER_CREATE, ret_user);
    return OK;
}

enum err account_load(struct req *rq, snowflake user_id, struct user *ret_user, enum err none)
{
    return db_one(rq, &account_by_id, PARAMS(P(user_id), P(rq->app)), &user_shape, ret_user, none);
}

enum err account_create(struct req *rq, const struct account_create_args *in)
{
    TRY(names_check(rq, in->username, in->email, in->display_name));
    TRY(instance_require_open(rq));

    char hash[PASSWORD_HASH_SIZE];
    TRY(password_hash(in->password, hash));

    const struct account_new new = {
        .username = in->username,
        .email = in->email,
        .password_hash = hash,
        .display_name = in->display_name,
    };
    struct user u;
    TRY(account_make(rq, &new, &u));
    return session_open(rq, &u);
}

enum err user_me(struct req *rq, const struct no_args *in)
{
    (void)in;
    struct user u;
    TRY(account_load(rq, rq->actor, &u, ERR_UNAUTHORIZED));
    return reply(rq, &user_shape, &u);
}

enum err account_get(struct req *rq, const struct no_args *in)
{
    return user_me(rq, in);
}

enum err profile_get(struct req *rq, const struct user_args *in)
{
    struct user u;
    TRY(account_load(rq, in->user_id, &u, ERR_UNKNOWN_USER));
    struct user_public shown = publish(&u);
    return reply(rq, &user_public_shape, &shown);
}

enum err user_get(struct req *rq, const struct user_args *in)
{
    return profile_get(rq, in);
}

/* What a stolen session alone must not be able to change asks for the password once more. */
static enum err owner_verify(struct req *rq, const struct user_update_args *in,
                             const char **ret_hash)
{
    const char *hash = NULL;
    if (in->email == NULL && in->password == NULL)
        return OK;
    if (in->current_password == NULL)
        return fail_field(rq, "current_password",
                          "is required to change the e-mail address or the password");
    TRY(db_text(rq, &account_password, PARAMS(P(rq->actor), P(rq->app)), &hash, ERR_UNAUTHORIZED));
    enum err e = password_verify(hash, in->current_password);
    if (e == ERR_INVALID_CREDENTIALS)
        return fail_field(rq, "current_password", "is not the account's password");
    *ret_hash = hash;
    return e;
}

static bool given(const struct user_update_args *in, const char *field)
{
    return shape_given(&user_update_args_shape, in, field);
}

enum err user_update(struct req *rq, const struct user_update_args *in)
{
    TRY(names_check(rq, in->username, in->email, in->display_name));
    const char *verified = NULL;
    TRY(owner_verify(rq, in, &verified));

    char hash[PASSWORD_HASH_SIZE];
    if (in->password != NULL)
        TRY(password_hash(in->password, hash));

    struct user u;
    TRY(db_one(rq, &account_update,
               PARAMS(P(rq->actor), P(rq->app), P(in->username), P(in->email),
                      P(in->password == NULL ? NULL : (const char *)hash),
                      P(given(in, "display_name")), P(in->display_name), P(given(in, "bio")),
                      P(in->bio), P(given(in, "status_text")), P(in->status_text), P(verified)),
               &user_shape, &u, ERR_UNAUTHORIZED));
    tell(rq, EV_USER_UPDATE, &u);
    emit(rq, EV_ACCOUNT_UPDATE, (struct event_to){.user = u.id}, &user_shape, &u);
    if (in->password != NULL)
        TRY(session_end_others(rq, rq->actor, rq->from->session));
    return reply(rq, &user_shape, &u);
}
