/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

TEST(joining_tells_the_server_and_the_member)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = person("bob");
    CHECK_INT(kit_call(bob, "messaging.member.join", in_server(p.server), NULL), OK);
    CHECK_INT(kit_get_int("member_count"), 2);
    CHECK_INT(kit_get_int("seq"), 2);
    CHECK_STR(kit_event_get("member.create", "user.username"), "bob");
    CHECK_STR(kit_event_get("member.create", "rev"), "2");
    CHECK_STR(kit_event_get("server.create", "member.user_id"), kit_f("%" PRIu64, bob));
    /* Joining twice changes nothing. */
    CHECK_INT(kit_call(bob, "messaging.member.join", in_server(p.server), NULL), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(kit_get_int("seq"), 2);
}

TEST(a_private_server_is_not_there_for_who_has_no_invite)
{
    if (!world_open())
        return;
    struct place p = place_new();
    CHECK_INT(
        kit_call(p.owner, "messaging.server.update", in_server(p.server), "{\"is_public\":false}"),
        OK);
    CHECK_INT(kit_call(person("eve"), "messaging.member.join", in_server(p.server), NULL),
              ERR_UNKNOWN_SERVER);
}

TEST(who_leaves_is_gone_but_an_owner_stays)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(kit_call(p.owner, "messaging.member.leave", in_server(p.server), NULL),
              ERR_OWNER_CANNOT_LEAVE);
    CHECK_INT(kit_call(bob, "messaging.member.leave", in_server(p.server), NULL), OK);
    CHECK_STR(kit_event_get("member.delete", "kind"), "leave");
    CHECK_STR(kit_event_get("server.leave", "server_id"), kit_f("%" PRIu64, p.server));
    CHECK_INT(kit_call(bob, "messaging.server.get", in_server(p.server), NULL), ERR_UNKNOWN_SERVER);
    CHECK_STR(kit_sql("SELECT member_count FROM servers WHERE id = %" PRIu64, p.server), "1");
}

TEST(members_are_listed_in_pages)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake cid = member_of(&p);
    CHECK_INT(kit_call(bob, "messaging.member.list",
                       kit_f("{\"server_id\":\"%" PRIu64 "\",\"limit\":\"2\"}", p.server), NULL),
              OK);
    CHECK(kit_get_id("0.user_id") == p.owner);
    CHECK(kit_get_id("1.user_id") == bob);
    CHECK_STR(kit_get("2"), "");
    CHECK_INT(
        kit_call(bob, "messaging.member.list",
                 kit_f("{\"server_id\":\"%" PRIu64 "\",\"after\":\"%" PRIu64 "\"}", p.server, bob),
                 NULL),
        OK);
    CHECK(kit_get_id("0.user_id") == cid);
    CHECK_INT(kit_call(bob, "messaging.member.get", of_member(p.server, cid), NULL), OK);
    CHECK_STR(kit_get("roles"), "[]");
    CHECK_INT(kit_call(bob, "messaging.member.get", of_member(p.server, person("eve")), NULL),
              ERR_UNKNOWN_MEMBER);
}

TEST(a_nickname_is_ones_own_or_a_moderators_to_change)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake cid = member_of(&p);
    const char *row = "messaging.member.update";
    CHECK_INT(kit_call(bob, row, of_member(p.server, bob), "{\"nickname\":\"Bobby\"}"), OK);
    CHECK_STR(kit_event_get("member.update", "nickname"), "Bobby");
    CHECK_INT(kit_call(bob, row, of_member(p.server, cid), "{\"nickname\":\"Sid\"}"),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(p.owner, row, of_member(p.server, bob), "{\"nickname\":null}"), OK);
    CHECK_STR(kit_get("nickname"), "null");
}

TEST(adding_somebody_takes_the_right_to_manage_the_server)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake cid = person("cid");
    CHECK_INT(kit_call(bob, "messaging.member.add", of_member(p.server, cid), NULL),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(p.owner, "messaging.member.add", of_member(p.server, cid), NULL), OK);
    CHECK(kit_get_id("user_id") == cid);
    CHECK_INT(
        kit_call(p.owner, "messaging.member.add", of_member(p.server, snowflake_next()), NULL),
        ERR_UNKNOWN_USER);
}

static void enter(int number, void *arg)
{
    (void)number;
    const struct place *p = arg;
    join(p, person("crowd"));
}

TEST(the_member_count_and_the_numbers_stay_exact_when_many_join_at_once)
{
    if (!world_open())
        return;
    struct place p = place_new();
    at_once(16, enter, &p);
    CHECK_STR(kit_sql("SELECT member_count FROM servers WHERE id = %" PRIu64, p.server), "17");
    CHECK_STR(kit_sql("SELECT seq FROM servers WHERE id = %" PRIu64, p.server), "17");
    CHECK_STR(
        kit_sql("SELECT count(DISTINCT rev) FROM members WHERE server_id = %" PRIu64, p.server),
        "17");
}
