/* SPDX-License-Identifier: MIT */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

TEST(an_administrator_founds_an_application_and_its_name_is_unique)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person admin = scene_admin(&nobody);
    CHECK_INT(ask(&admin, "auth.application.create", "{\"name\":\"Tenant %lu\"}", nobody.app), OK);
    struct person tenant = {.app = got_id("id")};
    CHECK_INT(ask(&admin, "auth.application.create", "{\"name\":\"TENANT %lu\"}", nobody.app),
              ERR_CONFLICT);
    person_new(&tenant, "admin");
    CHECK_INT(
        ask(&admin, "auth.application.list", "{\"after\":\"%lu\",\"limit\":1}", tenant.app - 1),
        OK);
    CHECK_STR(got(""), "1");
    CHECK(got_id("0.id") == tenant.app);
}

TEST(only_an_administrator_sees_applications)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    CHECK_INT(ask(&ann, "auth.application.list", "{}"), ERR_MISSING_PERMISSIONS);
    CHECK_INT(ask(&ann, "auth.application.create", "{\"name\":\"x\"}"), ERR_MISSING_PERMISSIONS);
}
