/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>
#include <string.h>

TEST(one_edits_ones_own_message_only)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake id = say(bob, p.channel, "befroe");
    const char *row = "messaging.message.update";
    CHECK_INT(kit_call(p.owner, row, of_message(p.channel, id), "{\"content\":\"mine\"}"),
              ERR_NOT_AUTHOR);
    CHECK_INT(kit_call(bob, row, of_message(p.channel, id), "{\"content\":\" \"}"),
              ERR_EMPTY_MESSAGE);
    CHECK_INT(kit_call(bob, row, of_message(p.channel, id), "{\"content\":\"before\"}"), OK);
    CHECK_STR(kit_event_get("message.update", "content"), "before");
    CHECK_INT(kit_get_int("seq"), 1);
    CHECK_INT(kit_get_int("rev"), 2);
    CHECK(kit_get("edited_at")[0] == '2');
    CHECK_INT(kit_call(bob, row, of_message(p.channel, id + 1), "{\"content\":\"x\"}"),
              ERR_UNKNOWN_MESSAGE);
}

TEST(a_deleted_message_has_no_content_anywhere)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake cid = member_of(&p);
    snowflake id = say(bob, p.channel, "secret words");
    snowflake answer = 0;
    CHECK_INT(kit_call(cid, "messaging.message.create", in_channel(p.channel),
                       kit_f("{\"content\":\"what?\",\"reply_to\":\"%" PRIu64 "\"}", id)),
              OK);
    answer = kit_get_id("id");
    CHECK_STR(kit_get("referenced.content"), "secret words");
    CHECK_INT(kit_call(cid, "messaging.message.delete", of_message(p.channel, id), NULL),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(bob, "messaging.message.delete", of_message(p.channel, id), NULL), OK);
    CHECK_STR(kit_event_get("message.delete", "rev"), "3");
    CHECK_INT(kit_call(bob, "messaging.message.delete", of_message(p.channel, id), NULL),
              ERR_UNKNOWN_MESSAGE);
    const char *rows[] = {"messaging.message.list", "messaging.message.sync"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(kit_call(bob, rows[i], in_channel(p.channel), NULL), OK);
        CHECK(strstr(kit_body(), "secret") == NULL);
        CHECK(strstr(kit_body(), "what?") != NULL);
    }
    CHECK_INT(kit_call(cid, "messaging.message.get", of_message(p.channel, answer), NULL), OK);
    CHECK_STR(kit_get("referenced.content"), "null");
    CHECK_STR(kit_sql("SELECT seq FROM channels WHERE id = %" PRIu64, p.channel), "3");
}

TEST(a_moderator_deletes_what_others_said)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake id = say(member_of(&p), p.channel, "rude");
    CHECK_INT(kit_call(p.owner, "messaging.message.delete", of_message(p.channel, id), NULL), OK);
    CHECK_STR(kit_event_get("message.delete", "actor_id"), kit_f("%" PRIu64, p.owner));
}

TEST(what_was_deleted_long_ago_is_removed_for_good)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake id = say(p.owner, p.channel, "old");
    CHECK_INT(kit_call(p.owner, "messaging.message.delete", of_message(p.channel, id), NULL), OK);
    kit_sql("UPDATE messages SET deleted_at = now() - interval '31 days'"
            " WHERE channel_id = %" PRIu64,
            p.channel);
    CHECK_INT(kit_run(&messaging_service.jobs[0]), OK);
    CHECK_STR(kit_sql("SELECT count(*) FROM messages WHERE channel_id = %" PRIu64
                      " AND content IS NULL",
                      p.channel),
              "1");
    CHECK_INT(kit_call(p.owner, "messaging.message.sync", in_channel(p.channel), NULL), OK);
    CHECK(kit_get("messages.0.deleted_at")[0] == '2');
}
