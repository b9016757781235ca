/* SPDX-License-Identifier: MIT */
/* API keys, for programs: each acts as the administrator who made it, within its scopes. Creating
 * locks the application's row first, which is what keeps two administrators from making one key
 * too many. A key never makes a key: its scopes would not bound it. */

#include "services/auth/auth.h"
#include "shared/crypto/secret.h"
#include "shared/domain/limit.h"

#include <string.h>

enum { SCOPE_KINDS = 3 };
static const char *const scope_words[SCOPE_KINDS] = {"read", "write", "admin"};

struct api_key {
    snowflake id;
    snowflake user_id;
    const char *name;
    struct list scopes;
    int64_t created_at;
    int64_t last_used_at;
    const char *key;
};
static const struct field api_key_fields[] = {
    F_ID(api_key, id),
    F_ID(api_key, user_id, TEXT("Whom it acts as.")),
    F_STR(api_key, name),
    F_STRS(api_key, scopes),
    F_TIME(api_key, created_at),
    F_TIME(api_key, last_used_at, NULLABLE, TEXT("To the minute.")),
    F_STR(api_key, key, OPTIONAL, TEXT("The key itself, shown only when it is made.")),
};
SHAPE(api_key);

struct api_key_create_args {
    const char *name;
    struct list scopes;
};
static const struct field api_key_create_args_fields[] = {
    F_STR(api_key_create_args, name, RANGE(1, LIMIT_API_KEY_NAME), FLAGS(FIELD_ONE_LINE)),
    F_STRS(api_key_create_args, scopes, RANGE(1, SCOPE_KINDS), TEXT("Of read, write, admin.")),
};
SHAPE(api_key_create_args);

struct api_key_args {
    snowflake api_key_id;
};
static const struct field api_key_args_fields[] = {
    F_ID(api_key_args, api_key_id),
};
SHAPE(api_key_args);

struct credential_check_args {
    const char *key;
};
static const struct field credential_check_args_fields[] = {
    F_STR(credential_check_args, key, RANGE(1, 128), FLAGS(FIELD_SECRET)),
};
SHAPE(credential_check_args);

#define API_KEY_COLUMNS "id, user_id, name, to_json(scopes) AS scopes, created_at, last_used_at"

STMT(api_key_lock,
     "SELECT id FROM applications WHERE id = $1 FOR NO KEY UPDATE");

STMT(api_key_insert,
     "INSERT INTO api_keys (id, app_id, user_id, name, hash, scopes)"
     " SELECT $1, $2, $3, $4, decode($5, 'hex'), $6"
     "  WHERE (SELECT count(*) FROM api_keys WHERE app_id = $2 AND revoked_at IS NULL) < $7"
     " RETURNING " API_KEY_COLUMNS);

STMT(api_key_live,
     "SELECT " API_KEY_COLUMNS " FROM api_keys"
     " WHERE app_id = $1 AND revoked_at IS NULL ORDER BY id DESC LIMIT $2");

STMT(api_key_end,
     "UPDATE api_keys SET revoked_at = now()"
     " WHERE id = $1 AND app_id = $2 AND revoked_at IS NULL RETURNING user_id");

/* Used is written down at most once a minute: what reads all day should not write all day. */
STMT(api_key_use,
     "WITH found AS ("
     "   SELECT k.id, k.user_id, k.app_id, u.is_admin AND 'admin' = ANY (k.scopes) AS is_admin,"
     "          to_json(k.scopes) AS scopes"
     "     FROM api_keys k JOIN users u ON u.id = k.user_id"
     "    WHERE k.hash = decode($1, 'hex') AND k.revoked_at IS NULL),"
     " used AS ("
     "   UPDATE api_keys SET last_used_at = now() FROM found"
     "    WHERE api_keys.id = found.id"
     "      AND coalesce(last_used_at < now() - interval '1 minute', true))"
     " SELECT id AS session_id, user_id, app_id, is_admin, true AS is_bot, scopes FROM found");

static enum err scopes_check(struct req *rq, const struct list *scopes)
{
    for (size_t i = 0; i < scopes->count; i++) {
        const char *word = *LIST_AT(scopes, const char *, i);
        size_t at = 0;
        while (at < SCOPE_KINDS && strcmp(word, scope_words[at]) != 0)
            at++;
        if (at == SCOPE_KINDS)
            return fail_field(rq, "scopes", "must be of read, write, admin");
    }
    return OK;
}

enum err api_key_create(struct req *rq, const struct api_key_create_args *in)
{
    TRY(scopes_check(rq, &in->scopes));
    if (rq->from->is_bot)
        return fail(rq, ERR_MISSING_PERMISSIONS, "an API key cannot make API keys");

    snowflake id;
    TRY(new_id(rq, &id));
    char text[SECRET_TEXT_SIZE];
    secret_new(SECRET_API_KEY, text);
    char hash[SHA256_HEX_SIZE];
    secret_hash(text, hash);

    int64_t locked;
    TRY(db_scalar(rq, &api_key_lock, PARAMS(P(rq->app)), &locked, ERR_UNKNOWN_APPLICATION));
    struct api_key made;
    TRY(db_one(rq, &api_key_insert,
               PARAMS(P(id), P(rq->app), P(rq->actor), P(in->name), P((const char *)hash),
                      P_STRS(in->scopes.items, in->scopes.count), P(LIMIT_API_KEYS)),
               &api_key_shape, &made, ERR_MAX_API_KEYS));
    made.key = text;
    return reply(rq, &api_key_shape, &made);
}

enum err api_key_list(struct req *rq, const struct no_args *in)
{
    (void)in;
    struct list keys;
    TRY(db_many(rq, &api_key_live, PARAMS(P(rq->app), P(LIMIT_API_KEYS)), &api_key_shape, &keys));
    return reply_list(rq, &api_key_shape, &keys);
}

enum err api_key_delete(struct req *rq, const struct api_key_args *in)
{
    int64_t user_id;
    TRY(db_scalar(rq, &api_key_end, PARAMS(P(in->api_key_id), P(rq->app)), &user_id,
                  ERR_UNKNOWN_API_KEY));
    snowflake id = in->api_key_id;
    session_tell_gone(rq, (snowflake)user_id, (struct list){&id, 1});
    return OK;
}

enum err credential_check(struct req *rq, const struct credential_check_args *in)
{
    if (!secret_is(SECRET_API_KEY, in->key))
        return ERR_UNAUTHORIZED;
    char hash[SHA256_HEX_SIZE];
    secret_hash(in->key, hash);
    struct credential found;
    TRY(db_one(rq, &api_key_use, PARAMS(P((const char *)hash)), &credential_shape, &found,
               ERR_UNAUTHORIZED));
    return reply(rq, &credential_shape, &found);
}
