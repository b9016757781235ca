/* SPDX-License-Identifier: MIT */
/* Each in a transaction that is taken back, because there may be one first administrator only. */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

#include <stdio.h>

STMT(test_dismiss, "UPDATE users SET is_admin = false");
STMT(test_admins, "SELECT count(*) FROM users WHERE is_admin");

static int64_t admins(struct req *rq)
{
    int64_t count = -1;
    CHECK_INT(db_scalar(rq, &test_admins, NO_PARAMS, &count, ERR_INTERNAL), OK);
    return count;
}

TEST(the_first_administrator_is_made_once)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    const struct auth_settings s = {
        .admin_username = "first",
        .admin_email = "first@example.org",
        .admin_password = "correct horse",
    };
    struct req *rq = scene_req();
    rq->app = nobody.app;
    db_begin(rq);
    CHECK_INT(db_exec(rq, &test_dismiss, NO_PARAMS, NULL), OK);
    CHECK_INT(admin_ensure(rq, &s), OK);
    CHECK_INT(admins(rq), 1);
    CHECK(rq->events != NULL);
    CHECK_INT(admin_ensure(rq, &s), OK);
    CHECK_INT(admins(rq), 1);
    db_rollback(rq);
}

TEST(a_taken_name_does_not_become_the_administrator)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    person_new(&nobody, "first");
    const struct auth_settings s = {
        .admin_username = "First",
        .admin_email = "boss@example.org",
        .admin_password = "correct horse",
    };
    struct req *rq = scene_req();
    rq->app = nobody.app;
    db_begin(rq);
    CHECK_INT(db_exec(rq, &test_dismiss, NO_PARAMS, NULL), OK);
    CHECK_INT(admin_ensure(rq, &s), OK);
    CHECK_INT(admins(rq), 0);
    db_rollback(rq);
}

TEST(without_settings_nobody_is_made)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    const struct auth_settings s = {.admin_username = "first"};
    struct req *rq = scene_req();
    db_begin(rq);
    CHECK_INT(admin_ensure(rq, &s), OK);
    db_rollback(rq);
}
