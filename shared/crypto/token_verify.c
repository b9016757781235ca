/* SPDX-License-Identifier: MIT
 *
 * Verifying access tokens with OpenSSL and keys parsed once (libjwt would parse a PEM per call,
 * take an HMAC made with the public key's text for a signature, and never look at the expiry). The
 * order is the invariant: nothing of the payload is read before the signature over it is proved. */

#include "shared/crypto/jwk.h"
#include "shared/crypto/token.h"

#include "shared/base/heap.h"
#include "shared/base/str.h"

#include <jansson.h>
#include <openssl/ecdsa.h>
#include <pthread.h>
#include <string.h>

enum {
    US_PER_SECOND = 1000000,
    COORDINATE = 32,
    SIGNATURE = 2 * COORDINATE,
    DER_MAX = 80,
    HEADER_MAX = 512,
};

/* The last second a time of ours can name: 9999-12-31T23:59:59Z. */
#define SECOND_MAX INT64_C(253402300799)

struct known_key {
    char id[TOKEN_KEY_ID_SIZE];
    EVP_PKEY *key;
};

struct token_keys {
    char *issuer;
    char *audience;
    pthread_rwlock_t lock; /* guards the set; a key in use is referenced, not locked */
    struct known_key set[TOKEN_KEYS_MAX];
    size_t count;
};

/* The three parts of a compact JWS (RFC 7515, 7.1). */
struct jws {
    const char *header;
    size_t header_len;
    const char *payload;
    size_t payload_len;
    const char *signature;
    size_t signature_len;
};

static void json_clear(json_t **json)
{
    json_decref(*json);
}
#define auto_json_ref __attribute__((cleanup(json_clear)))

struct token_keys *token_keys_new(const char *issuer, const char *audience)
{
    struct token_keys *keys = heap_alloc(sizeof(*keys));
    keys->issuer = heap_strdup(issuer);
    keys->audience = heap_strdup(audience);
    pthread_rwlock_init(&keys->lock, NULL);
    return keys;
}

static void free_set(const struct known_key *set, size_t count)
{
    for (size_t i = 0; i < count; i++)
        EVP_PKEY_free(set[i].key);
}

void token_keys_free(struct token_keys *keys)
{
    if (keys == NULL)
        return;
    free_set(keys->set, keys->count);
    pthread_rwlock_destroy(&keys->lock);
    free(keys->issuer);
    free(keys->audience);
    free(keys);
}

/* Only P-256; the key id is computed, whatever the set says. */
static bool read_jwk(json_t *json, struct known_key *ret_key)
{
    const char *kty;
    const char *crv;
    const char *x;
    const char *y;
    if (json_unpack(json, "{s:s, s:s, s:s, s:s}", "kty", &kty, "crv", &crv, "x", &x, "y", &y) != 0)
        return false;
    if (strcmp(kty, "EC") != 0 || strcmp(crv, "P-256") != 0)
        return false;
    ret_key->key = jwk_to_key(x, y);
    if (ret_key->key == NULL)
        return false;
    struct jwk jwk;
    (void)snprintf(jwk.x, sizeof(jwk.x), "%s", x);
    (void)snprintf(jwk.y, sizeof(jwk.y), "%s", y);
    jwk_thumbprint(&jwk, ret_key->id);
    return true;
}

static enum err read_jwks(const char *text, size_t len, struct known_key *set, size_t *ret_count)
{
    auto_json_ref json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    json_t *list;
    if (root == NULL || json_unpack(root, "{s:o}", "keys", &list) != 0)
        return ERR_INVALID_FORM;
    size_t wanted = json_array_size(list);
    if (wanted == 0 || wanted > TOKEN_KEYS_MAX)
        return ERR_INVALID_FORM;
    for (*ret_count = 0; *ret_count < wanted; ++*ret_count)
        if (!read_jwk(json_array_get(list, *ret_count), &set[*ret_count]))
            return ERR_INVALID_FORM;
    return OK;
}

enum err token_keys_load(struct token_keys *keys, const char *jwks, size_t len)
{
    struct known_key fresh[TOKEN_KEYS_MAX];
    struct known_key old[TOKEN_KEYS_MAX];
    size_t fresh_count = 0;
    enum err e = read_jwks(jwks, len, fresh, &fresh_count);
    if (e != OK) {
        free_set(fresh, fresh_count);
        return e;
    }
    pthread_rwlock_wrlock(&keys->lock);
    size_t old_count = keys->count;
    memcpy(old, keys->set, sizeof(old));
    memcpy(keys->set, fresh, sizeof(fresh));
    keys->count = fresh_count;
    pthread_rwlock_unlock(&keys->lock);
    free_set(old, old_count);
    return OK;
}

/* A reference of the caller's own, so that the set may change meanwhile; NULL when unknown. */
static EVP_PKEY *find_key(struct token_keys *keys, const char *id)
{
    EVP_PKEY *found = NULL;
    pthread_rwlock_rdlock(&keys->lock);
    for (size_t i = 0; i < keys->count && found == NULL; i++)
        if (strcmp(keys->set[i].id, id) == 0 && EVP_PKEY_up_ref(keys->set[i].key) == 1)
            found = keys->set[i].key;
    pthread_rwlock_unlock(&keys->lock);
    return found;
}

static bool split(const char *token, size_t len, struct jws *ret_parts)
{
    if (len > TOKEN_MAX)
        return false;
    const char *end = token + len;
    const char *first = memchr(token, '.', len);
    if (first == NULL)
        return false;
    const char *second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL)
        return false;
    /* A third dot is no base64url and fails with the signature. */
    *ret_parts = (struct jws){
        .header = token,
        .header_len = (size_t)(first - token),
        .payload = first + 1,
        .payload_len = (size_t)(second - first - 1),
        .signature = second + 1,
        .signature_len = (size_t)(end - second - 1),
    };
    return true;
}

static json_t *decode_json(const char *text, size_t len)
{
    unsigned char bytes[TOKEN_MAX];
    size_t n;
    if (!base64url_decode(text, len, bytes, sizeof(bytes), &n))
        return NULL;
    return json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
}

/* One algorithm. "crit" names extensions that must be understood (RFC 7515, 4.1.11): we have none.
 */
static EVP_PKEY *key_of_header(struct token_keys *keys, const struct jws *jws)
{
    if (jws->header_len > HEADER_MAX)
        return NULL;
    auto_json_ref json_t *header = decode_json(jws->header, jws->header_len);
    const char *algorithm;
    const char *key_id;
    json_t *critical = NULL;
    if (header == NULL || json_unpack(header, "{s:s, s:s, s?o}", "alg", &algorithm, "kid", &key_id,
                                      "crit", &critical) != 0)
        return NULL;
    if (strcmp(algorithm, "ES256") != 0 || critical != NULL)
        return NULL;
    return find_key(keys, key_id);
}

/* On the wire r and s stand side by side (RFC 7518, 3.4); OpenSSL wants them as DER. */
static int signature_to_der(const unsigned char raw[SIGNATURE], unsigned char der[DER_MAX])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, COORDINATE, NULL);
    BIGNUM *s = BN_bin2bn(raw + COORDINATE, COORDINATE, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1)
        abort();
    unsigned char *at = der;
    int len = i2d_ECDSA_SIG(pair, &at);
    ECDSA_SIG_free(pair);
    return len;
}

static bool is_signed_by(EVP_PKEY *key, const struct jws *jws)
{
    unsigned char raw[SIGNATURE];
    unsigned char der[DER_MAX];
    size_t n;
    if (!base64url_decode(jws->signature, jws->signature_len, raw, sizeof(raw), &n) ||
        n != sizeof(raw))
        return false;
    int der_len = signature_to_der(raw, der);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL)
        abort();
    size_t signed_len = (size_t)(jws->payload + jws->payload_len - jws->header);
    bool is_good = der_len > 0 &&
                   EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                   EVP_DigestVerify(context, der, (size_t)der_len,
                                    (const unsigned char *)jws->header, signed_len) == 1;
    EVP_MD_CTX_free(context);
    return is_good;
}

/* What the payload says, before anything is believed. */
struct payload {
    const char *issuer;
    const char *audience;
    const char *user;
    const char *session;
    const char *app;
    json_int_t issued;
    json_int_t expires;
    json_int_t not_before;
    int is_admin;
};

static bool read_payload(json_t *json, struct payload *p)
{
    *p = (struct payload){0};
    return json_unpack(json, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s?I, s?b}", "iss", &p->issuer,
                       "aud", &p->audience, "sub", &p->user, "sid", &p->session, "app", &p->app,
                       "iat", &p->issued, "exp", &p->expires, "nbf", &p->not_before, "adm",
                       &p->is_admin) == 0;
}

static bool is_second(json_int_t value)
{
    return value >= 0 && value <= SECOND_MAX;
}

static enum err check_payload(const struct token_keys *keys, const struct payload *p,
                              int64_t now_us)
{
    int64_t now = now_us / US_PER_SECOND;
    bool is_ours = strcmp(p->issuer, keys->issuer) == 0 && strcmp(p->audience, keys->audience) == 0;
    bool has_times = is_second(p->issued) && is_second(p->expires) && is_second(p->not_before);
    bool has_begun =
        p->issued <= now + TOKEN_LEEWAY_SECONDS && p->not_before <= now + TOKEN_LEEWAY_SECONDS;
    if (!is_ours || !has_times || !has_begun)
        return ERR_UNAUTHORIZED;
    return now < p->expires + TOKEN_LEEWAY_SECONDS ? OK : ERR_TOKEN_EXPIRED;
}

static enum err read_claims(const struct token_keys *keys, const struct jws *jws, int64_t now_us,
                            struct token_claims *ret_claims)
{
    auto_json_ref json_t *json = decode_json(jws->payload, jws->payload_len);
    struct payload p;
    struct token_claims claims;
    if (json == NULL || !read_payload(json, &p) || !snowflake_parse(p.user, &claims.user_id) ||
        !snowflake_parse(p.session, &claims.session_id) || !snowflake_parse(p.app, &claims.app_id))
        return ERR_UNAUTHORIZED;
    TRY(check_payload(keys, &p, now_us));
    claims.is_admin = p.is_admin != 0;
    claims.issued_us = p.issued * US_PER_SECOND;
    claims.expires_us = p.expires * US_PER_SECOND;
    *ret_claims = claims;
    return OK;
}

enum err token_verify(struct token_keys *keys, const char *token, size_t len, int64_t now_us,
                      struct token_claims *ret_claims)
{
    struct jws jws;
    if (!split(token, len, &jws))
        return ERR_UNAUTHORIZED;
    auto_pkey EVP_PKEY *key = key_of_header(keys, &jws);
    if (key == NULL || !is_signed_by(key, &jws))
        return ERR_UNAUTHORIZED;
    return read_claims(keys, &jws, now_us, ret_claims);
}

bool token_key_is_known(struct token_keys *keys, const char *token, size_t len)
{
    struct jws jws;
    if (!split(token, len, &jws))
        return false;
    auto_pkey EVP_PKEY *key = key_of_header(keys, &jws);
    return key != NULL;
}
