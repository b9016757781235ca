/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

TEST(mentions_count_only_who_sees_the_channel)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake eve = person("eve");
    CHECK(say(p.owner, p.channel,
              kit_f("<@%" PRIu64 "> <@%" PRIu64 "> <@&%" PRIu64 "> @everyone", bob, eve,
                    p.moderator_role)) != 0);
    CHECK_STR(kit_get("mentions"), kit_f("[\"%" PRIu64 "\"]", bob));
    CHECK_STR(kit_get("mention_roles"), kit_f("[\"%" PRIu64 "\"]", p.moderator_role));
    CHECK_STR(kit_get("mention_everyone"), "true");
    CHECK(say(bob, p.channel, kit_f("<@&%" PRIu64 "> @everyone", p.moderator_role)) != 0);
    CHECK_STR(kit_get("mention_roles"), "[]");
    CHECK_STR(kit_get("mention_everyone"), "false");
}
