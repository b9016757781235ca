/* SPDX-License-Identifier: MIT
 *
 * A P-256 key in its three forms: OpenSSL's object, PEM, and the JSON of RFC 7517. For the two
 * files of token.h only.
 */
#ifndef SHARED_CRYPTO_JWK_H
#define SHARED_CRYPTO_JWK_H

#include "shared/base/arena.h"
#include "shared/crypto/token.h"

#include <openssl/evp.h>

/* The public point as base64url, as a JWK holds it. */
struct jwk {
    char x[44];
    char y[44];
};

/* NULL: not an unencrypted PEM of a P-256 private key. */
EVP_PKEY *jwk_private_from_pem(const char *pem);
char *jwk_private_to_pem(struct arena *a, EVP_PKEY *key);

enum err jwk_from_key(EVP_PKEY *key, struct jwk *ret_jwk) MUST_CHECK;

/* NULL: the point is not on the curve. */
EVP_PKEY *jwk_to_key(const char *x, const char *y);

/* RFC 7638. */
void jwk_thumbprint(const struct jwk *jwk, char out[TOKEN_KEY_ID_SIZE]);

static inline void pkey_clear(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}
#define auto_pkey __attribute__((cleanup(pkey_clear)))

#endif
