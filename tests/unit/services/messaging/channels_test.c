/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>
#include <string.h>

static snowflake channel_of(const struct place *p, const char *body)
{
    enum err e = kit_call(p->owner, "messaging.channel.create", in_server(p->server), body);
    return e == OK ? kit_get_id("id") : 0;
}

static const char *target(snowflake channel, snowflake id)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\",\"target_id\":\"%" PRIu64 "\"}", channel, id);
}

static const char *viewer(snowflake channel, snowflake id)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\"}", channel, id);
}

/* A channel only those see who are let in. */
static snowflake private_channel(const struct place *p)
{
    return channel_of(p, kit_f("{\"name\":\"staff\",\"overwrites\":[{\"id\":\"%" PRIu64
                               "\",\"type\":\"role\",\"deny\":\"1024\"}]}",
                               p->server));
}

TEST(a_channel_is_created_with_what_was_asked)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake category = channel_of(&p, "{\"name\":\"Docs\",\"type\":\"category\"}");
    snowflake c = channel_of(&p, kit_f("{\"name\":\"news\",\"type\":\"announcement\",\"topic\":"
                                       "\"all new\",\"parent_id\":\"%" PRIu64 "\"}",
                                       category));
    CHECK(c != 0);
    CHECK_STR(kit_event("channel.create"), kit_body());
    CHECK_STR(kit_get("type"), "announcement");
    CHECK_STR(kit_get("position"), "5");
    CHECK_STR(kit_get("rev"), "3");
    CHECK_STR(kit_get("seq"), "0");
    CHECK_STR(kit_get("last_message_id"), "null");
    CHECK_INT(channel_of(&p, kit_f("{\"name\":\"x\",\"parent_id\":\"%" PRIu64 "\"}", c)), 0);
    CHECK_STR(kit_field(), "parent_id: must be a category of the same server");
    CHECK_INT(
        channel_of(&p, kit_f("{\"name\":\"x\",\"type\":\"category\",\"parent_id\":\"%" PRIu64 "\"}",
                             category)),
        0);
    struct place other = place_new();
    CHECK_INT(channel_of(&other, kit_f("{\"name\":\"x\",\"parent_id\":\"%" PRIu64 "\"}", category)),
              0);
}

TEST(a_channel_changes_by_what_is_given)
{
    if (!world_open())
        return;
    struct place p = place_new();
    const char *row = "messaging.channel.update";
    CHECK_INT(kit_call(p.owner, row, in_channel(p.channel), "{\"topic\":\"t\",\"slow_mode\":5}"),
              OK);
    CHECK_INT(
        kit_call(p.owner, row, in_channel(p.channel), "{\"name\":\"lobby\",\"parent_id\":null}"),
        OK);
    CHECK_STR(kit_get("topic"), "t");
    CHECK_STR(kit_get("slow_mode"), "5");
    CHECK_STR(kit_get("parent_id"), "null");
    CHECK_STR(kit_event_get("channel.update", "name"), "lobby");
    CHECK_INT(kit_call(member_of(&p), row, in_channel(p.channel), "{\"name\":\"x\"}"),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(p.owner, row, in_channel(p.channel), "{\"slow_mode\":21601}"),
              ERR_INVALID_FORM);
}

TEST(a_deleted_category_leaves_its_channels)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake category = 0;
    CHECK(snowflake_parse(kit_sql("SELECT parent_id FROM channels WHERE id = %" PRIu64, p.channel),
                          &category));
    CHECK_INT(kit_call(p.owner, "messaging.channel.delete", in_channel(category), NULL), OK);
    CHECK_STR(kit_event_get("channel.update", "parent_id"), "null");
    CHECK_STR(kit_event_get("channel.delete", "id"), kit_f("%" PRIu64, category));
    CHECK_INT(kit_call(p.owner, "messaging.channel.get", in_channel(category), NULL),
              ERR_UNKNOWN_CHANNEL);
    CHECK_INT(kit_call(p.owner, "messaging.channel.get", in_channel(p.channel), NULL), OK);
}

static bool messages_left(snowflake channel)
{
    return kit_sql("SELECT count(*) FROM messages WHERE channel_id = %" PRIu64, channel)[0] != '0';
}

TEST(a_deleted_channel_takes_no_message_and_is_purged)
{
    if (!world_open())
        return;
    struct place p = place_new();
    CHECK(say(p.owner, p.channel, "last words") != 0);
    CHECK_INT(kit_call(p.owner, "messaging.channel.delete", in_channel(p.channel), NULL), OK);
    CHECK(say(p.owner, p.channel, "more") == 0);
    CHECK_INT(kit_status(), 404);
    for (int i = 0; i < 100 && messages_left(p.channel); i++)
        CHECK_INT(kit_run(&messaging_service.jobs[0]), OK);
    CHECK(!messages_left(p.channel));
}

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

static void create(int number, void *arg)
{
    const struct place *p = arg;
    world_open();
    (void)number;
    enum err e = kit_call(p->owner, "messaging.channel.create", in_server(p->server),
                          "{\"name\":\"one more\"}");
    CHECK(e == OK || e == ERR_MAX_CHANNELS);
}

TEST(a_server_never_has_more_channels_than_allowed)
{
    if (!world_open())
        return;
    struct place p = place_new();
    kit_sql("INSERT INTO channels (id, server_id, type, name, rev)"
            " SELECT %" PRIu64 " + n, %" PRIu64
            ", 'text', 'c', 0 FROM generate_series(1, 490) AS n",
            snowflake_next(), p.server);
    at_once(12, create, &p);
    CHECK_STR(kit_sql("SELECT count(*) FROM channels WHERE server_id = %" PRIu64, p.server), "500");
}
