/* SPDX-License-Identifier: MIT */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

#include <stdatomic.h>
#include <stdio.h>

#define REGISTER_ANN \
    "{\"username\":\"ann\",\"email\":\"ann@example.org\",\"password\":\"correct horse\"}"

TEST(registering_signs_in)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    CHECK_INT(ask(&nobody, "auth.account.create", REGISTER_ANN), OK);
    CHECK_STR(got("user.username"), "ann");
    CHECK_STR(got("user.email"), "ann@example.org");
    CHECK_STR(got("user.display_name"), "null");
    CHECK_STR(got("user.is_admin"), "false");
    CHECK_STR(got("token_type"), "Bearer");
    CHECK_STR(got("expires_in"), "600");
    CHECK_STR(got("user.password_hash"), "absent");
    CHECK_STR(told("user.create", "username"), "ann");
    CHECK_STR(told("user.create", "email"), "absent");
}

TEST(a_name_or_an_address_is_taken_whatever_its_case)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    person_new(&nobody, "ann");
    CHECK_INT(ask(&nobody, "auth.account.create",
                  "{\"username\":\"ANN\",\"email\":\"else@example.org\","
                  "\"password\":\"correct horse\"}"),
              ERR_USERNAME_TAKEN);
    CHECK_INT(ask(&nobody, "auth.account.create",
                  "{\"username\":\"bob\",\"email\":\"Ann@Example.org\","
                  "\"password\":\"correct horse\"}"),
              ERR_EMAIL_TAKEN);
}

struct race {
    const struct person *nobody;
    atomic_int won;
    atomic_int lost;
};

static void race_to_register(void *arg)
{
    struct race *race = arg;
    enum err e = ask(race->nobody, "auth.account.create", REGISTER_ANN);
    if (e == OK)
        race->won++;
    else if (e == ERR_USERNAME_TAKEN || e == ERR_EMAIL_TAKEN)
        race->lost++;
}

TEST(of_many_who_register_one_name_at_once_one_succeeds)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct race race = {.nobody = &nobody};
    together(8, race_to_register, &race);
    CHECK_INT(race.won, 1);
    CHECK_INT(race.lost, 7);
}

TEST(every_wrong_field_of_a_registration_is_named)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    CHECK_INT(ask(&nobody, "auth.account.create",
                  "{\"username\":\"a b\",\"email\":\"nowhere\",\"password\":\"correct horse\"}"),
              ERR_INVALID_FORM);
    CHECK_STR(got("errors"), "2");
    CHECK_STR(got("errors.0.field"), "username");
    CHECK_STR(got("errors.1.field"), "email");
    CHECK_INT(ask(&nobody, "auth.account.create", "{\"username\":\"ann\"}"), ERR_INVALID_FORM);
    CHECK_STR(got("errors"), "2");
    CHECK_INT(ask(&nobody, "auth.account.create",
                  "{\"username\":\"ann\",\"email\":\"ann@example.org\",\"password\":\"short\"}"),
              ERR_INVALID_FORM);
    CHECK_STR(blamed(), "password");
}

TEST(the_same_name_lives_in_two_applications)
{
    struct person here;
    struct person there;
    if (!scene_open(&here) || !scene_open(&there))
        return;
    struct person ann = person_new(&here, "ann");
    struct person other = person_new(&there, "ann");
    CHECK(ann.user != other.user);
    CHECK_INT(person_login(&here, "ann").user == ann.user, true);
    CHECK_INT(person_login(&there, "ann").user == other.user, true);
}

TEST(somebody_of_another_application_is_unknown)
{
    struct person here;
    struct person there;
    if (!scene_open(&here) || !scene_open(&there))
        return;
    struct person ann = person_new(&here, "ann");
    struct person bob = person_new(&here, "bob");
    struct person eve = person_new(&there, "eve");
    CHECK_INT(ask(&bob, "auth.profile.get", "{\"user_id\":\"%lu\"}", ann.user), OK);
    CHECK_INT(ask(&eve, "auth.profile.get", "{\"user_id\":\"%lu\"}", ann.user), ERR_UNKNOWN_USER);
    CHECK_INT(ask(&eve, "auth.user.get", "{\"user_id\":\"%lu\"}", ann.user), ERR_UNKNOWN_USER);
}

TEST(an_unknown_application_takes_nobody)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    nobody.app = 12345;
    CHECK_INT(ask(&nobody, "auth.account.create", REGISTER_ANN), ERR_UNKNOWN_APPLICATION);
}

TEST(a_profile_hides_the_address)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct person bob = person_new(&nobody, "bob");
    CHECK_INT(ask(&bob, "auth.profile.get", "{\"user_id\":\"%lu\"}", ann.user), OK);
    CHECK_STR(got("username"), "ann");
    CHECK_STR(got("email"), "absent");
    CHECK_STR(got("is_admin"), "absent");
}

TEST(an_account_reads_itself_by_both_paths)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.user.me", "{}"), OK);
    CHECK_STR(got("email"), "ann@example.org");
    CHECK_INT(ask(&ann, "auth.account.get", "{}"), OK);
    CHECK_STR(got("email"), "ann@example.org");
    CHECK_INT(ask(&nobody, "auth.user.me", "{}"), ERR_UNAUTHORIZED);
}

TEST(what_is_null_is_cleared_and_what_is_absent_stays)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.user.update",
                  "{\"display_name\":\" Ann \",\"bio\":\"hello\",\"status_text\":\"away\"}"),
              OK);
    CHECK_STR(got("display_name"), "Ann");
    CHECK_STR(got("rev"), "2");
    CHECK_INT(ask(&ann, "auth.user.update", "{\"display_name\":null,\"username\":\"anna\"}"), OK);
    CHECK_STR(got("display_name"), "null");
    CHECK_STR(got("username"), "anna");
    CHECK_STR(got("bio"), "hello");
    CHECK_STR(got("status_text"), "away");
    CHECK_STR(got("email"), "ann@example.org");
    CHECK_INT(ask(&ann, "auth.user.update", "{\"username\":null}"), ERR_INVALID_FORM);
    CHECK_STR(blamed(), "username");
}

TEST(a_change_is_told_to_all_without_the_address_and_to_oneself_with_it)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.user.update", "{\"bio\":\"hello\"}"), OK);
    CHECK_STR(told("user.update", "bio"), "hello");
    CHECK_STR(told("user.update", "rev"), "2");
    CHECK_STR(told("user.update", "email"), "absent");
    CHECK_STR(told("account.update", "email"), "ann@example.org");
    CHECK_STR(told("session.revoke", ""), "absent");
}

TEST(a_taken_name_cannot_be_changed_to)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    person_new(&nobody, "bob");
    CHECK_INT(ask(&ann, "auth.user.update", "{\"username\":\"Bob\"}"), ERR_USERNAME_TAKEN);
    CHECK_INT(ask(&ann, "auth.user.update", "{\"username\":\"Ann\"}"), OK);
}

TEST(an_address_changes_only_with_the_password)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.user.update", "{\"email\":\"new@example.org\"}"), ERR_INVALID_FORM);
    CHECK_STR(blamed(), "current_password");
    CHECK_INT(ask(&ann, "auth.user.update",
                  "{\"email\":\"new@example.org\",\"current_password\":\"wrong\"}"),
              ERR_INVALID_FORM);
    CHECK_STR(blamed(), "current_password");
    CHECK_INT(ask(&ann, "auth.user.update",
                  "{\"email\":\"new@example.org\",\"current_password\":\"correct horse\"}"),
              OK);
    CHECK_STR(got("email"), "new@example.org");
    CHECK_STR(told("session.revoke", ""), "absent");
}

TEST(a_new_password_signs_out_every_other_device)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    struct person phone = person_login(&nobody, "ann");
    char phone_id[24];
    snprintf(phone_id, sizeof(phone_id), "%lu", phone.session);
    CHECK_INT(ask(&ann, "auth.user.update",
                  "{\"password\":\"battery staple\",\"current_password\":\"correct horse\"}"),
              OK);
    CHECK_STR(told("session.revoke", "session_ids"), "1");
    CHECK_STR(told("session.revoke", "session_ids.0"), phone_id);
    CHECK_INT(ask(&nobody, "auth.session.refresh", "{\"refresh_token\":\"%s\"}", phone.refresh),
              ERR_UNAUTHORIZED);
    CHECK_INT(ask(&nobody, "auth.session.refresh", "{\"refresh_token\":\"%s\"}", ann.refresh), OK);
    CHECK_INT(
        ask(&nobody, "auth.session.create", "{\"login\":\"ann\",\"password\":\"correct horse\"}"),
        ERR_INVALID_CREDENTIALS);
    CHECK_INT(
        ask(&nobody, "auth.session.create", "{\"login\":\"ann\",\"password\":\"battery staple\"}"),
        OK);
}
