/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_AUTH_AUTH_H
#define SERVICES_AUTH_AUTH_H

/* Who somebody is: accounts, sessions, tickets, API keys, applications and the instance's run-time
 * settings. Here is what two features share; what one feature owns is in its file. */

#include "shared/domain/application.h"
#include "shared/domain/snowflake.h"
#include "shared/service/service.h"
#include "shared/wire/field.h"
#include "shared/wire/req.h"

#include <stdbool.h>
#include <stdint.h>

struct token_signer;

#define API_DEF "services/auth/api.def"
#include "shared/service/api_prototypes.h"
#undef API_DEF

extern const struct rpc_table auth_api;
extern const struct service auth_service;

/* service.c */

struct auth_settings {
    const char *token_issuer;
    const char *token_audience;
    int64_t access_token_s;
    int64_t refresh_token_s;
    int64_t ticket_s;
    int64_t signing_key_days;
    int64_t password_passes;
    int64_t password_memory_kib;
    int64_t password_parallel;
    const char *admin_username;
    const char *admin_email;
    const char *admin_password;
};

/* What the process keeps: req.state. Constant once the service is prepared. */
struct auth {
    const struct auth_settings *settings;
    struct token_signer *signer;
};

/* accounts.c: an account as its owner sees it. */
struct user {
    snowflake id;
    snowflake app_id;
    const char *username;
    const char *email;
    const char *display_name;
    const char *avatar_url;
    const char *bio;
    const char *status_text;
    bool is_admin;
    bool is_bot;
    int64_t rev;
    int64_t created_at;
};
extern const struct shape user_shape;
#define USER_COLUMNS                                                                           \
    "u.id, u.app_id, u.username, u.email, u.display_name, u.avatar_url, u.bio, u.status_text," \
    " u.is_admin, u.is_bot, u.rev, u.created_at"

/* The same account as everybody sees it; also what user.create and user.update carry. rev grows
 * with each change: who keeps a copy ignores an older one. */
struct user_public {
    snowflake id;
    snowflake app_id;
    const char *username;
    const char *display_name;
    const char *avatar_url;
    const char *bio;
    const char *status_text;
    bool is_bot;
    int64_t rev;
    int64_t created_at;
};
extern const struct shape user_public_shape;

struct account_new {
    const char *username;
    const char *email;
    const char *password_hash;
    const char *display_name; /* or NULL */
    bool is_admin;
};
MUST_CHECK enum err account_make(struct req *rq, const struct account_new *new,
                                 struct user *ret_user);
/* Of the request's application. */
MUST_CHECK enum err account_load(struct req *rq, snowflake user_id, struct user *ret_user,
                                 enum err none);

/* sessions.c: what signing in answers. */
struct signed_in {
    struct user *user;
    snowflake session_id;
    const char *access_token;
    const char *refresh_token;
    const char *token_type;
    int64_t expires_in; /* seconds, of the access token */
};
extern const struct shape signed_in_shape;

/* A new session of this account, whose row the caller has locked. */
MUST_CHECK enum err session_open(struct req *rq, struct user *u);
/* Answer with an access token for the session, and the refresh token just stored for it. */
MUST_CHECK enum err session_answer(struct req *rq, struct user *u, snowflake session_id,
                                   const char *refresh_token);
/* End sessions of one account and tell everybody who may still let them in. */
MUST_CHECK enum err session_end_one(struct req *rq, snowflake session_id, snowflake user_id,
                                    size_t *ret_ended);
MUST_CHECK enum err session_end_others(struct req *rq, snowflake user_id, snowflake kept);
/* The event itself; ids are of sessions or of API keys. */
void session_tell_gone(struct req *rq, snowflake user_id, struct list ids);
enum err session_purge(struct req *rq);

/* tickets.c, api_keys.c: what a credential other than an access token opens. */
struct credential {
    snowflake session_id; /* of an API key: the key's id */
    snowflake user_id;
    snowflake app_id;
    bool is_admin;
    bool is_bot;
    struct list scopes; /* "read", "write", "admin" */
    int64_t expires_at; /* 0: when it is revoked */
};
extern const struct shape credential_shape;

/* instance.c */
MUST_CHECK enum err instance_require_open(struct req *rq);

/* keys.c: loads the key that signs; makes one when there is none or the newest is too old. */
MUST_CHECK enum err keys_load(struct req *rq, struct auth *auth);

/* admin.c: the first administrator, as the settings name them, when there is none. */
MUST_CHECK enum err admin_ensure(struct req *rq, const struct auth_settings *s);

#endif
