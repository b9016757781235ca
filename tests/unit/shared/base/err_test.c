/* SPDX-License-Identifier: MIT
 *
 * What the error table promises to clients and to the bus. */

#include "shared/base/err.h"
#include "tests/test.h"

#include <string.h>

TEST(no_two_errors_share_a_code)
{
    for (int a = 0; a < ERR_COUNT; a++)
        for (int b = a + 1; b < ERR_COUNT; b++)
            CHECK(err_code((enum err)a) != err_code((enum err)b));
}

TEST(every_error_has_a_client_or_server_status_and_a_text)
{
    for (int i = 1; i < ERR_COUNT; i++) {
        CHECK(err_status((enum err)i) >= 400 && err_status((enum err)i) < 600);
        CHECK(err_text((enum err)i)[0] != '\0');
    }
}

TEST(an_error_is_found_again_by_its_lower_case_name)
{
    CHECK_STR(err_name(ERR_UNKNOWN_CHANNEL), "unknown_channel");
    for (int i = 0; i < ERR_COUNT; i++)
        CHECK_INT(err_from_name(err_name((enum err)i)), i);
}

TEST(a_name_nobody_knows_is_an_internal_error)
{
    CHECK_INT(err_from_name("no_such_thing"), ERR_INTERNAL);
    CHECK_INT(err_status((enum err)9999), 500);
}

TEST(discord_clients_find_the_codes_they_know)
{
    CHECK_INT(err_code(ERR_UNKNOWN_CHANNEL), 10003);
    CHECK_INT(err_code(ERR_UNKNOWN_SERVER), 10004);
    CHECK_INT(err_code(ERR_MISSING_PERMISSIONS), 50013);
    CHECK_INT(err_code(ERR_INVALID_FORM), 50035);
}
