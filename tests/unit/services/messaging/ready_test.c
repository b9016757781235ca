/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

TEST(ready_is_all_a_session_begins_with)
{
    if (!world_open())
        return;
    struct place p = place_new();
    struct place q = place_new();
    snowflake bob = member_of(&p);
    join(&q, bob);
    say(p.owner, p.channel, "hi");
    CHECK_INT(kit_call(bob, "messaging.session.ready", NULL, NULL), OK);
    CHECK(kit_get_id("servers.0.id") == p.server);
    CHECK(kit_get_id("servers.1.id") == q.server);
    CHECK_STR(kit_get("servers.2"), "");
    CHECK(kit_get_id("servers.0.member.user_id") == bob);
    CHECK_STR(kit_get("servers.0.channels.1.name"), "general");
    CHECK_STR(kit_get("servers.0.channels.1.seq"), "1");
    CHECK_STR(kit_get("servers.0.roles.0.name"), "admin");
    CHECK_STR(kit_get("user_seq"), "2");
    CHECK_INT(kit_call(0, "messaging.user.numbers", NULL,
                       kit_f("{\"user_ids\":[\"%" PRIu64 "\",\"1\"]}", bob)),
              OK);
    CHECK(kit_get_id("0.id") == bob && kit_get_int("0.seq") == 2);
    CHECK_STR(kit_get("1"), "");
    CHECK_INT(kit_call(bob, "messaging.session.ready", NULL, NULL), OK);
    CHECK_STR(kit_get("read_states.0.unread"), "1");
    CHECK_STR(kit_get("read_states.3.channel_id") /* two a server, no categories */,
              kit_get("servers.1.channels.3.id"));
    CHECK_INT(kit_call(bob, "messaging.member.servers", NULL, NULL), OK);
    CHECK(kit_get_id("1.id") == q.server);
    CHECK_INT(kit_call(0, "messaging.server.view", in_server(p.server), NULL), OK);
    CHECK(kit_get_id("owner_id") == p.owner);
    CHECK_INT(kit_get_int("app"), 1);
    CHECK_STR(kit_get("channels.0.overwrites"), "[]");
}
