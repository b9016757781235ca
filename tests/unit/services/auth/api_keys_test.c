/* SPDX-License-Identifier: MIT */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

#include "shared/domain/limit.h"

#include <stdatomic.h>
#include <stdio.h>

STMT(test_fill_keys, "INSERT INTO api_keys (id, app_id, user_id, name, hash, scopes)"
                     " SELECT $1::bigint + i, $2, $3, 'filler', sha256(($1::bigint + i)::text::bytea), '{read}'"
                     "   FROM generate_series(1, $4::int) i");

static enum err make_key(const struct person *who, const char *scopes)
{
    return ask(who, "auth.api_key.create", "{\"name\":\"robot\",\"scopes\":[%s]}", scopes);
}

static enum err check(const struct person *gateway, const char *key)
{
    return ask(gateway, "auth.credential.check", "{\"key\":\"%s\"}", key);
}

TEST(a_key_acts_as_its_maker_within_its_scopes)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person admin = scene_admin(&nobody);
    CHECK_INT(make_key(&admin, "\"read\",\"admin\""), OK);
    char key[64];
    snprintf(key, sizeof(key), "%s", got("key"));
    snowflake id = got_id("id");

    CHECK_INT(check(&nobody, key), OK);
    CHECK(got_id("user_id") == admin.user);
    CHECK(got_id("session_id") == id);
    CHECK(got_id("app_id") == nobody.app);
    CHECK_STR(got("is_bot"), "true");
    CHECK_STR(got("is_admin"), "true");
    CHECK_STR(got("scopes.0"), "read");
    CHECK_STR(got("scopes.1"), "admin");

    CHECK_INT(make_key(&admin, "\"read\""), OK);
    snprintf(key, sizeof(key), "%s", got("key"));
    CHECK_INT(check(&nobody, key), OK);
    CHECK_STR(got("is_admin"), "false");
}

TEST(a_key_is_shown_once_and_listed_without_itself)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person admin = scene_admin(&nobody);
    CHECK_INT(make_key(&admin, "\"read\""), OK);
    char key[64];
    snprintf(key, sizeof(key), "%s", got("key"));
    CHECK_INT(ask(&admin, "auth.api_key.list", "{}"), OK);
    CHECK_STR(got(""), "1");
    CHECK_STR(got("0.name"), "robot");
    CHECK_STR(got("0.key"), "absent");
    CHECK_STR(got("0.last_used_at"), "null");
    CHECK_INT(check(&nobody, key), OK);
    CHECK_INT(ask(&admin, "auth.api_key.list", "{}"), OK);
    CHECK(got("0.last_used_at")[0] == '2');
}

TEST(a_revoked_key_opens_nothing_and_is_told)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person admin = scene_admin(&nobody);
    CHECK_INT(make_key(&admin, "\"read\""), OK);
    char key[64];
    char id[24];
    snprintf(key, sizeof(key), "%s", got("key"));
    snprintf(id, sizeof(id), "%s", got("id"));
    CHECK_INT(ask(&admin, "auth.api_key.delete", "{\"api_key_id\":\"%s\"}", id), OK);
    CHECK_STR(told("session.revoke", "session_ids.0"), id);
    CHECK_INT(check(&nobody, key), ERR_UNAUTHORIZED);
    CHECK_INT(ask(&admin, "auth.api_key.delete", "{\"api_key_id\":\"%s\"}", id),
              ERR_UNKNOWN_API_KEY);
    CHECK_INT(ask(&admin, "auth.api_key.list", "{}"), OK);
    CHECK_STR(got(""), "0");
}

TEST(only_a_person_who_administers_makes_keys)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(make_key(&ann, "\"read\""), ERR_MISSING_PERMISSIONS);
    CHECK_INT(ask(&ann, "auth.api_key.list", "{}"), ERR_MISSING_PERMISSIONS);
    CHECK_INT(make_key(&nobody, "\"read\""), ERR_UNAUTHORIZED);
    struct person key = scene_admin(&nobody);
    key.is_bot = true;
    CHECK_INT(make_key(&key, "\"read\""), ERR_MISSING_PERMISSIONS);
}

TEST(a_key_of_another_application_is_unknown)
{
    struct person here;
    struct person there;
    if (!scene_open(&here) || !scene_open(&there))
        return;
    struct person admin = scene_admin(&here);
    struct person other = scene_admin(&there);
    CHECK_INT(make_key(&admin, "\"read\""), OK);
    CHECK_INT(ask(&other, "auth.api_key.delete", "{\"api_key_id\":\"%lu\"}", got_id("id")),
              ERR_UNKNOWN_API_KEY);
    CHECK_INT(ask(&other, "auth.api_key.list", "{}"), OK);
    CHECK_STR(got(""), "0");
}

TEST(scopes_are_checked)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person admin = scene_admin(&nobody);
    CHECK_INT(make_key(&admin, ""), ERR_INVALID_FORM);
    CHECK_STR(blamed(), "scopes");
    CHECK_INT(make_key(&admin, "\"read\",\"root\""), ERR_INVALID_FORM);
    CHECK_STR(blamed(), "scopes");
}

struct race {
    const struct person *admin;
    atomic_int won;
    atomic_int full;
};

static void race_to_make(void *arg)
{
    struct race *race = arg;
    enum err e = make_key(race->admin, "\"read\"");
    if (e == OK)
        race->won++;
    else if (e == ERR_MAX_API_KEYS)
        race->full++;
}

TEST(many_who_make_the_last_key_at_once_make_one)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person admin = scene_admin(&nobody);
    CHECK_INT(
        db_exec(scene_req(), &test_fill_keys,
                PARAMS(P(snowflake_next()), P(admin.app), P(admin.user), P(LIMIT_API_KEYS - 1)),
                NULL),
        OK);
    struct race race = {.admin = &admin};
    together(6, race_to_make, &race);
    CHECK_INT(race.won, 1);
    CHECK_INT(race.full, 5);
}
