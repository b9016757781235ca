/* SPDX-License-Identifier: MIT
 *
 * Conversions of P-256 keys. Any other curve or kind of key is refused here, so nothing behind this
 * file has to ask which algorithm a key is for. */

#include "shared/crypto/jwk.h"

#include "shared/base/str.h"
#include "shared/crypto/hmac.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

enum { COORDINATE = 32, POINT = 1 + 2 * COORDINATE, UNCOMPRESSED = 4 };

static void bio_clear(BIO **bio)
{
    BIO_free_all(*bio);
}
#define auto_bio __attribute__((cleanup(bio_clear)))

static void bn_clear(BIGNUM **bn)
{
    BN_free(*bn);
}
#define auto_bn __attribute__((cleanup(bn_clear)))

static void context_clear(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}
#define auto_context __attribute__((cleanup(context_clear)))

/* Without this OpenSSL would ask at the terminal for the password of an encrypted key. */
static int no_password(char *out UNUSED, int size UNUSED, int is_write UNUSED, void *arg UNUSED)
{
    return -1;
}

static bool is_p256(EVP_PKEY *key)
{
    char group[32];
    size_t len;
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

EVP_PKEY *jwk_private_from_pem(const char *pem)
{
    auto_bio BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    if (key == NULL || is_p256(key))
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

char *jwk_private_to_pem(struct arena *a, EVP_PKEY *key)
{
    auto_bio BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        abort();
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    return arena_strndup(a, text, (size_t)len);
}

static enum err coordinate(EVP_PKEY *key, const char *name, char out[44])
{
    auto_bn BIGNUM *bn = NULL;
    unsigned char bytes[COORDINATE];
    if (EVP_PKEY_get_bn_param(key, name, &bn) != 1 ||
        BN_bn2binpad(bn, bytes, sizeof(bytes)) != sizeof(bytes))
        return ERR_INTERNAL;
    base64url_encode(bytes, sizeof(bytes), out);
    return OK;
}

enum err jwk_from_key(EVP_PKEY *key, struct jwk *ret_jwk)
{
    TRY(coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, ret_jwk->x));
    return coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, ret_jwk->y);
}

static bool decode_coordinate(const char *text, unsigned char out[COORDINATE])
{
    size_t n;
    return base64url_decode(text, strlen(text), out, COORDINATE, &n) && n == COORDINATE;
}

EVP_PKEY *jwk_to_key(const char *x, const char *y)
{
    unsigned char point[POINT] = {UNCOMPRESSED};
    if (!decode_coordinate(x, point + 1) || !decode_coordinate(y, point + 1 + COORDINATE))
        return NULL;
    OSSL_PARAM parts[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"P-256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    auto_context EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parts) != 1)
        return NULL;
    return key;
}

/* The members in this order and without white space: the RFC hashes exactly this text. */
void jwk_thumbprint(const struct jwk *jwk, char out[TOKEN_KEY_ID_SIZE])
{
    char text[160];
    int len =
        snprintf(text, sizeof(text), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                 jwk->x, jwk->y);
    uint8_t digest[SHA256_BYTES];
    sha256(text, (size_t)len, digest);
    base64url_encode(digest, sizeof(digest), out);
}
