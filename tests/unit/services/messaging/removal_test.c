/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include "shared/base/clock.h"

#include <inttypes.h>

static void give(const struct place *p, snowflake user, snowflake role)
{
    CHECK_INT(kit_call(p->owner, "messaging.role.grant",
                       kit_f("{\"server_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64
                             "\",\"role_id\":\"%" PRIu64 "\"}",
                             p->server, user, role),
                       NULL),
              OK);
}

static snowflake moderator_of(const struct place *p)
{
    snowflake user = member_of(p);
    give(p, user, p->moderator_role);
    return user;
}

TEST(a_kicked_member_is_out_at_once_and_may_come_back)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake mod = moderator_of(&p);
    snowflake bob = member_of(&p);
    CHECK(say(bob, p.channel, "hi") != 0);
    CHECK_INT(kit_call(bob, "messaging.member.expel", of_member(p.server, mod), NULL),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(
        kit_call(mod, "messaging.member.expel", of_member(p.server, bob), "{\"reason\":\"noise\"}"),
        OK);
    CHECK_STR(kit_event_get("member.delete", "kind"), "kick");
    CHECK_STR(kit_event_get("member.delete", "reason"), "");
    CHECK_STR(kit_event_get("server.leave", "reason"), "noise");
    CHECK_STR(kit_event_get("member.delete", "actor_id"), kit_f("%" PRIu64, mod));
    CHECK_STR(kit_event_get("server.leave", "kind"), "kick");
    CHECK(say(bob, p.channel, "hi?") == 0);
    CHECK_INT(kit_status(), 404);
    join(&p, bob);
}

TEST(nobody_removes_who_stands_level_or_above)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake mod = moderator_of(&p);
    snowflake other = moderator_of(&p);
    CHECK_INT(kit_call(mod, "messaging.member.expel", of_member(p.server, other), NULL),
              ERR_HIERARCHY);
    CHECK_INT(kit_call(mod, "messaging.ban.add", of_member(p.server, p.owner), NULL),
              ERR_HIERARCHY);
    CHECK_INT(
        kit_call(mod, "messaging.member.timeout", of_member(p.server, other), "{\"seconds\":9}"),
        ERR_HIERARCHY);
    give(&p, other, p.admin_role);
    CHECK_INT(kit_call(other, "messaging.member.expel", of_member(p.server, mod), NULL), OK);
}

TEST(a_ban_keeps_out_until_it_is_lifted)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake mod = moderator_of(&p);
    snowflake bob = member_of(&p);
    CHECK(say(bob, p.channel, "spam") != 0);
    CHECK(say(mod, p.channel, "fine") != 0);
    CHECK_INT(kit_call(mod, "messaging.ban.add", of_member(p.server, bob),
                       "{\"reason\":\"spam\",\"delete_messages_seconds\":3600}"),
              OK);
    CHECK_STR(kit_event_get("ban.create", "reason"), "spam");
    CHECK_STR(kit_event_get("message.delete", "author_id"), kit_f("%" PRIu64, bob));
    CHECK_STR(kit_event_get("member.delete", "kind"), "ban");
    CHECK_STR(kit_sql("SELECT count(*) FROM messages WHERE channel_id = %" PRIu64
                      " AND deleted_at IS NULL",
                      p.channel),
              "1");
    CHECK_INT(kit_call(bob, "messaging.member.join", in_server(p.server), NULL), ERR_BANNED);
    CHECK_INT(kit_call(mod, "messaging.ban.list", in_server(p.server), NULL), OK);
    CHECK_STR(kit_get("0.user.username"), "member");
    CHECK_INT(kit_call(mod, "messaging.ban.remove", of_member(p.server, bob), NULL), OK);
    CHECK(kit_event("ban.delete") != NULL);
    CHECK_INT(kit_call(mod, "messaging.ban.remove", of_member(p.server, bob), NULL),
              ERR_UNKNOWN_BAN);
    join(&p, bob);
}

TEST(who_is_no_member_can_be_banned)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake eve = person("eve");
    CHECK_INT(kit_call(p.owner, "messaging.ban.add", of_member(p.server, eve), NULL), OK);
    CHECK(kit_event("member.delete") == NULL);
    CHECK_INT(kit_call(eve, "messaging.member.join", in_server(p.server), NULL), ERR_BANNED);
}

TEST(banning_an_id_of_another_application_tells_nothing_of_who_it_is)
{
    if (!world_open())
        return;
    struct place p = place_new();
    kit_caller()->app = 77;
    snowflake stranger = person("stranger");
    kit_caller()->app = 1;
    CHECK_INT(kit_call(p.owner, "messaging.ban.add", of_member(p.server, stranger), NULL), OK);
    CHECK_INT(kit_call(p.owner, "messaging.ban.list", in_server(p.server), NULL), OK);
    CHECK(kit_get_id("0.user_id") == stranger);
    CHECK_STR(kit_get("0.user"), "");
}

TEST(a_member_timed_out_reads_and_does_nothing_else)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake mod = moderator_of(&p);
    snowflake bob = member_of(&p);
    const char *row = "messaging.member.timeout";
    CHECK_INT(kit_call(mod, row, of_member(p.server, bob), "{\"seconds\":60}"), OK);
    CHECK(kit_event_get("member.update", "timed_out_until")[0] == '2');
    CHECK_INT(
        kit_call(bob, "messaging.message.create", in_channel(p.channel), "{\"content\":\"mmh\"}"),
        ERR_TIMED_OUT);
    CHECK_INT(kit_call(bob, "messaging.message.list", in_channel(p.channel), NULL), OK);
    CHECK_INT(kit_call(mod, row, of_member(p.server, bob), "{\"seconds\":0}"), OK);
    CHECK(say(bob, p.channel, "thanks") != 0);
    CHECK_INT(kit_call(mod, row, of_member(p.server, bob), "{\"seconds\":2419201}"),
              ERR_INVALID_FORM);
    CHECK_INT(kit_call(mod, row, of_member(p.server, person("eve")), "{\"seconds\":9}"),
              ERR_UNKNOWN_MEMBER);
}

TEST(a_timeout_ends_by_itself)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(
        kit_call(p.owner, "messaging.member.timeout", of_member(p.server, bob), "{\"seconds\":1}"),
        OK);
    CHECK(say(bob, p.channel, "now?") == 0);
    int64_t deadline_us = mono_us() + 5000000;
    while (say(bob, p.channel, "now?") == 0 && mono_us() < deadline_us)
        usleep(20000);
    CHECK(mono_us() < deadline_us);
}

TEST(a_moderator_redacts_a_message)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake mod = moderator_of(&p);
    snowflake bob = member_of(&p);
    snowflake id = say(bob, p.channel, "bad");
    CHECK_INT(kit_call(bob, "messaging.message.redact", of_message(p.channel, id), NULL),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(mod, "messaging.message.redact", of_message(p.channel, id), NULL), OK);
    CHECK_STR(kit_event_get("message.delete", "actor_id"), kit_f("%" PRIu64, mod));
    CHECK_INT(kit_call(mod, "messaging.message.redact", of_message(p.channel, id), NULL),
              ERR_UNKNOWN_MESSAGE);
}
