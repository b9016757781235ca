/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/moderation/scene.h"

static const char HERE[] = "{\"server_id\":\"7\"}";
static const char BOB[] = "{\"server_id\":\"7\",\"user_id\":\"8\"}";
static const char BAN[] = "{\"server_id\":\"7\",\"user_id\":\"8\",\"actor_id\":\"5\","
                          "\"reason\":\"spam\",\"created_at\":\"2026-01-02T03:04:05.000Z\"}";
static const char ADD[] = "messaging.ban.add";
static const char REMOVE[] = "messaging.ban.remove";
static const char LIST[] = "messaging.ban.list";

TEST(a_ban_is_asked_of_messaging_and_answered)
{
    if (!scene_open())
        return;
    stand_in_answers(ADD, BAN);
    CHECK_INT(kit_call(5, "moderation.ban.create", HERE,
                       "{\"user_id\":\"8\",\"reason\":\"spam\",\"delete_messages_seconds\":60}"),
              OK);
    CHECK_INT(kit_status(), 201);
    CHECK_STR(kit_body(), BAN);
    CHECK_STR(stand_in_body(ADD), "{\"server_id\":\"7\",\"user_id\":\"8\",\"reason\":\"spam\","
                                  "\"delete_messages_seconds\":60}");
}

TEST(a_ban_needs_somebody_and_deletes_a_week_at_most)
{
    if (!scene_open())
        return;
    int asked = stand_in_asked(ADD);
    CHECK_INT(kit_call(5, "moderation.ban.create", HERE, "{}"), ERR_INVALID_FORM);
    CHECK_INT(kit_call(5, "moderation.ban.create", BOB, "{\"delete_messages_seconds\":604801}"),
              ERR_INVALID_FORM);
    CHECK_INT(stand_in_asked(ADD), asked);
}

TEST(bans_are_listed_with_whom_they_keep_out)
{
    if (!scene_open())
        return;
    stand_in_answers(LIST, "[{\"server_id\":\"7\",\"user_id\":\"8\",\"actor_id\":\"5\","
                           "\"user\":{\"id\":\"8\",\"username\":\"bob\",\"is_bot\":false},"
                           "\"reason\":null,\"created_at\":\"2026-01-02T03:04:05.000Z\"}]");
    CHECK_INT(kit_call(5, "moderation.ban.list", HERE, NULL), OK);
    CHECK_STR(kit_get("0.user.username"), "bob");
    CHECK_STR(kit_get("0.reason"), "null");
    CHECK_STR(stand_in_body(LIST), "{\"server_id\":\"7\",\"limit\":50}");
    CHECK_INT(kit_call(5, "moderation.ban.list",
                       "{\"server_id\":\"7\",\"after\":\"8\",\"limit\":\"2\"}", NULL),
              OK);
    CHECK_STR(stand_in_body(LIST), "{\"server_id\":\"7\",\"after\":\"8\",\"limit\":2}");
}

TEST(a_ban_is_lifted_once)
{
    if (!scene_open())
        return;
    stand_in_answers(REMOVE, "{}");
    CHECK_INT(kit_call(5, "moderation.ban.delete", BOB, NULL), OK);
    CHECK_INT(kit_status(), 204);
    stand_in_refuses(REMOVE, ERR_UNKNOWN_BAN);
    CHECK_INT(kit_call(5, "moderation.ban.delete", BOB, NULL), ERR_UNKNOWN_BAN);
}
