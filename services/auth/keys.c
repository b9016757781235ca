/* SPDX-License-Identifier: MIT */
/* The keys of access tokens. All copies of the service sign with the newest one in the database;
 * who starts when there is none, or when it is too old, makes the next, under a lock so that copies
 * that start together make one. Verifiers fetch the set again when they meet a key they do not
 * know, so a new key needs no announcement; those before it go on verifying. */

#include "services/auth/auth.h"
#include "shared/crypto/token.h"

struct jwk {
    const char *kty;
    const char *crv;
    const char *x;
    const char *y;
    const char *use;
    const char *alg;
    const char *kid;
};
static const struct field jwk_fields[] = {
    F_STR(jwk, kty), F_STR(jwk, crv), F_STR(jwk, x),   F_STR(jwk, y),
    F_STR(jwk, use), F_STR(jwk, alg), F_STR(jwk, kid),
};
static SHAPE(jwk);

struct jwks {
    struct list keys;
};
static const struct field jwks_fields[] = {
    F_LIST(jwks, keys, jwk, TEXT("Newest first.")),
};
SHAPE(jwks);

STMT(key_public,
     "SELECT coalesce(json_agg(public_jwk ORDER BY created_at DESC), '[]') AS keys"
     "  FROM (SELECT public_jwk, created_at FROM signing_keys"
     "         ORDER BY created_at DESC LIMIT $1) k");

STMT(key_lock,
     "SELECT pg_advisory_xact_lock(hashtextextended('auth.signing_keys', 0))");

STMT(key_newest,
     "SELECT private_pem FROM signing_keys WHERE created_at > now() - $1 * interval '1 day'"
     " ORDER BY created_at DESC LIMIT 1");

STMT(key_insert,
     "INSERT INTO signing_keys (key_id, private_pem, public_jwk) VALUES ($1, $2, $3)");

enum err jwks_get(struct req *rq, const struct no_args *in)
{
    (void)in;
    struct jwks set;
    TRY(db_one(rq, &key_public, PARAMS(P(TOKEN_KEYS_MAX)), &jwks_shape, &set, ERR_INTERNAL));
    return reply(rq, &jwks_shape, &set);
}

enum err key_list(struct req *rq, const struct no_args *in)
{
    return jwks_get(rq, in);
}

enum err keys_load(struct req *rq, struct auth *auth)
{
    const struct auth_settings *s = auth->settings;
    TRY(db_exec(rq, &key_lock, NO_PARAMS, NULL));
    const char *pem = NULL;
    enum err e = db_text(rq, &key_newest, PARAMS(P(s->signing_key_days)), &pem, ERR_GONE);
    bool is_new = e == ERR_GONE;
    if (is_new)
        pem = token_key_generate(&rq->arena);
    else
        TRY(e);

    token_signer_free(auth->signer);
    auth->signer = token_signer_new(pem, s->token_issuer, s->token_audience);
    if (auth->signer == NULL)
        return fail(rq, ERR_INTERNAL, "the newest signing key is no P-256 key");
    if (!is_new)
        return OK;
    return db_exec(
        rq, &key_insert,
        PARAMS(P(token_signer_key_id(auth->signer)), P(pem), P(token_signer_jwk(auth->signer))),
        NULL);
}
