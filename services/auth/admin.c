/* SPDX-License-Identifier: MIT */
/* The first administrator: made at start from the settings when the instance has none, so that a
 * new installation can be entered, and never again. Copies that start together make one. */

#include "services/auth/auth.h"
#include "shared/base/log.h"
#include "shared/crypto/password.h"

STMT(admin_lock,
     "SELECT pg_advisory_xact_lock(hashtextextended('auth.administrator', 0))");

/* Somebody who administers, else somebody who has the name or address already. */
STMT(admin_find,
     "SELECT is_admin::int FROM users"
     " WHERE is_admin"
     "    OR (app_id = $1 AND (lower(username) = lower($2) OR lower(email) = lower($3)))"
     " ORDER BY is_admin DESC LIMIT 1");

static enum err admin_make(struct req *rq, const struct auth_settings *s)
{
    char hash[PASSWORD_HASH_SIZE];
    TRY(password_hash(s->admin_password, hash));
    const struct account_new admin = {
        .username = s->admin_username,
        .email = s->admin_email,
        .password_hash = hash,
        .is_admin = true,
    };
    struct user u;
    TRY(account_make(rq, &admin, &u));
    LOG(INFO, "admin.created", KV("user_id", u.id));
    return OK;
}

enum err admin_ensure(struct req *rq, const struct auth_settings *s)
{
    if (s->admin_username == NULL || s->admin_email == NULL || s->admin_password == NULL)
        return OK;
    TRY(db_exec(rq, &admin_lock, NO_PARAMS, NULL));
    int64_t is_admin;
    enum err e =
        db_scalar(rq, &admin_find, PARAMS(P(rq->app), P(s->admin_username), P(s->admin_email)),
                  &is_admin, ERR_UNKNOWN_USER);
    if (e == ERR_UNKNOWN_USER)
        return admin_make(rq, s);
    TRY(e);
    if (!is_admin)
        LOG(WARN, "admin.name_taken", KV("username", s->admin_username));
    return OK;
}
