/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>
#include <string.h>

static const char *target(snowflake channel, snowflake id)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\",\"target_id\":\"%" PRIu64 "\"}", channel, id);
}

static const char *viewer(snowflake channel, snowflake id)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\"}", channel, id);
}

TEST(a_private_channel_is_not_there_for_others)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake staff = private_channel(&p);
    CHECK_INT(kit_call(bob, "messaging.channel.get", in_channel(staff), NULL), ERR_UNKNOWN_CHANNEL);
    CHECK_INT(kit_call(bob, "messaging.channel.list", in_server(p.server), NULL), OK);
    CHECK(strstr(kit_body(), "staff") == NULL);
    CHECK_INT(kit_call(p.owner, "messaging.channel.list", in_server(p.server), NULL), OK);
    CHECK(strstr(kit_body(), "staff") != NULL);
    /* Who is mentioned there but cannot see it is not mentioned. */
    CHECK(say(p.owner, staff, kit_f("<@%" PRIu64 ">", bob)) != 0);
    CHECK_STR(kit_get("mentions"), "[]");
}

TEST(a_channel_of_a_private_category_is_private)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake category = channel_of(
        &p, kit_f("{\"name\":\"Staff\",\"type\":\"category\",\"overwrites\":[{\"id\":\"%" PRIu64
                  "\",\"type\":\"role\",\"deny\":\"1024\"}]}",
                  p.server));
    snowflake c = channel_of(&p, kit_f("{\"name\":\"s\",\"parent_id\":\"%" PRIu64 "\"}", category));
    CHECK_INT(kit_call(bob, "messaging.channel.get", in_channel(c), NULL), ERR_UNKNOWN_CHANNEL);
}

TEST(members_are_let_into_a_private_channel_and_out_again)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake staff = private_channel(&p);
    CHECK_INT(kit_call(bob, "messaging.viewer.add", viewer(staff, bob), NULL), ERR_UNKNOWN_CHANNEL);
    CHECK_INT(kit_call(p.owner, "messaging.viewer.add", viewer(staff, bob), NULL), OK);
    CHECK(kit_event("channel.update") != NULL);
    CHECK(say(bob, staff, "hello") != 0);
    CHECK_INT(kit_call(bob, "messaging.viewer.list", in_channel(staff), NULL), OK);
    CHECK(kit_get_id("0.user_id") == p.owner);
    CHECK(kit_get_id("1.user_id") == bob);
    CHECK_INT(kit_call(p.owner, "messaging.viewer.remove", viewer(staff, bob), NULL), OK);
    CHECK(say(bob, staff, "hello?") == 0);
    CHECK_STR(kit_sql("SELECT count(*) FROM overwrites WHERE channel_id = %" PRIu64, staff), "1");
    CHECK_INT(kit_call(p.owner, "messaging.viewer.list", in_channel(staff), NULL), OK);
    CHECK_STR(kit_get("1"), "");
}

TEST(a_member_can_be_kept_out_of_an_open_channel)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake cid = member_of(&p);
    CHECK_INT(kit_call(p.owner, "messaging.viewer.remove", viewer(p.channel, bob), NULL), OK);
    CHECK(say(bob, p.channel, "hello?") == 0);
    CHECK_INT(kit_call(cid, "messaging.viewer.list", in_channel(p.channel), NULL), OK);
    CHECK(kit_get_id("1.user_id") == cid);
    CHECK_STR(kit_get("2"), "");
}

TEST(exceptions_give_and_take_only_what_one_has)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    const char *row = "messaging.overwrite.set";
    CHECK_INT(kit_call(p.owner, row, target(p.channel, bob),
                       kit_f("{\"type\":\"member\",\"allow\":\"%" PRIu64 "\"}",
                             (uint64_t)PERM_MANAGE_ROLES)),
              OK);
    CHECK_INT(kit_call(bob, row, target(p.channel, p.moderator_role),
                       kit_f("{\"type\":\"role\",\"allow\":\"%" PRIu64 "\"}",
                             (uint64_t)PERM_MANAGE_MESSAGES)),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(bob, row, target(p.channel, p.moderator_role),
                       "{\"type\":\"role\",\"deny\":\"2048\"}"),
              OK);
    CHECK_STR(kit_event_get("channel.update", "overwrites.1.type"), "member");
    CHECK_INT(kit_call(bob, row, target(p.channel, snowflake_next()), "{\"type\":\"role\"}"),
              ERR_UNKNOWN_ROLE);
    CHECK_INT(kit_call(bob, row, target(p.channel, person("eve")), "{\"type\":\"member\"}"),
              ERR_UNKNOWN_MEMBER);
    CHECK_INT(kit_call(p.owner, "messaging.overwrite.delete", target(p.channel, bob), NULL), OK);
    CHECK_INT(kit_call(p.owner, "messaging.overwrite.delete", target(p.channel, bob), NULL),
              ERR_UNKNOWN_OVERWRITE);
    CHECK_INT(kit_call(bob, row, target(p.channel, p.moderator_role), "{\"type\":\"role\"}"),
              ERR_MISSING_PERMISSIONS);
}
