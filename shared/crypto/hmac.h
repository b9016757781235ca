/* SPDX-License-Identifier: MIT */
#ifndef SHARED_CRYPTO_HMAC_H
#define SHARED_CRYPTO_HMAC_H

/* Digests and keyed digests (RFC 2104), and the two things made of them: signatures of links and
 * passwords for TURN. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHA256_BYTES = 32,
    SHA256_HEX_SIZE = 65,
    SHA1_BYTES = 20,
    LINK_SIGNATURE_SIZE = 44, /* base64url and a NUL */
    TURN_PASSWORD_SIZE = 29,  /* base64 and a NUL */
};

void sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES]);
void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE]);

/* The same of what comes in pieces. end frees it; free is for one that never ended. */
struct digest;
struct digest *digest_new(void);
void digest_add(struct digest *d, const void *data, size_t len);
void digest_end(struct digest *d, char out[SHA256_HEX_SIZE]);
void digest_free(struct digest *d);

void hmac_sha256(const char *secret, const void *data, size_t len, uint8_t out[SHA256_BYTES]);
void hmac_sha1(const char *secret, const void *data, size_t len, uint8_t out[SHA1_BYTES]);

/* Each part is signed with its length, so {"ab","c"} and {"a","bc"} differ. */
void link_sign(const char *secret, const char *const parts[], size_t count,
               char out[LINK_SIGNATURE_SIZE]);
bool link_verify(const char *secret, const char *const parts[], size_t count,
                 const char *signature) MUST_CHECK;

/* base64(HMAC-SHA1(secret, username)): draft-uberti-behave-turn-rest-00, 2.2. */
void turn_password(const char *secret, const char *username, char out[TURN_PASSWORD_SIZE]);

#endif
