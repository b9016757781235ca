/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

/* The note of the last call: a member of it, "" when there is none. */
static const char *note(const char *path)
{
    return kit_event_get("audit.create", path);
}

static const char *role_of(snowflake server, const char *role_id)
{
    return kit_f("{\"server_id\":\"%" PRIu64 "\",\"role_id\":\"%s\"}", server, role_id);
}

TEST(an_act_is_noted_with_who_where_and_why)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(kit_call(p.owner, "messaging.member.expel", of_member(p.server, bob),
                       "{\"reason\":\"noise\"}"),
              OK);
    CHECK_STR(note("action"), "member.kick");
    CHECK_STR(note("server_id"), kit_f("%" PRIu64, p.server));
    CHECK_STR(note("channel_id"), "null");
    CHECK_STR(note("actor_id"), kit_f("%" PRIu64, p.owner));
    CHECK_STR(note("target_id"), kit_f("%" PRIu64, bob));
    CHECK_STR(note("reason"), "noise");
    CHECK_STR(note("changes"), "[]");
}

TEST(a_ban_is_one_act_whatever_it_takes_along)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK(say(bob, p.channel, "spam") != 0);
    CHECK_INT(kit_call(p.owner, "messaging.ban.add", of_member(p.server, bob),
                       "{\"delete_messages_seconds\":3600}"),
              OK);
    CHECK_STR(note("action"), "ban.create");
    /* server.leave, member.delete, message.delete, ban.create and one note */
    CHECK_INT(kit_event_count(), 5);
    CHECK_INT(kit_call(p.owner, "messaging.ban.remove", of_member(p.server, bob), NULL), OK);
    CHECK_STR(note("action"), "ban.delete");
}

TEST(a_time_out_is_noted_with_its_end)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(
        kit_call(p.owner, "messaging.member.timeout", of_member(p.server, bob), "{\"seconds\":60}"),
        OK);
    CHECK_STR(note("action"), "timeout.create");
    CHECK_STR(note("changes.0.key"), "timed_out_until");
    CHECK_STR(note("changes.0.old"), "null");
    CHECK_STR(note("changes.0.new"), kit_get("timed_out_until"));
    CHECK_STR(note("changes.1"), "");
    CHECK_INT(
        kit_call(p.owner, "messaging.member.timeout", of_member(p.server, bob), "{\"seconds\":0}"),
        OK);
    CHECK_STR(note("action"), "timeout.delete");
    CHECK_STR(note("changes.0.new"), "null");
}

TEST(a_moderators_deletion_is_noted_and_an_authors_is_not)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake first = say(bob, p.channel, "one");
    snowflake second = say(bob, p.channel, "two");
    snowflake third = say(bob, p.channel, "three");
    CHECK_INT(kit_call(bob, "messaging.message.delete", of_message(p.channel, first), NULL), OK);
    CHECK(kit_event("audit.create") == NULL);
    CHECK_INT(kit_call(p.owner, "messaging.message.delete", of_message(p.channel, second), NULL),
              OK);
    CHECK_STR(note("action"), "message.delete");
    CHECK_STR(note("channel_id"), kit_f("%" PRIu64, p.channel));
    CHECK_STR(note("target_id"), kit_f("%" PRIu64, second));
    CHECK_STR(note("changes.0.key"), "author_id");
    CHECK_STR(note("changes.0.old"), kit_f("%" PRIu64, bob));
    CHECK_INT(kit_call(p.owner, "messaging.message.redact", of_message(p.channel, third),
                       "{\"reason\":\"rude\"}"),
              OK);
    CHECK_STR(note("action"), "message.delete");
    CHECK_STR(note("reason"), "rude");
}

TEST(what_differs_is_noted_and_what_does_not_is_no_act)
{
    if (!world_open())
        return;
    struct place p = place_new();
    CHECK_INT(kit_call(p.owner, "messaging.server.update", in_server(p.server),
                       "{\"name\":\"Renamed\",\"is_public\":true}"),
              OK);
    CHECK_STR(note("action"), "server.update");
    CHECK_STR(note("changes.0.key"), "name");
    CHECK_STR(note("changes.0.new"), "Renamed");
    CHECK_INT(
        kit_call(p.owner, "messaging.server.update", in_server(p.server), "{\"name\":\"Renamed\"}"),
        OK);
    CHECK(kit_event("audit.create") == NULL);
}

TEST(a_role_is_noted_from_its_making_to_its_end)
{
    if (!world_open())
        return;
    struct place p = place_new();
    CHECK_INT(kit_call(p.owner, "messaging.role.create", in_server(p.server),
                       "{\"name\":\"blue\",\"permissions\":\"1024\"}"),
              OK);
    const char *id = kit_f("%s", kit_get("id"));
    CHECK_STR(note("action"), "role.create");
    CHECK_STR(note("target_id"), id);
    CHECK_STR(note("changes.0.new"), "blue");
    CHECK_INT(kit_call(p.owner, "messaging.role.update", role_of(p.server, id),
                       "{\"permissions\":\"2048\"}"),
              OK);
    CHECK_STR(note("changes.0.key"), "permissions");
    CHECK_STR(note("changes.0.old"), "1024");
    CHECK_STR(note("changes.0.new"), "2048");
    CHECK_INT(kit_call(p.owner, "messaging.role.delete", role_of(p.server, id), NULL), OK);
    CHECK_STR(note("action"), "role.delete");
    CHECK_STR(note("changes.0.old"), "blue");
    CHECK_STR(note("changes.0.new"), "null");
}

TEST(roles_given_are_noted_and_ones_own_nickname_is_not)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    const char *role = kit_f("{\"server_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64
                             "\",\"role_id\":\"%" PRIu64 "\"}",
                             p.server, bob, p.moderator_role);
    CHECK_INT(kit_call(p.owner, "messaging.role.grant", role, NULL), OK);
    CHECK_STR(note("action"), "member.update");
    CHECK_STR(note("changes.0.key"), "roles");
    CHECK_STR(note("changes.0.new.0"), kit_f("%" PRIu64, p.moderator_role));
    CHECK_INT(kit_call(bob, "messaging.member.update", of_member(p.server, bob),
                       "{\"nickname\":\"Bobby\"}"),
              OK);
    CHECK(kit_event("audit.create") == NULL);
}

TEST(exceptions_of_a_channel_are_noted_by_themselves)
{
    if (!world_open())
        return;
    struct place p = place_new();
    const char *everyone = kit_f("{\"channel_id\":\"%" PRIu64 "\",\"target_id\":\"%" PRIu64 "\"}",
                                 p.channel, p.server);
    CHECK_INT(kit_call(p.owner, "messaging.overwrite.set", everyone,
                       "{\"type\":\"role\",\"allow\":\"0\",\"deny\":\"2048\"}"),
              OK);
    CHECK_STR(note("action"), "overwrite.set");
    CHECK_STR(note("channel_id"), kit_f("%" PRIu64, p.channel));
    CHECK_STR(note("target_id"), kit_f("%" PRIu64, p.server));
    CHECK_INT(kit_call(p.owner, "messaging.overwrite.delete", everyone, NULL), OK);
    CHECK_STR(note("action"), "overwrite.delete");
    CHECK_INT(kit_call(p.owner, "messaging.channel.update", in_channel(p.channel),
                       "{\"topic\":\"Rules\"}"),
              OK);
    CHECK_STR(note("action"), "channel.update");
    CHECK_STR(note("changes.0.key"), "topic");
    CHECK_STR(note("changes.0.new"), "Rules");
}

TEST(invites_are_noted_by_their_code)
{
    if (!world_open())
        return;
    struct place p = place_new();
    CHECK_INT(kit_call(p.owner, "messaging.invite.create", in_server(p.server), "{}"), OK);
    const char *code = kit_f("%s", kit_get("code"));
    CHECK_STR(note("action"), "invite.create");
    CHECK_STR(note("target_id"), "null");
    CHECK_STR(note("changes.0.key"), "code");
    CHECK_STR(note("changes.0.new"), code);
    CHECK_INT(kit_call(p.owner, "messaging.invite.delete", kit_f("{\"code\":\"%s\"}", code), NULL),
              OK);
    CHECK_STR(note("action"), "invite.delete");
    CHECK_STR(note("changes.0.old"), code);
}
