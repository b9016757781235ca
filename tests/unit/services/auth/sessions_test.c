/* SPDX-License-Identifier: MIT */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

#include "shared/domain/limit.h"

#include <stdio.h>
#include <string.h>

STMT(test_age_ended, "UPDATE sessions SET revoked_at = now() - interval '2 days' WHERE id = $1");
STMT(test_age_expired, "UPDATE sessions SET expires_at = now() - interval '2 days' WHERE id = $1");
STMT(test_sessions_of, "SELECT count(*) FROM sessions WHERE user_id = $1");

static bool is_revoked(const struct person *asker, snowflake session)
{
    char wanted[24];
    char path[40];
    snprintf(wanted, sizeof(wanted), "%lu", session);
    CHECK_INT(ask(asker, "auth.session.revoked", "{}"), OK);
    size_t count = (size_t)atol(got("session_ids"));
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "session_ids.%zu", i);
        if (strcmp(got(path), wanted) == 0)
            return true;
    }
    return false;
}

TEST(sessions_are_listed_with_the_one_that_asks)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct person phone = person_login(&nobody, "ann");
    person_new(&nobody, "bob");
    CHECK_INT(ask(&ann, "auth.session.list", "{}"), OK);
    CHECK_STR(got(""), "2");
    CHECK(got_id("0.id") == phone.session);
    CHECK_STR(got("0.is_current"), "false");
    CHECK(got_id("1.id") == ann.session);
    CHECK_STR(got("1.is_current"), "true");
    CHECK_STR(got("1.ip"), "192.0.2.1");
    CHECK_STR(got("1.agent"), "unit test");
    CHECK_STR(got("1.refresh_hash"), "absent");
}

TEST(signing_out_ends_the_session_and_is_told)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK(!is_revoked(&nobody, ann.session));
    CHECK_INT(ask(&ann, "auth.session.end", "{}"), OK);
    CHECK_STR(told("session.revoke", "session_ids"), "1");
    CHECK_INT(ask(&ann, "auth.session.end", "{}"), OK);
    CHECK_STR(told("session.revoke", ""), "absent");
    CHECK(is_revoked(&nobody, ann.session));
}

TEST(one_device_is_signed_out_by_another)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct person phone = person_login(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.session.revoke", "{\"session_id\":\"%lu\"}", phone.session), OK);
    CHECK_STR(told("session.revoke", "session_ids"), "1");
    CHECK_INT(ask(&ann, "auth.session.revoke", "{\"session_id\":\"%lu\"}", phone.session),
              ERR_UNKNOWN_SESSION);
    CHECK(is_revoked(&nobody, phone.session));
    CHECK(!is_revoked(&nobody, ann.session));
}

TEST(nobody_ends_the_session_of_somebody_else)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct person bob = person_new(&nobody, "bob");
    CHECK_INT(ask(&bob, "auth.session.revoke", "{\"session_id\":\"%lu\"}", ann.session),
              ERR_UNKNOWN_SESSION);
    CHECK_INT(ask(&bob, "auth.session.revoke_others", "{}"), OK);
    CHECK(!is_revoked(&nobody, ann.session));
}

TEST(all_other_devices_are_signed_out_at_once)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    person_login(&nobody, "ann");
    person_login(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.session.revoke_others", "{}"), OK);
    CHECK_STR(told("session.revoke", "session_ids"), "2");
    CHECK_INT(ask(&ann, "auth.session.list", "{}"), OK);
    CHECK_STR(got(""), "1");
    CHECK_STR(got("0.is_current"), "true");
}

TEST(who_asks_again_from_until_misses_nothing)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(ask(&nobody, "auth.session.revoked", "{}"), OK);
    char until[40];
    snprintf(until, sizeof(until), "%s", got("until"));
    CHECK_INT(ask(&ann, "auth.session.end", "{}"), OK);
    CHECK_INT(ask(&nobody, "auth.session.revoked", "{\"since\":\"%s\"}", until), OK);
    CHECK(atol(got("session_ids")) >= 1);
    CHECK_STR(got("has_more"), "false");
}

TEST(the_least_recent_session_makes_room_for_one_too_many)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person first = person_new(&nobody, "ann");
    for (int i = 1; i < LIMIT_SESSIONS; i++)
        person_login(&nobody, "ann");
    CHECK_STR(told("session.revoke", ""), "absent");
    char oldest[24];
    snprintf(oldest, sizeof(oldest), "%lu", first.session);
    struct person last = person_login(&nobody, "ann");
    CHECK_STR(told("session.revoke", "session_ids"), "1");
    CHECK_STR(told("session.revoke", "session_ids.0"), oldest);
    CHECK_INT(ask(&last, "auth.session.list", "{}"), OK);
    CHECK_INT(atol(got("")), LIMIT_SESSIONS);
}

TEST(the_purge_takes_what_ended_long_ago_and_nothing_else)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct person ended = person_login(&nobody, "ann");
    struct person expired = person_login(&nobody, "ann");
    struct person fresh = person_login(&nobody, "ann");
    CHECK_INT(ask(&fresh, "auth.session.end", "{}"), OK);
    CHECK_INT(ask(&nobody, "auth.session.refresh", "{\"refresh_token\":\"%s\"}", ended.refresh),
              OK);
    CHECK_INT(db_exec(scene_req(), &test_age_ended, PARAMS(P(ended.session)), NULL), OK);
    CHECK_INT(db_exec(scene_req(), &test_age_expired, PARAMS(P(expired.session)), NULL), OK);
    CHECK_INT(session_purge(scene_req()), OK);

    int64_t left = 0;
    CHECK_INT(db_scalar(scene_req(), &test_sessions_of, PARAMS(P(ann.user)), &left, ERR_INTERNAL),
              OK);
    CHECK_INT(left, 2);
}
