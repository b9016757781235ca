/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

static const char *of_role(snowflake server, snowflake role)
{
    return kit_f("{\"server_id\":\"%" PRIu64 "\",\"role_id\":\"%" PRIu64 "\"}", server, role);
}

static const char *of_member_role(snowflake server, snowflake user, snowflake role)
{
    return kit_f("{\"server_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\",\"role_id\":\"%" PRIu64
                 "\"}",
                 server, user, role);
}

static snowflake role_with(const struct place *p, uint64_t permissions, int position)
{
    CHECK_INT(kit_call(p->owner, "messaging.role.create", in_server(p->server),
                       kit_f("{\"name\":\"r\",\"permissions\":\"%" PRIu64 "\",\"position\":%d}",
                             permissions, position)),
              OK);
    return kit_get_id("id");
}

static snowflake holder(const struct place *p, snowflake role)
{
    snowflake user = member_of(p);
    CHECK_INT(
        kit_call(p->owner, "messaging.role.grant", of_member_role(p->server, user, role), NULL),
        OK);
    return user;
}

TEST(a_role_is_created_changed_and_deleted_with_its_traces)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake role = role_with(&p, PERM_KICK_MEMBERS, 5);
    CHECK_STR(kit_event_get("role.create", "rev"), "2");
    snowflake bob = holder(&p, role);
    CHECK_STR(kit_event_get("member.update", "roles.0"), kit_f("%" PRIu64, role));
    CHECK_INT(kit_call(p.owner, "messaging.role.update", of_role(p.server, role),
                       "{\"name\":\"Crew\",\"color\":255}"),
              OK);
    CHECK_STR(kit_get("name"), "Crew");
    CHECK_STR(kit_get("permissions"), kit_f("%" PRIu64, (uint64_t)PERM_KICK_MEMBERS));
    CHECK_INT(kit_call(p.owner, "messaging.overwrite.set",
                       kit_f("{\"channel_id\":\"%" PRIu64 "\",\"target_id\":\"%" PRIu64 "\"}",
                             p.channel, role),
                       "{\"type\":\"role\",\"deny\":\"2048\"}"),
              OK);
    CHECK_INT(kit_call(p.owner, "messaging.role.delete", of_role(p.server, role), NULL), OK);
    CHECK_INT(kit_call(bob, "messaging.member.get", of_member(p.server, bob), NULL), OK);
    CHECK_STR(kit_get("roles"), "[]");
    CHECK_INT(kit_call(bob, "messaging.channel.get", in_channel(p.channel), NULL), OK);
    CHECK_STR(kit_get("overwrites"), "[]");
}

TEST(nobody_touches_a_role_at_or_above_their_own)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake low = role_with(&p, PERM_MANAGE_ROLES, 5);
    snowflake same = role_with(&p, PERM_NONE, 5);
    snowflake below = role_with(&p, PERM_NONE, 4);
    snowflake bob = holder(&p, low);
    const char *row = "messaging.role.update";
    CHECK_INT(kit_call(bob, row, of_role(p.server, same), "{\"name\":\"x\"}"), ERR_HIERARCHY);
    CHECK_INT(kit_call(bob, row, of_role(p.server, below), "{\"name\":\"x\"}"), OK);
    CHECK_INT(kit_call(bob, row, of_role(p.server, below), "{\"position\":5}"), ERR_HIERARCHY);
    CHECK_INT(kit_call(bob, "messaging.role.delete", of_role(p.server, same), NULL), ERR_HIERARCHY);
    CHECK_INT(kit_call(bob, "messaging.role.grant", of_member_role(p.server, bob, same), NULL),
              ERR_HIERARCHY);
    CHECK_INT(kit_call(bob, "messaging.role.create", in_server(p.server),
                       "{\"name\":\"x\",\"position\":6}"),
              ERR_HIERARCHY);
    CHECK_INT(kit_call(bob, "messaging.role.grant", of_member_role(p.server, bob, below), NULL),
              OK);
}

TEST(nobody_gives_a_permission_they_lack)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = holder(&p, role_with(&p, PERM_MANAGE_ROLES, 5));
    snowflake below = role_with(&p, PERM_BAN_MEMBERS, 2);
    CHECK_INT(kit_call(bob, "messaging.role.create", in_server(p.server),
                       "{\"name\":\"x\",\"permissions\":\"8\"}"),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(
        kit_call(bob, "messaging.role.update", of_role(p.server, below), "{\"permissions\":\"0\"}"),
        ERR_MISSING_PERMISSIONS);
}

TEST(the_everyone_role_changes_only_in_its_permissions)
{
    if (!world_open())
        return;
    struct place p = place_new();
    const char *everyone = of_role(p.server, p.server);
    CHECK_INT(kit_call(p.owner, "messaging.role.update", everyone, "{\"name\":\"x\"}"),
              ERR_INVALID_ROLE);
    CHECK_INT(kit_call(p.owner, "messaging.role.delete", everyone, NULL), ERR_INVALID_ROLE);
    CHECK_INT(kit_call(p.owner, "messaging.role.update", everyone, "{\"permissions\":\"1024\"}"),
              OK);
    snowflake bob = member_of(&p);
    CHECK(say(bob, p.channel, "may I?") == 0);
    CHECK_INT(kit_status(), 403);
}

TEST(a_revoked_permission_stops_working_at_once)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    for (int i = 0; i < 3; i++) {
        CHECK(say(bob, p.channel, "yes") != 0);
        CHECK_INT(kit_call(p.owner, "messaging.role.update", of_role(p.server, p.server),
                           "{\"permissions\":\"1024\"}"),
                  OK);
        CHECK(say(bob, p.channel, "no") == 0);
        CHECK_INT(kit_call(p.owner, "messaging.role.update", of_role(p.server, p.server),
                           "{\"permissions\":\"68608\"}"),
                  OK);
    }
    CHECK(say(bob, p.channel, "yes") != 0);
}

TEST(a_change_by_another_copy_is_noticed_within_a_second)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK(say(bob, p.channel, "yes") != 0);
    kit_sql("UPDATE roles SET permissions = 1024 WHERE id = %" PRIu64, p.server);
    kit_sql("UPDATE servers SET seq = seq + 1 WHERE id = %" PRIu64, p.server);
    rights_forget(world_state()->rights, p.server); /* what its event does */
    CHECK(say(bob, p.channel, "no") == 0);
}

TEST(roles_of_a_member_are_set_all_at_once)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(kit_call(p.owner, "messaging.member.update", of_member(p.server, bob),
                       kit_f("{\"roles\":[\"%" PRIu64 "\",\"%" PRIu64 "\"]}", p.admin_role,
                             p.moderator_role)),
              OK);
    CHECK(kit_get_id("roles.1") != 0);
    /* An admin may take the lower role, not their own. */
    CHECK_INT(kit_call(bob, "messaging.member.update", of_member(p.server, bob),
                       kit_f("{\"roles\":[\"%" PRIu64 "\"]}", p.admin_role)),
              OK);
    CHECK_INT(kit_call(bob, "messaging.member.update", of_member(p.server, bob), "{\"roles\":[]}"),
              ERR_HIERARCHY);
    CHECK_INT(kit_call(p.owner, "messaging.member.update", of_member(p.server, bob),
                       kit_f("{\"roles\":[\"%" PRIu64 "\"]}", snowflake_next())),
              ERR_HIERARCHY);
}
