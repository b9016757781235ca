/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

TEST(a_message_is_answered_and_told_alike)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(kit_call(bob, "messaging.message.create", in_channel(p.channel),
                       "{\"content\":\"h\\u00e9llo \\\"you\\\" \\\\ {x}\",\"nonce\":\"n 1\"}"),
              OK);
    CHECK_INT(kit_status(), 201);
    CHECK_STR(kit_get("content"), "h\u00e9llo \"you\" \\ {x}");
    CHECK_STR(kit_get("nonce"), "n 1");
    CHECK_STR(kit_get("author.username"), "member");
    CHECK(kit_get_id("server_id") == p.server);
    CHECK_INT(kit_get_int("seq"), 1);
    CHECK_INT(kit_get_int("rev"), 1);
    CHECK_STR(kit_event("message.create"), kit_body());
    snowflake id = kit_get_id("id");
    CHECK_INT(kit_call(bob, "messaging.message.get", of_message(p.channel, id), NULL), OK);
    CHECK_STR(kit_get("content"), "h\u00e9llo \"you\" \\ {x}");
    CHECK_STR(kit_get("mentions"), "[]");
}

TEST(an_empty_message_is_none)
{
    if (!world_open())
        return;
    struct place p = place_new();
    CHECK(say(p.owner, p.channel, " \\n ") == 0);
    CHECK_INT(kit_status(), 400);
    CHECK_INT(kit_call(p.owner, "messaging.message.create", in_channel(p.channel), "{}"),
              ERR_EMPTY_MESSAGE);
}

TEST(the_same_nonce_is_the_same_message)
{
    if (!world_open())
        return;
    struct place p = place_new();
    const char *body = "{\"content\":\"once\",\"nonce\":\"7\"}";
    CHECK_INT(kit_call(p.owner, "messaging.message.create", in_channel(p.channel), body), OK);
    snowflake first = kit_get_id("id");
    CHECK_INT(kit_call(p.owner, "messaging.message.create", in_channel(p.channel), body), OK);
    CHECK(kit_get_id("id") == first);
    CHECK_INT(kit_status(), 201);
    CHECK_STR(kit_sql("SELECT seq FROM channels WHERE id = %" PRIu64, p.channel), "1");
}

TEST(a_reply_stays_in_its_channel)
{
    if (!world_open())
        return;
    struct place p = place_new();
    struct place other = place_new();
    snowflake id = say(other.owner, other.channel, "elsewhere");
    CHECK_INT(kit_call(p.owner, "messaging.message.create", in_channel(p.channel),
                       kit_f("{\"content\":\"hm\",\"reply_to\":\"%" PRIu64 "\"}", id)),
              ERR_INVALID_FORM);
    CHECK_STR(kit_field(), "reply_to: must be a message of this channel");
}

TEST(slow_mode_makes_members_wait_but_not_moderators)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(
        kit_call(p.owner, "messaging.channel.update", in_channel(p.channel), "{\"slow_mode\":60}"),
        OK);
    CHECK(say(bob, p.channel, "one") != 0);
    CHECK(say(bob, p.channel, "two") == 0);
    CHECK_INT(kit_status(), 429);
    CHECK(say(p.owner, p.channel, "three") != 0);
    CHECK(say(p.owner, p.channel, "four") != 0);
    kit_sql("UPDATE slow_turns SET next_at = now() WHERE user_id = %" PRIu64, bob);
    CHECK(say(bob, p.channel, "five") != 0);
}

TEST(a_locked_channel_and_a_read_only_instance_take_no_posts)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake id = say(bob, p.channel, "before");
    CHECK_INT(kit_call(p.owner, "messaging.channel.update", in_channel(p.channel),
                       "{\"is_locked\":true}"),
              OK);
    const char *send = "messaging.message.create";
    CHECK_INT(kit_call(bob, send, in_channel(p.channel), "{\"content\":\"x\"}"),
              ERR_CHANNEL_LOCKED);
    CHECK_INT(
        kit_call(bob, "messaging.message.update", of_message(p.channel, id), "{\"content\":\"x\"}"),
        ERR_CHANNEL_LOCKED);
    CHECK(say(p.owner, p.channel, "closed") != 0);
    atomic_store(&world_state()->is_read_only, true);
    CHECK_INT(kit_call(p.owner, send, in_channel(p.channel), "{\"content\":\"x\"}"), ERR_READ_ONLY);
    atomic_store(&world_state()->is_read_only, false);
}

TEST(a_category_takes_no_posts)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake category = 0;
    CHECK(snowflake_parse(kit_sql("SELECT parent_id FROM channels WHERE id = %" PRIu64, p.channel),
                          &category));
    CHECK_INT(
        kit_call(p.owner, "messaging.message.create", in_channel(category), "{\"content\":\"x\"}"),
        ERR_WRONG_CHANNEL_TYPE);
}

TEST(an_upload_is_attached_by_the_token_of_its_owner)
{
    if (!world_open())
        return;
    struct place p = place_new();
    auto_arena struct arena arena = {0};
    struct attachment file = {.id = snowflake_next(),
                              .filename = "a b.png",
                              .content_type = "image/png",
                              .size = 12,
                              .width = 3,
                              .height = FIELD_NO_INT};
    const char *token;
    CHECK_INT(attachment_token_make(&arena, world_state()->settings->media_secret, p.owner, &file,
                                    &token),
              OK);
    const char *body = kit_f("{\"attachments\":[{\"token\":\"%s\"}]}", token);
    CHECK_INT(kit_call(p.owner, "messaging.message.create", in_channel(p.channel), body), OK);
    CHECK_STR(kit_get("attachments.0.filename"), "a b.png");
    CHECK_STR(kit_get("attachments.0.height"), "null");
    CHECK(strstr(kit_get("attachments.0.url"), "/a%20b.png?exp=") != NULL);
    snowflake id = kit_get_id("id");
    CHECK_STR(kit_event_get("attachment.use", "attachment_ids.0"), kit_f("%" PRIu64, file.id));
    CHECK_STR(kit_event_get("attachment.use", "message_id"), kit_f("%" PRIu64, id));
    CHECK_INT(kit_call(p.owner, "messaging.message.get", of_message(p.channel, id), NULL), OK);
    CHECK_STR(kit_get("attachments.0.size"), "12");
    snowflake bob = member_of(&p);
    CHECK_INT(kit_call(bob, "messaging.message.create", in_channel(p.channel), body),
              ERR_UNKNOWN_ATTACHMENT);
}

enum { WRITERS = 8, EACH = 40 };

static void write_much(int number, void *arg)
{
    const struct place *p = arg;
    for (int i = 0; i < EACH; i++)
        CHECK(say(p->owner, p->channel, kit_f("%d of %d", i, number)) != 0);
}

TEST(numbers_are_dense_and_ids_grow_with_them_whoever_writes_at_once)
{
    if (!world_open())
        return;
    struct place p = place_new();
    at_once(WRITERS, write_much, &p);
    CHECK_STR(kit_sql("SELECT count(*) || ' ' || min(seq) || ' ' || max(seq) FROM messages"
                      " WHERE channel_id = %" PRIu64,
                      p.channel),
              kit_f("%d 1 %d", WRITERS * EACH, WRITERS * EACH));
    CHECK_STR(kit_sql("SELECT count(*) FROM (SELECT id, lag(id) OVER (ORDER BY seq) AS before"
                      "  FROM messages WHERE channel_id = %" PRIu64 ") AS x WHERE before >= id",
                      p.channel),
              "0");
}

TEST(a_batch_judges_each_of_its_messages_alone)
{
    if (!world_open())
        return;
    struct place p = place_new();
    struct place q = place_new();
    snowflake bob = member_of(&p);
    CHECK_INT(
        kit_call(p.owner, "messaging.channel.update", in_channel(p.channel), "{\"slow_mode\":60}"),
        OK);
    struct kit_request requests[] = {
        {p.owner, in_channel(p.channel), kit_f("{\"content\":\"<@%" PRIu64 ">\"}", bob)},
        {bob,       in_channel(p.channel),                          "{\"content\":\"first\"}"                                      },
        {q.owner,       in_channel(q.channel),                      "{\"content\":\"elsewhere\",\"reply_to\":null}"},
        {bob,       in_channel(p.channel),                          "{\"content\":\"too fast\"}"                                          },
        {p.owner,       in_channel(p.channel),                      "{\"content\":\" \"}"},
        {p.owner,       in_channel(p.channel),                      "{\"content\":\"x\",\"reply_to\":\"5\"}"                                          },
        {p.owner,       in_channel(p.channel),                      "{\"content\":\"last\"}"},
    };
    enum err errs[ARRAY_LEN(requests)];
    CHECK_INT(kit_batch("messaging.message.create", requests, ARRAY_LEN(requests), errs), OK);
    CHECK_STR(kit_batch_get(0, "mentions.0"), kit_f("%" PRIu64, bob));
    CHECK_INT(errs[1], OK);
    CHECK_STR(kit_batch_get(1, "seq"), "2");
    CHECK_STR(kit_batch_get(2, "seq"), "1");
    CHECK_INT(errs[3], ERR_SLOW_MODE);
    CHECK_INT(errs[4], ERR_EMPTY_MESSAGE);
    CHECK_INT(errs[5], ERR_INVALID_FORM);
    CHECK_STR(kit_batch_get(6, "seq"), "3");
    CHECK_STR(kit_sql("SELECT seq FROM channels WHERE id = %" PRIu64, p.channel), "3");
}

TEST(ids_rise_in_a_channel_and_differ_across_channels_also_where_another_copy_is_ahead)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake channels[] = {p.channel, channel_of(&p, "{\"name\":\"other\"}")};
    snowflake ahead = say(p.owner, p.channel, "a clock") + (UINT64_C(60000) << 22);
    kit_sql("UPDATE channels SET last_message_id = %" PRIu64 " WHERE server_id = %" PRIu64, ahead,
            p.server);
    struct kit_request requests[] = {
        {p.owner, in_channel(channels[0]), "{\"content\":\"a\"}"},
        {p.owner, in_channel(channels[1]), "{\"content\":\"b\"}"},
        {p.owner, in_channel(channels[0]), "{\"content\":\"c\"}"},
    };
    enum err errs[ARRAY_LEN(requests)];
    CHECK_INT(kit_batch("messaging.message.create", requests, ARRAY_LEN(requests), errs), OK);
    snowflake ids[ARRAY_LEN(requests)];
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        ids[i] = strtoull(kit_batch_get(i, "id"), NULL, 10);
        CHECK(ids[i] > ahead && snowflake_time_us(ids[i]) <= snowflake_time_us(ahead) + 1000);
    }
    CHECK(ids[2] > ids[0]);
    CHECK(ids[1] != ids[0] && ids[1] != ids[2]);
    CHECK(say(p.owner, channels[1], "d") > ids[1]);
}
