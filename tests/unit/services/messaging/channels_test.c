/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

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

static void create(int number, void *arg)
{
    const struct place *p = arg;
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
