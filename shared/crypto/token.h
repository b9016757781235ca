/* SPDX-License-Identifier: MIT */
#ifndef SHARED_CRYPTO_TOKEN_H
#define SHARED_CRYPTO_TOKEN_H

/* Access tokens: JWTs (RFC 7519) signed with ES256 (RFC 7518, 3.4). auth issues them; everybody
 * verifies with public keys alone. Verification is one function that accepts one algorithm and
 * checks key id, issuer, audience, expiry and not-before itself. The key id is the key's JWK
 * thumbprint (RFC 7638), so it cannot drift from the key. */

#include "shared/base/arena.h"
#include "shared/domain/snowflake.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOKEN_MAX = 2048,        /* bytes of a token we look at */
    TOKEN_KEYS_MAX = 8,      /* public keys known at a time */
    TOKEN_KEY_ID_SIZE = 44,  /* base64url of a SHA-256, and a NUL */
    TOKEN_LEEWAY_SECONDS = 5 /* how far two machines' clocks may disagree */
};

struct token_claims {
    snowflake user_id;    /* sub */
    snowflake session_id; /* sid */
    snowflake app_id;     /* app */
    bool is_admin;        /* adm */
    int64_t issued_us;    /* iat, whole seconds on the wire */
    int64_t expires_us;   /* exp */
};

/* A new P-256 private key as PKCS#8 PEM. */
char *token_key_generate(struct arena *a);

/* The one who issues. NULL: the PEM is no P-256 private key. */
struct token_signer *token_signer_new(const char *private_pem, const char *issuer,
                                      const char *audience);
void token_signer_free(struct token_signer *s);
const char *token_signer_key_id(const struct token_signer *s);
const char *token_signer_jwk(const struct token_signer *s); /* public, RFC 7517 */
enum err token_issue(const struct token_signer *s, const struct token_claims *claims,
                     struct arena *a, const char **ret_token) MUST_CHECK;

/* Those who verify. Keys can be replaced while other threads verify. */
struct token_keys *token_keys_new(const char *issuer, const char *audience);
void token_keys_free(struct token_keys *keys);

/* Replaces all keys by those of a JWK set {"keys":[…]}. ERR_INVALID_FORM changes nothing. */
enum err token_keys_load(struct token_keys *keys, const char *jwks, size_t len) MUST_CHECK;

/* OK, ERR_TOKEN_EXPIRED or ERR_UNAUTHORIZED; the claims are only written on OK. */
enum err token_verify(struct token_keys *keys, const char *token, size_t len, int64_t now_us,
                      struct token_claims *ret_claims) MUST_CHECK;

/* Is the key that a token names here? If not, it may be worth fetching the keys again. */
bool token_key_is_known(struct token_keys *keys, const char *token, size_t len);

#endif
