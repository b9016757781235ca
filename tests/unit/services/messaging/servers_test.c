/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

TEST(a_new_server_has_roles_channels_and_its_owner)
{
    if (!world_open())
        return;
    snowflake owner = person("founder");
    CHECK_INT(kit_call(owner, "messaging.server.create", NULL, "{\"name\":\"  Home \"}"), OK);
    snowflake server = kit_get_id("id");
    CHECK_INT(kit_status(), 201);
    CHECK_STR(kit_get("name"), "Home");
    CHECK_INT(kit_get_int("member_count"), 1);
    CHECK_INT(kit_get_int("seq"), 1);
    CHECK_STR(kit_get("is_public"), "false");
    CHECK(kit_event("member.create") != NULL);
    CHECK_STR(kit_event_get("server.create", "channels.1.name"), "general");
    CHECK_STR(kit_event_get("server.create", "roles.0.name"), "admin");
    CHECK_STR(kit_event_get("server.create", "roles.2.position"), "0");
    CHECK_STR(kit_sql("SELECT count(*) FROM channels WHERE server_id = %" PRIu64, server), "4");
    CHECK_INT(kit_call(owner, "messaging.server.list", NULL, NULL), OK);
    CHECK(kit_get_id("0.id") == server);
}

TEST(a_server_name_must_be_a_name)
{
    if (!world_open())
        return;
    snowflake owner = person("founder");
    CHECK_INT(kit_call(owner, "messaging.server.create", NULL, "{\"name\":\" x \"}"),
              ERR_INVALID_FORM);
    CHECK_INT(kit_call(owner, "messaging.server.create", NULL, "{\"name\":\"a\\u202eb\"}"),
              ERR_INVALID_FORM);
    CHECK_INT(kit_call(owner, "messaging.server.create", NULL, "{}"), ERR_INVALID_FORM);
}

TEST(updating_a_server_tells_null_from_absent)
{
    if (!world_open())
        return;
    struct place p = place_new();
    const char *row = "messaging.server.update";
    CHECK_INT(kit_call(p.owner, row, in_server(p.server), "{\"description\":\"words\"}"), OK);
    CHECK_STR(kit_get("description"), "words");
    CHECK_INT(kit_call(p.owner, row, in_server(p.server), "{\"name\":\"New\"}"), OK);
    CHECK_STR(kit_get("description"), "words");
    CHECK_STR(kit_get("name"), "New");
    CHECK_INT(kit_call(p.owner, row, in_server(p.server), "{\"description\":null}"), OK);
    CHECK_STR(kit_get("description"), "null");
    CHECK_STR(kit_event_get("server.update", "seq"), kit_get("seq"));
}

TEST(only_who_manages_a_server_changes_it)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(kit_call(bob, "messaging.server.update", in_server(p.server), "{\"name\":\"Mine\"}"),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(person("eve"), "messaging.server.update", in_server(p.server),
                       "{\"name\":\"Mine\"}"),
              ERR_UNKNOWN_SERVER);
}

TEST(only_the_owner_hands_a_server_over_and_only_to_a_member)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    const char *row = "messaging.server.update";
    CHECK_INT(kit_call(p.owner, row, in_server(p.server),
                       kit_f("{\"owner_id\":\"%" PRIu64 "\"}", person("eve"))),
              ERR_UNKNOWN_MEMBER);
    CHECK_INT(
        kit_call(p.owner, row, in_server(p.server), kit_f("{\"owner_id\":\"%" PRIu64 "\"}", bob)),
        OK);
    CHECK(kit_get_id("owner_id") == bob);
    CHECK_INT(kit_call(p.owner, "messaging.server.delete", in_server(p.server), NULL),
              ERR_MISSING_PERMISSIONS);
}

static bool is_left(snowflake server)
{
    return kit_sql("SELECT count(*) FROM servers WHERE id = %" PRIu64, server)[0] != '0';
}

TEST(a_deleted_server_is_gone_at_once_and_purged_later)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK(say(bob, p.channel, "hello") != 0);
    CHECK_INT(kit_call(bob, "messaging.server.delete", in_server(p.server), NULL),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(p.owner, "messaging.server.delete", in_server(p.server), NULL), OK);
    CHECK(kit_event("server.delete") != NULL);
    CHECK_INT(kit_call(bob, "messaging.server.get", in_server(p.server), NULL), ERR_UNKNOWN_SERVER);
    CHECK(say(bob, p.channel, "still here?") == 0);
    CHECK_INT(kit_call(bob, "messaging.server.list", NULL, NULL), OK);
    CHECK_STR(kit_body(), "[]");
    for (int i = 0; i < 200 && is_left(p.server); i++)
        CHECK_INT(kit_run(&messaging_service.jobs[0]), OK);
    CHECK(!is_left(p.server));
    CHECK_STR(kit_sql("SELECT count(*) FROM members WHERE server_id = %" PRIu64, p.server), "0");
}

TEST(a_server_of_another_application_does_not_exist)
{
    if (!world_open())
        return;
    struct place p = place_new();
    kit_caller()->app = 77;
    snowflake foreigner = person("foreigner");
    CHECK_INT(kit_call(foreigner, "messaging.member.join", in_server(p.server), NULL),
              ERR_UNKNOWN_SERVER);
    CHECK_INT(kit_call(foreigner, "messaging.server.get", in_server(p.server), NULL),
              ERR_UNKNOWN_SERVER);
    CHECK_INT(kit_call(foreigner, "messaging.channel.get", in_channel(p.channel), NULL),
              ERR_UNKNOWN_CHANNEL);
    /* Not even the database would take them. */
    kit_caller()->app = 1;
    CHECK_INT(kit_call(p.owner, "messaging.member.add", of_member(p.server, foreigner), NULL),
              ERR_UNKNOWN_USER);
}

TEST(an_administrator_of_the_instance_may_everything)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake admin = person("admin");
    kit_caller()->is_admin = true;
    CHECK_INT(
        kit_call(admin, "messaging.server.update", in_server(p.server), "{\"name\":\"Tidied\"}"),
        OK);
    CHECK_INT(kit_call(admin, "messaging.channel.list", in_server(p.server), NULL), OK);
    CHECK(say(admin, p.channel, "a notice") != 0);
}

static void found(int number, void *arg)
{
    (void)number;
    enum err e =
        kit_call(*(snowflake *)arg, "messaging.server.create", NULL, "{\"name\":\"Many\"}");
    CHECK(e == OK || e == ERR_MAX_SERVERS);
}

TEST(nobody_is_in_more_servers_than_allowed_however_many_they_found_at_once)
{
    if (!world_open())
        return;
    snowflake owner = person("greedy");
    for (int i = 0; i < 197; i++)
        CHECK_INT(kit_call(owner, "messaging.server.create", NULL, "{\"name\":\"One\"}"), OK);
    at_once(8, found, &owner);
    CHECK_STR(kit_sql("SELECT count(*) FROM members WHERE user_id = %" PRIu64, owner), "200");
}
