/* SPDX-License-Identifier: MIT
 *
 * Access tokens: what auth issues is accepted, and everything else there is is not. */

#include "shared/base/str.h"
#include "shared/crypto/hmac.h"
#include "shared/crypto/jwk.h"
#include "shared/crypto/token.h"
#include "tests/test.h"

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>

#define NOW    INT64_C(1800000000000000)
#define MINUTE INT64_C(60000000)

static const struct token_claims alice = {
    .user_id = 7,
    .session_id = 8,
    .app_id = 1,
    .issued_us = NOW,
    .expires_us = NOW + 10 * MINUTE,
};

struct world {
    struct arena arena;
    char *pem;
    struct token_signer *signer;
    struct token_keys *keys;
    const char *token; /* alice's, good */
};

static const char *jwks_of(struct arena *a, const struct token_signer *s)
{
    return arena_printf(a, "{\"keys\":[%s]}", token_signer_jwk(s));
}

static void load(struct world *w, const char *jwks)
{
    CHECK_INT(token_keys_load(w->keys, jwks, strlen(jwks)), OK);
}

static void begin(struct world *w)
{
    *w = (struct world){0};
    w->pem = token_key_generate(&w->arena);
    w->signer = token_signer_new(w->pem, "parley", "parley-clients");
    w->keys = token_keys_new("parley", "parley-clients");
    CHECK(w->signer != NULL);
    load(w, jwks_of(&w->arena, w->signer));
    CHECK_INT(token_issue(w->signer, &alice, &w->arena, &w->token), OK);
}

static void end(struct world *w)
{
    token_signer_free(w->signer);
    token_keys_free(w->keys);
    arena_release(&w->arena);
}

static enum err verify_at(struct world *w, const char *token, int64_t now_us)
{
    struct token_claims claims;
    return token_verify(w->keys, token, strlen(token), now_us, &claims);
}

static enum err verify(struct world *w, const char *token)
{
    return verify_at(w, token, NOW + MINUTE);
}

/* A token with this header and payload, its signature being whatever is given. */
static char *assemble(struct world *w, const char *header, const char *payload,
                      const char *signature)
{
    char *h = arena_alloc(&w->arena, BASE64URL_SIZE(strlen(header)));
    char *p = arena_alloc(&w->arena, BASE64URL_SIZE(strlen(payload)));
    base64url_encode(header, strlen(header), h);
    base64url_encode(payload, strlen(payload), p);
    return arena_printf(&w->arena, "%s.%s%s%s", h, p, signature != NULL ? "." : "",
                        signature != NULL ? signature : "");
}

/* A signature that is right for any header and payload: the forger here owns the key. */
static char *sign(struct world *w, const char *header, const char *payload, bool as_der)
{
    char *text = assemble(w, header, payload, NULL);
    auto_pkey EVP_PKEY *key = jwk_private_from_pem(w->pem);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[80];
    size_t der_len = sizeof(der);
    CHECK(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1);
    CHECK(EVP_DigestSign(context, der, &der_len, (unsigned char *)text, strlen(text)) == 1);
    EVP_MD_CTX_free(context);

    unsigned char raw[64];
    const unsigned char *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) == 32);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) == 32);
    ECDSA_SIG_free(pair);
    char signature[128];
    base64url_encode(as_der ? der : raw, as_der ? der_len : sizeof(raw), signature);
    return arena_printf(&w->arena, "%s.%s", text, signature);
}

static char *header_of(struct world *w, const char *algorithm)
{
    return arena_printf(&w->arena, "{\"alg\":\"%s\",\"kid\":\"%s\"}", algorithm,
                        token_signer_key_id(w->signer));
}

#define PAYLOAD(more)                                                                           \
    "{\"iss\":\"parley\",\"aud\":\"parley-clients\",\"sub\":\"7\",\"sid\":\"8\",\"app\":\"1\"," \
    "\"iat\":1800000000,\"exp\":1800000600" more "}"

TEST(a_token_says_whose_it_is)
{
    struct world w;
    begin(&w);
    struct token_claims claims;
    CHECK_INT(token_verify(w.keys, w.token, strlen(w.token), NOW, &claims), OK);
    CHECK(claims.user_id == 7 && claims.session_id == 8 && claims.app_id == 1);
    CHECK(!claims.is_admin);
    CHECK(claims.issued_us == NOW && claims.expires_us == NOW + 10 * MINUTE);

    struct token_claims boss = alice;
    boss.is_admin = true;
    CHECK_INT(token_issue(w.signer, &boss, &w.arena, &w.token), OK);
    CHECK_INT(token_verify(w.keys, w.token, strlen(w.token), NOW, &claims), OK);
    CHECK(claims.is_admin);
    end(&w);
}

TEST(a_token_assembled_by_hand_is_accepted_like_one_of_ours)
{
    struct world w;
    begin(&w);
    CHECK_INT(verify(&w, sign(&w, header_of(&w, "ES256"), PAYLOAD(""), false)), OK);
    end(&w);
}

TEST(a_token_ends_when_it_expires)
{
    struct world w;
    begin(&w);
    int64_t leeway = TOKEN_LEEWAY_SECONDS * INT64_C(1000000);
    CHECK_INT(verify_at(&w, w.token, alice.expires_us + leeway - 1), OK);
    CHECK_INT(verify_at(&w, w.token, alice.expires_us + leeway), ERR_TOKEN_EXPIRED);
    end(&w);
}

TEST(a_token_from_the_future_is_refused)
{
    struct world w;
    begin(&w);
    CHECK_INT(verify_at(&w, w.token, NOW - MINUTE), ERR_UNAUTHORIZED);
    char *later = sign(&w, header_of(&w, "ES256"), PAYLOAD(",\"nbf\":1800000300"), false);
    CHECK_INT(verify(&w, later), ERR_UNAUTHORIZED);
    end(&w);
}

TEST(any_changed_character_breaks_a_token)
{
    struct world w;
    begin(&w);
    size_t len = strlen(w.token);
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            char *forged = arena_strdup(&w.arena, w.token);
            forged[i] = (char)(forged[i] ^ 1 << bit);
            struct token_claims claims;
            CHECK(token_verify(w.keys, forged, len, NOW, &claims) == ERR_UNAUTHORIZED);
        }
        arena_reset(&w.arena);
        CHECK_INT(token_issue(w.signer, &alice, &w.arena, &w.token), OK);
    }
    end(&w);
}

TEST(a_cut_or_lengthened_token_is_refused)
{
    struct world w;
    begin(&w);
    size_t len = strlen(w.token);
    struct token_claims claims;
    for (size_t cut = 0; cut < len; cut++)
        CHECK(token_verify(w.keys, w.token, cut, NOW, &claims) == ERR_UNAUTHORIZED);
    static const char *const tails[] = {"A", "=", ".", ".x", " ", "\n"};
    for (size_t i = 0; i < ARRAY_LEN(tails); i++)
        CHECK_INT(verify(&w, arena_printf(&w.arena, "%s%s", w.token, tails[i])), ERR_UNAUTHORIZED);
    char *huge = arena_alloc(&w.arena, 100000);
    memset(huge, 'A', 99999);
    CHECK_INT(verify(&w, huge), ERR_UNAUTHORIZED);
    end(&w);
}

TEST(algorithm_none_is_refused)
{
    struct world w;
    begin(&w);
    CHECK_INT(verify(&w, assemble(&w, header_of(&w, "none"), PAYLOAD(""), "")), ERR_UNAUTHORIZED);
    CHECK_INT(verify(&w, sign(&w, header_of(&w, "none"), PAYLOAD(""), false)), ERR_UNAUTHORIZED);
    CHECK_INT(verify(&w, sign(&w, header_of(&w, "es256"), PAYLOAD(""), false)), ERR_UNAUTHORIZED);
    CHECK_INT(verify(&w, sign(&w, header_of(&w, "ES384"), PAYLOAD(""), false)), ERR_UNAUTHORIZED);
    end(&w);
}

/* The confusion libjwt 1.10 falls for: the public key's text, known to all, as an HMAC secret. */
TEST(an_hmac_made_with_the_public_key_is_no_signature)
{
    struct world w;
    begin(&w);
    auto_pkey EVP_PKEY *key = jwk_private_from_pem(w.pem);
    BIO *bio = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_PUBKEY(bio, key) == 1);
    char *pem;
    long len = BIO_get_mem_data(bio, &pem);
    const char *secret = arena_strndup(&w.arena, pem, (size_t)len);
    BIO_free(bio);

    static const char *const algorithms[] = {"HS256", "ES256"};
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        char *text = assemble(&w, header_of(&w, algorithms[i]), PAYLOAD(""), NULL);
        uint8_t digest[SHA256_BYTES];
        char signature[BASE64URL_SIZE(SHA256_BYTES)];
        hmac_sha256(secret, text, strlen(text), digest);
        base64url_encode(digest, sizeof(digest), signature);
        char *token = arena_printf(&w.arena, "%s.%s", text, signature);
        CHECK_INT(verify(&w, token), ERR_UNAUTHORIZED);
    }
    end(&w);
}

TEST(a_signature_in_der_is_refused)
{
    struct world w;
    begin(&w);
    CHECK_INT(verify(&w, sign(&w, header_of(&w, "ES256"), PAYLOAD(""), true)), ERR_UNAUTHORIZED);
    end(&w);
}

TEST(a_signature_of_zeros_is_refused)
{
    struct world w;
    begin(&w);
    static const unsigned char zeros[64];
    char signature[BASE64URL_SIZE(64)];
    base64url_encode(zeros, sizeof(zeros), signature);
    char *token = assemble(&w, header_of(&w, "ES256"), PAYLOAD(""), signature);
    CHECK_INT(verify(&w, token), ERR_UNAUTHORIZED);
    end(&w);
}

TEST(tokens_for_others_or_from_others_are_refused)
{
    struct world w;
    begin(&w);
    struct token_signer *other_issuer = token_signer_new(w.pem, "mallory", "parley-clients");
    struct token_signer *other_audience = token_signer_new(w.pem, "parley", "parley-services");
    const char *token;
    CHECK_INT(token_issue(other_issuer, &alice, &w.arena, &token), OK);
    CHECK_INT(verify(&w, token), ERR_UNAUTHORIZED);
    CHECK_INT(token_issue(other_audience, &alice, &w.arena, &token), OK);
    CHECK_INT(verify(&w, token), ERR_UNAUTHORIZED);
    token_signer_free(other_issuer);
    token_signer_free(other_audience);
    end(&w);
}

TEST(payloads_that_are_signed_but_strange_are_refused)
{
    static const char *const strange[] = {
        "",
        "null",
        "[]",
        "{}",
        PAYLOAD(",\"sub\":\"9\""),
        PAYLOAD(",\"nbf\":\"soon\""),
        PAYLOAD(",\"nbf\":-1"),
        PAYLOAD("") " ,",
        "{\"iss\":\"parley\",\"aud\":[\"parley-clients\"],\"sub\":\"7\",\"sid\":\"8\",\"app\":"
        "\"1\","
        "\"iat\":1800000000,\"exp\":1800000600}",
        "{\"iss\":\"parley\",\"aud\":\"parley-clients\",\"sub\":7,\"sid\":\"8\",\"app\":\"1\","
        "\"iat\":1800000000,\"exp\":1800000600}",
        "{\"iss\":\"parley\",\"aud\":\"parley-clients\",\"sub\":\"7\",\"sid\":\"8\",\"app\":\"1\","
        "\"iat\":1800000000}",
        "{\"iss\":\"parley\",\"aud\":\"parley-clients\",\"sub\":\"7\",\"sid\":\"8\",\"app\":\"1\","
        "\"iat\":1800000000,\"exp\":9223372036854775807}",
        "{\"iss\":\"parley\",\"aud\":\"parley-clients\",\"sub\":\"07\",\"sid\":\"8\",\"app\":\"1\","
        "\"iat\":1800000000,\"exp\":1800000600}",
    };
    struct world w;
    begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        char *token = sign(&w, header_of(&w, "ES256"), strange[i], false);
        if (!CHECK_INT(verify(&w, token), ERR_UNAUTHORIZED))
            printf("  %s\n", strange[i]);
    }
    end(&w);
}

TEST(a_header_with_extensions_that_must_be_understood_is_refused)
{
    struct world w;
    begin(&w);
    char *header = arena_printf(&w.arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"crit\":[\"b64\"]}",
                                token_signer_key_id(w.signer));
    CHECK_INT(verify(&w, sign(&w, header, PAYLOAD(""), false)), ERR_UNAUTHORIZED);
    CHECK_INT(verify(&w, sign(&w, "{\"alg\":\"ES256\"}", PAYLOAD(""), false)), ERR_UNAUTHORIZED);
    end(&w);
}

TEST(a_key_that_leaves_the_set_takes_its_tokens_along)
{
    struct world w;
    begin(&w);
    char *pem = token_key_generate(&w.arena);
    struct token_signer *next = token_signer_new(pem, "parley", "parley-clients");
    const char *fresh;
    CHECK_INT(token_issue(next, &alice, &w.arena, &fresh), OK);
    CHECK(!token_key_is_known(w.keys, fresh, strlen(fresh)));
    CHECK_INT(verify(&w, fresh), ERR_UNAUTHORIZED);

    load(&w, arena_printf(&w.arena, "{\"keys\":[%s,%s]}", token_signer_jwk(w.signer),
                          token_signer_jwk(next)));
    CHECK(token_key_is_known(w.keys, fresh, strlen(fresh)));
    CHECK_INT(verify(&w, fresh), OK);
    CHECK_INT(verify(&w, w.token), OK);

    load(&w, jwks_of(&w.arena, next));
    CHECK_INT(verify(&w, fresh), OK);
    CHECK_INT(verify(&w, w.token), ERR_UNAUTHORIZED);
    token_signer_free(next);
    end(&w);
}

/* The point is from the example of RFC 7517, appendix A.1, but one digit of y in the second. */
TEST(a_set_that_is_not_all_good_changes_nothing)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"keys\":[]}",
        "{\"keys\":7}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6"
        "KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyN\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}]}",
    };
    static const char good[] =
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6"
        "KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";
    struct world w;
    begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK_INT(token_keys_load(w.keys, bad[i], strlen(bad[i])), ERR_INVALID_FORM))
            printf("  %s\n", bad[i]);
    CHECK_INT(verify(&w, w.token), OK);
    CHECK_INT(token_keys_load(w.keys, good, strlen(good)), OK);
    CHECK_INT(verify(&w, w.token), ERR_UNAUTHORIZED);
    end(&w);
}

TEST(only_a_plain_p256_private_key_makes_a_signer)
{
    auto_arena struct arena a = {0};
    CHECK(token_signer_new("", "i", "a") == NULL);
    CHECK(token_signer_new("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "i",
                           "a") == NULL);
    EVP_PKEY *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    CHECK(token_signer_new(jwk_private_to_pem(&a, p384), "i", "a") == NULL);
    EVP_PKEY_free(p384);
}

struct race {
    struct world *w;
    const char *jwks;
    int failed;
};

static void *verify_often(void *arg)
{
    struct race *race = arg;
    for (int i = 0; i < 300; i++)
        race->failed += verify(race->w, race->w->token) != OK;
    return NULL;
}

TEST(keys_may_be_replaced_while_others_verify)
{
    struct world w;
    begin(&w);
    struct race race = {.w = &w, .jwks = jwks_of(&w.arena, w.signer)};
    pthread_t reader;
    pthread_create(&reader, NULL, verify_often, &race);
    for (int i = 0; i < 300; i++)
        load(&w, race.jwks);
    pthread_join(reader, NULL);
    CHECK_INT(race.failed, 0);
    end(&w);
}
