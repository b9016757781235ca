/* SPDX-License-Identifier: MIT
 *
 * OpenSSL's digests under names that cannot fail: a library that cannot hash is no library
 * to go on with. */

#include "shared/crypto/hmac.h"

#include "shared/base/buf.h"
#include "shared/base/str.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

void sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
    if (SHA256(data, len, out) == NULL)
        abort();
}

void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE])
{
    uint8_t digest[SHA256_BYTES];
    sha256(data, len, digest);
    str_hex(digest, sizeof(digest), out);
}

/* Never a struct of its own: a struct digest is OpenSSL's context. */
static EVP_MD_CTX *context(struct digest *d)
{
    return (EVP_MD_CTX *)(void *)d;
}

struct digest *digest_new(void)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (c == NULL || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1)
        abort();
    return (struct digest *)(void *)c;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    if (EVP_DigestUpdate(context(d), data, len) != 1)
        abort();
}

void digest_end(struct digest *d, char out[SHA256_HEX_SIZE])
{
    uint8_t bytes[SHA256_BYTES];
    if (EVP_DigestFinal_ex(context(d), bytes, NULL) != 1)
        abort();
    str_hex(bytes, sizeof(bytes), out);
    digest_free(d);
}

void digest_free(struct digest *d)
{
    EVP_MD_CTX_free(context(d));
}

static void hmac(const EVP_MD *digest, const char *secret, const void *data, size_t len,
                 uint8_t *out)
{
    unsigned written;
    if (HMAC(digest, secret, (int)strlen(secret), data, len, out, &written) == NULL)
        abort();
}

void hmac_sha256(const char *secret, const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
    hmac(EVP_sha256(), secret, data, len, out);
}

void hmac_sha1(const char *secret, const void *data, size_t len, uint8_t out[SHA1_BYTES])
{
    hmac(EVP_sha1(), secret, data, len, out);
}

void link_sign(const char *secret, const char *const parts[], size_t count,
               char out[LINK_SIGNATURE_SIZE])
{
    auto_buf struct buf text = {0};
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(parts[i]);
        buf_add_u64(&text, len);
        buf_addc(&text, ':');
        buf_add(&text, parts[i], len);
    }
    uint8_t digest[SHA256_BYTES];
    hmac_sha256(secret, buf_str(&text), text.len, digest);
    base64url_encode(digest, sizeof(digest), out);
}

bool link_verify(const char *secret, const char *const parts[], size_t count, const char *signature)
{
    char expected[LINK_SIGNATURE_SIZE];
    link_sign(secret, parts, count, expected);
    return str_eq_ct(expected, signature);
}

void turn_password(const char *secret, const char *username, char out[TURN_PASSWORD_SIZE])
{
    uint8_t digest[SHA1_BYTES];
    hmac_sha1(secret, username, strlen(username), digest);
    base64_encode(digest, sizeof(digest), out);
}
