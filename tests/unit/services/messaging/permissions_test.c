/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

TEST(permissions_are_told_to_other_services)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    const char *row = "messaging.permission.get";
    CHECK_INT(kit_call(0, row,
                       kit_f("{\"user_id\":\"%" PRIu64 "\",\"channel_id\":\"%" PRIu64 "\"}", bob,
                             p.channel),
                       NULL),
              OK);
    CHECK_STR(kit_get("is_member"), "true");
    CHECK_STR(kit_get("channel_type"), "text");
    CHECK(kit_get_id("server_id") == p.server);
    CHECK_INT(kit_call(0, row, of_member(p.server, person("eve")), NULL), ERR_UNKNOWN_SERVER);
}
