/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

TEST(channels_are_rearranged_all_or_none)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake category = channel_of(&p, "{\"name\":\"C\",\"type\":\"category\"}");
    snowflake a = channel_of(&p, "{\"name\":\"a\"}");
    const char *row = "messaging.channel.arrange";
    const char *both =
        kit_f("{\"channels\":[{\"id\":\"%" PRIu64 "\",\"position\":9},{\"id\":\"%" PRIu64
              "\",\"position\":8,\"parent_id\":\"%" PRIu64 "\"}]}",
              p.channel, a, category);
    CHECK_INT(kit_call(p.owner, row, in_server(p.server), both), OK);
    CHECK(kit_event("channel.update") != NULL);
    CHECK_STR(kit_sql("SELECT position || ' ' || parent_id FROM channels WHERE id = %" PRIu64, a),
              kit_f("8 %" PRIu64, category));
    CHECK_STR(kit_sql("SELECT position FROM channels WHERE id = %" PRIu64, p.channel), "9");
    CHECK_STR(kit_sql("SELECT parent_id IS NOT NULL FROM channels WHERE id = %" PRIu64, p.channel),
              "t");
    struct place other = place_new();
    CHECK_INT(kit_call(p.owner, row, in_server(p.server),
                       kit_f("{\"channels\":[{\"id\":\"%" PRIu64
                             "\",\"position\":1},{\"id\":\"%" PRIu64 "\",\"position\":2}]}",
                             a, other.channel)),
              ERR_UNKNOWN_CHANNEL);
    CHECK_STR(kit_sql("SELECT position FROM channels WHERE id = %" PRIu64, a), "8");
    CHECK_INT(kit_call(p.owner, row, in_server(p.server),
                       kit_f("{\"channels\":[{\"id\":\"%" PRIu64
                             "\",\"position\":1,\"parent_id\":\"%" PRIu64 "\"}]}",
                             a, p.channel)),
              ERR_INVALID_FORM);
}

static const char *moved(snowflake channel)
{
    return kit_f("{\"channels\":[{\"id\":\"%" PRIu64 "\",\"position\":3}]}", channel);
}

TEST(who_does_not_see_a_channel_cannot_move_it)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake secret = private_channel(&p);
    snowflake bob = member_of(&p);
    CHECK_INT(kit_call(p.owner, "messaging.role.update",
                       kit_f("{\"server_id\":\"%" PRIu64 "\",\"role_id\":\"%" PRIu64 "\"}",
                             p.server, p.server),
                       kit_f("{\"permissions\":\"%" PRIu64 "\"}",
                             (uint64_t)(PERM_VIEW_CHANNEL | PERM_MANAGE_CHANNELS))),
              OK);
    const char *row = "messaging.channel.arrange";
    CHECK_INT(kit_call(bob, row, in_server(p.server), moved(p.channel)), OK);
    CHECK_INT(kit_call(bob, row, in_server(p.server), moved(secret)), ERR_UNKNOWN_CHANNEL);
}
