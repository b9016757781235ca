/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/moderation/scene.h"

#include <string.h>

static const char BOB[] = "{\"server_id\":\"7\",\"user_id\":\"8\"}";
static const char EXPEL[] = "messaging.member.expel";
static const char SILENCE[] = "messaging.member.timeout";

TEST(a_kick_is_asked_of_messaging_in_the_moderators_name)
{
    if (!scene_open())
        return;
    stand_in_answers(EXPEL, "{\"server_id\":\"7\",\"user_id\":\"8\",\"kind\":\"kick\"}");
    CHECK_INT(kit_call(5, "moderation.member.kick", BOB, "{\"reason\":\" spam \"}"), OK);
    CHECK_INT(kit_status(), 204);
    CHECK_STR(stand_in_head(EXPEL, "Parley-Actor"), "5");
    CHECK_STR(stand_in_body(EXPEL), "{\"server_id\":\"7\",\"user_id\":\"8\",\"reason\":\"spam\"}");
}

TEST(a_delete_may_bring_its_reason_in_the_query)
{
    if (!scene_open())
        return;
    stand_in_answers(EXPEL, "{}");
    CHECK_INT(kit_call(5, "moderation.member.kick",
                       "{\"server_id\":\"7\",\"user_id\":\"8\",\"reason\":\"spam\"}", NULL),
              OK);
    CHECK_STR(stand_in_body(EXPEL), "{\"server_id\":\"7\",\"user_id\":\"8\",\"reason\":\"spam\"}");
}

TEST(what_messaging_refuses_is_refused)
{
    if (!scene_open())
        return;
    stand_in_refuses(EXPEL, ERR_HIERARCHY);
    CHECK_INT(kit_call(5, "moderation.member.kick", BOB, NULL), ERR_HIERARCHY);
    stand_in_refuses(SILENCE, ERR_UNKNOWN_MEMBER);
    CHECK_INT(kit_call(5, "moderation.timeout.create", BOB, "{\"seconds\":60}"),
              ERR_UNKNOWN_MEMBER);
    CHECK_INT(kit_call(5, "moderation.timeout.delete", BOB, NULL), ERR_UNKNOWN_MEMBER);
}

TEST(who_lacks_the_permission_is_refused_before_messaging_is_asked)
{
    if (!scene_open())
        return;
    int asked = stand_in_asked(EXPEL);
    scene_permits(PERM_BAN_MEMBERS, true);
    CHECK_INT(kit_call(5, "moderation.member.kick", BOB, NULL), ERR_MISSING_PERMISSIONS);
    CHECK_INT(stand_in_asked(EXPEL), asked);
}

TEST(a_time_out_has_an_end)
{
    if (!scene_open())
        return;
    stand_in_answers(SILENCE, "{\"server_id\":\"7\",\"user_id\":\"8\",\"rev\":3,\"nickname\":null,"
                              "\"timed_out_until\":\"2030-01-02T03:04:05.000Z\"}");
    CHECK_INT(kit_call(5, "moderation.timeout.create", BOB, "{\"seconds\":60}"), OK);
    CHECK_STR(stand_in_body(SILENCE),
              "{\"server_id\":\"7\",\"user_id\":\"8\",\"seconds\":60,\"reason\":null}");
    CHECK_STR(kit_body(), "{\"server_id\":\"7\",\"user_id\":\"8\","
                          "\"timed_out_until\":\"2030-01-02T03:04:05.000Z\"}");
}

TEST(a_time_out_is_lifted_by_one_of_no_length)
{
    if (!scene_open())
        return;
    stand_in_answers(SILENCE, "{}");
    CHECK_INT(kit_call(5, "moderation.timeout.delete", BOB, NULL), OK);
    CHECK_INT(kit_status(), 204);
    CHECK_STR(stand_in_body(SILENCE),
              "{\"server_id\":\"7\",\"user_id\":\"8\",\"seconds\":0,\"reason\":null}");
}

TEST(a_time_out_is_neither_nothing_nor_for_ever)
{
    if (!scene_open())
        return;
    int asked = stand_in_asked(SILENCE);
    CHECK_INT(kit_call(5, "moderation.timeout.create", BOB, NULL), ERR_INVALID_FORM);
    CHECK_INT(kit_call(5, "moderation.timeout.create", BOB, "{\"seconds\":0}"), ERR_INVALID_FORM);
    CHECK_INT(kit_call(5, "moderation.timeout.create", BOB, "{\"seconds\":2419201}"),
              ERR_INVALID_FORM);
    CHECK_INT(stand_in_asked(SILENCE), asked);
}

TEST(the_same_key_asks_the_same)
{
    if (!scene_open())
        return;
    stand_in_answers(SILENCE, "{}");
    kit_caller()->key = "key-1";
    CHECK_INT(kit_call(5, "moderation.timeout.create", BOB, "{\"seconds\":60}"), OK);
    const char *first = stand_in_head(SILENCE, "Parley-Key");
    CHECK_INT(kit_call(5, "moderation.timeout.create", BOB, "{\"seconds\":60}"), OK);
    CHECK_STR(stand_in_head(SILENCE, "Parley-Key"), first);
    CHECK(first[0] != '\0');
    CHECK_INT(kit_call(5, "moderation.timeout.create", BOB, "{\"seconds\":61}"), OK);
    CHECK(strcmp(stand_in_head(SILENCE, "Parley-Key"), first) != 0);
}
