/* SPDX-License-Identifier: MIT */
/* The instance's row is one for all tests, so each puts it back. */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

#include <stdlib.h>

TEST(anybody_reads_what_the_instance_is)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    CHECK_INT(ask(&nobody, "auth.instance.get", "{}"), OK);
    CHECK_STR(got("registration_open"), "true");
    CHECK_STR(got("read_only"), "false");
    CHECK_STR(got("slow_mode"), "0");
    CHECK_STR(got("limits.message"), "4000");
    CHECK_STR(got("limits.username_min"), "2");
    CHECK(got("version")[0] >= '0' && got("version")[0] <= '9');
}

TEST(only_an_administrator_changes_the_instance)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.instance.update", "{\"read_only\":true}"), ERR_MISSING_PERMISSIONS);
    CHECK_INT(ask(&nobody, "auth.instance.update", "{\"read_only\":true}"), ERR_UNAUTHORIZED);
}

TEST(a_change_of_the_instance_is_told_and_leaves_the_rest)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person admin = scene_admin(&nobody);
    CHECK_INT(ask(&admin, "auth.instance.update", "{\"slow_mode\":5}"), OK);
    CHECK_STR(got("slow_mode"), "5");
    CHECK_STR(got("registration_open"), "true");
    CHECK_STR(told("instance.update", "slow_mode"), "5");
    CHECK_INT(ask(&nobody, "auth.instance.settings", "{}"), OK);
    CHECK_STR(got("slow_mode"), "5");
    CHECK_INT(ask(&admin, "auth.instance.update", "{\"slow_mode\":0}"), OK);
    CHECK_INT(ask(&admin, "auth.instance.update", "{\"slow_mode\":-1}"), ERR_INVALID_FORM);
}

TEST(nobody_registers_while_registration_is_closed)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person admin = scene_admin(&nobody);
    CHECK_INT(ask(&admin, "auth.instance.update", "{\"registration_open\":false}"), OK);
    CHECK_INT(ask(&nobody, "auth.account.create",
                  "{\"username\":\"ann\",\"email\":\"ann@example.org\","
                  "\"password\":\"correct horse\"}"),
              ERR_REGISTRATION_CLOSED);
    person_login(&nobody, "admin");
    CHECK_INT(ask(&admin, "auth.instance.update", "{\"registration_open\":true}"), OK);
    person_new(&nobody, "ann");
}
