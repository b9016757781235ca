/* SPDX-License-Identifier: MIT
 *
 * Issuing access tokens, with libjwt. Only auth holds a private key and calls this. */

#include "shared/crypto/jwk.h"
#include "shared/crypto/token.h"

#include "shared/base/heap.h"

#include <jwt.h>
#include <openssl/ec.h>
#include <string.h>

enum { US_PER_SECOND = 1000000 };

struct token_signer {
    char *pem;
    char *issuer;
    char *audience;
    char key_id[TOKEN_KEY_ID_SIZE];
    char jwk[256];
};

char *token_key_generate(struct arena *a)
{
    auto_pkey EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL)
        abort();
    return jwk_private_to_pem(a, key);
}

struct token_signer *token_signer_new(const char *private_pem, const char *issuer,
                                      const char *audience)
{
    auto_pkey EVP_PKEY *key = jwk_private_from_pem(private_pem);
    struct jwk jwk;
    if (key == NULL || jwk_from_key(key, &jwk) != OK)
        return NULL;
    struct token_signer *s = heap_alloc(sizeof(*s));
    s->pem = heap_strdup(private_pem);
    s->issuer = heap_strdup(issuer);
    s->audience = heap_strdup(audience);
    jwk_thumbprint(&jwk, s->key_id);
    (void)snprintf(s->jwk, sizeof(s->jwk),
                   "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":\"%s\","
                   "\"alg\":\"ES256\",\"use\":\"sig\"}",
                   jwk.x, jwk.y, s->key_id);
    return s;
}

void token_signer_free(struct token_signer *s)
{
    if (s == NULL)
        return;
    explicit_bzero(s->pem, strlen(s->pem));
    free(s->pem);
    free(s->issuer);
    free(s->audience);
    free(s);
}

const char *token_signer_key_id(const struct token_signer *s)
{
    return s->key_id;
}

const char *token_signer_jwk(const struct token_signer *s)
{
    return s->jwk;
}

static void token_clear(jwt_t **token)
{
    jwt_free(*token);
}
#define auto_token __attribute__((cleanup(token_clear)))

static bool add_id(jwt_t *token, const char *name, snowflake id)
{
    char text[SNOWFLAKE_TEXT_SIZE];
    snowflake_format(id, text);
    return jwt_add_grant(token, name, text) == 0;
}

static bool fill(jwt_t *token, const struct token_signer *s, const struct token_claims *claims)
{
    return jwt_add_header(token, "kid", s->key_id) == 0 &&
           jwt_add_grant(token, "iss", s->issuer) == 0 &&
           jwt_add_grant(token, "aud", s->audience) == 0 && add_id(token, "sub", claims->user_id) &&
           add_id(token, "sid", claims->session_id) && add_id(token, "app", claims->app_id) &&
           jwt_add_grant_int(token, "iat", claims->issued_us / US_PER_SECOND) == 0 &&
           jwt_add_grant_int(token, "exp", claims->expires_us / US_PER_SECOND) == 0 &&
           (!claims->is_admin || jwt_add_grant_bool(token, "adm", 1) == 0);
}

enum err token_issue(const struct token_signer *s, const struct token_claims *claims,
                     struct arena *a, const char **ret_token)
{
    auto_token jwt_t *token = NULL;
    const unsigned char *pem = (const unsigned char *)s->pem;
    if (jwt_new(&token) != 0 || !fill(token, s, claims) ||
        jwt_set_alg(token, JWT_ALG_ES256, pem, (int)strlen(s->pem)) != 0)
        return ERR_INTERNAL;
    auto_heap char *text = jwt_encode_str(token);
    if (text == NULL || strlen(text) > TOKEN_MAX)
        return ERR_INTERNAL;
    *ret_token = arena_strdup(a, text);
    return OK;
}
