/* SPDX-License-Identifier: MIT */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

#include "shared/base/clock.h"
#include "shared/crypto/token.h"

#include <crypt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

STMT(test_set_hash, "UPDATE users SET password_hash = $2 WHERE id = $1");
STMT(test_get_hash, "SELECT password_hash FROM users WHERE id = $1");
STMT(test_expire, "UPDATE sessions SET expires_at = now() WHERE id = $1");

static enum err refresh(const struct person *nobody, const char *refresh_token)
{
    return ask(nobody, "auth.session.refresh", "{\"refresh_token\":\"%s\"}", refresh_token);
}

TEST(a_name_or_an_address_signs_in_whatever_its_case)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    person_new(&nobody, "ann");
    static const char *const ways[] = {
        "\"login\":\"ann\"",
        "\"login\":\"ANN\"",
        "\"username\":\"Ann\"",
        "\"login\":\"Ann@Example.ORG\"",
        "\"email\":\"ann@example.org\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        CHECK_INT(
            ask(&nobody, "auth.session.create", "{%s,\"password\":\"correct horse\"}", ways[i]),
            OK);
        CHECK_STR(got("user.username"), "ann");
    }
    CHECK_INT(ask(&nobody, "auth.session.create", "{\"password\":\"correct horse\"}"),
              ERR_INVALID_FORM);
    CHECK_STR(blamed(), "login");
}

TEST(a_wrong_password_and_an_unknown_name_answer_the_same)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    person_new(&nobody, "ann");
    CHECK_INT(ask(&nobody, "auth.session.create", "{\"login\":\"ann\",\"password\":\"wrong\"}"),
              ERR_INVALID_CREDENTIALS);
    CHECK_INT(ask(&nobody, "auth.session.create", "{\"login\":\"eve\",\"password\":\"wrong\"}"),
              ERR_INVALID_CREDENTIALS);
}

TEST(a_bcrypt_password_is_accepted_and_replaced)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct crypt_data data = {0};
    const char *hash = crypt_r("correct horse", "$2b$04$abcdefghijklmnopqrstuu", &data);
    CHECK_INT(db_exec(scene_req(), &test_set_hash, PARAMS(P(ann.user), P(hash)), NULL), OK);
    person_login(&nobody, "ann");

    struct req *rq = scene_req();
    const char *now = "";
    CHECK_INT(db_text(rq, &test_get_hash, PARAMS(P(ann.user)), &now, ERR_UNKNOWN_USER), OK);
    CHECK(strncmp(now, "$argon2id$", 10) == 0);
    person_login(&nobody, "ann");
}

TEST(an_access_token_says_who_and_verifies_with_the_published_keys)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(ask(&nobody, "auth.jwks.get", "{}"), OK);
    CHECK_STR(got("keys.0.kty"), "EC");
    CHECK_STR(got("keys.0.alg"), "ES256");
    CHECK_STR(got("keys.0.d"), "absent");

    char jwks[512];
    int len = snprintf(jwks, sizeof(jwks),
                       "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",");
    len += snprintf(jwks + len, sizeof(jwks) - (size_t)len, "\"use\":\"sig\",\"x\":\"%s\",",
                    got("keys.0.x"));
    len += snprintf(jwks + len, sizeof(jwks) - (size_t)len, "\"y\":\"%s\",", got("keys.0.y"));
    len += snprintf(jwks + len, sizeof(jwks) - (size_t)len, "\"kid\":\"%s\"}]}", got("keys.0.kid"));
    struct token_keys *keys = token_keys_new("parley", "parley");
    CHECK_INT(token_keys_load(keys, jwks, (size_t)len), OK);
    struct token_claims claims = {0};
    CHECK_INT(token_verify(keys, ann.access, strlen(ann.access), clock_us(), &claims), OK);
    CHECK(claims.user_id == ann.user);
    CHECK(claims.session_id == ann.session);
    CHECK(claims.app_id == nobody.app);
    CHECK(!claims.is_admin);
    CHECK_INT((claims.expires_us - claims.issued_us) / 1000000, 600);
    token_keys_free(keys);
}

TEST(a_refresh_token_works_once_and_gives_the_next)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(refresh(&nobody, ann.refresh), OK);
    CHECK(got_id("session_id") == ann.session);
    CHECK_STR(got("user.username"), "ann");
    CHECK(strcmp(got("refresh_token"), ann.refresh) != 0);
    char next[64];
    snprintf(next, sizeof(next), "%s", got("refresh_token"));
    CHECK_INT(refresh(&nobody, next), OK);
}

TEST(a_used_refresh_token_ends_the_whole_family)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct person phone = person_login(&nobody, "ann");
    CHECK_INT(refresh(&nobody, ann.refresh), OK);
    char next[64];
    snprintf(next, sizeof(next), "%s", got("refresh_token"));
    char session[24];
    snprintf(session, sizeof(session), "%lu", ann.session);

    CHECK_INT(refresh(&nobody, ann.refresh), ERR_REFRESH_REUSED);
    CHECK_STR(told("session.revoke", "session_ids.0"), session);
    CHECK_INT(refresh(&nobody, next), ERR_UNAUTHORIZED);
    CHECK_INT(refresh(&nobody, ann.refresh), ERR_REFRESH_REUSED);
    CHECK_STR(told("session.revoke", ""), "absent");
    CHECK_INT(refresh(&nobody, phone.refresh), OK);
}

struct race {
    const struct person *nobody;
    const char *refresh_token;
    atomic_int won;
    atomic_int reused;
};

static void race_to_refresh(void *arg)
{
    struct race *race = arg;
    enum err e = refresh(race->nobody, race->refresh_token);
    if (e == OK)
        race->won++;
    else if (e == ERR_REFRESH_REUSED)
        race->reused++;
}

TEST(of_many_who_refresh_with_one_token_at_once_one_succeeds)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct race race = {.nobody = &nobody, .refresh_token = ann.refresh};
    together(6, race_to_refresh, &race);
    CHECK_INT(race.won, 1);
    CHECK_INT(race.reused, 5);
    CHECK_INT(ask(&ann, "auth.session.list", "{}"), OK);
    CHECK_STR(got(""), "0");
}

TEST(a_session_that_ended_or_expired_does_not_refresh)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct person phone = person_login(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.session.end", "{}"), OK);
    CHECK_INT(refresh(&nobody, ann.refresh), ERR_UNAUTHORIZED);
    CHECK_INT(db_exec(scene_req(), &test_expire, PARAMS(P(phone.session)), NULL), OK);
    CHECK_INT(refresh(&nobody, phone.refresh), ERR_UNAUTHORIZED);
    CHECK_INT(refresh(&nobody, "pr_nonsense"), ERR_UNAUTHORIZED);
}

TEST(a_refresh_token_names_its_application_itself)
{
    struct person here;
    struct person there;
    if (!scene_open(&here) || !scene_open(&there))
        return;
    struct person ann = person_new(&here, "ann");
    char app[24];
    snprintf(app, sizeof(app), "%lu", here.app);
    CHECK_INT(refresh(&there, ann.refresh), OK);
    CHECK_STR(got("user.app_id"), app);
    CHECK_INT(refresh(&there, ann.refresh), ERR_REFRESH_REUSED);
    CHECK_STR(told("session.revoke", "app_id"), app);
}
