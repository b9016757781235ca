/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

enum { SENT = 12 };

static const char *page(snowflake channel, const char *which, snowflake id, int limit)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\",\"%s\":\"%" PRIu64 "\",\"limit\":\"%d\"}",
                 channel, which, id, limit);
}

static const char *since(snowflake channel, long long after, int limit)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\",\"after\":\"%lld\",\"limit\":\"%d\"}", channel,
                 after, limit);
}

TEST(history_pages_meet_without_gap_or_overlap)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake ids[SENT];
    for (int i = 0; i < SENT; i++)
        ids[i] = say(p.owner, p.channel, kit_f("%d", i));
    const char *row = "messaging.message.list";
    CHECK_INT(kit_call(p.owner, row, in_channel(p.channel), NULL), OK);
    CHECK(kit_get_id("0.id") == ids[SENT - 1]);
    CHECK(kit_get_id(kit_f("%d.id", SENT - 1)) == ids[0]);
    CHECK(kit_get("0.created_at")[0] == '2');
    CHECK_INT(kit_call(p.owner, row, page(p.channel, "before", ids[6], 3), NULL), OK);
    CHECK(kit_get_id("0.id") == ids[5] && kit_get_id("2.id") == ids[3]);
    CHECK_STR(kit_get("3"), "");
    CHECK_INT(kit_call(p.owner, row, page(p.channel, "after", ids[6], 3), NULL), OK);
    CHECK(kit_get_id("0.id") == ids[9] && kit_get_id("2.id") == ids[7]);
    CHECK_INT(kit_call(p.owner, row, page(p.channel, "around", ids[6], 5), NULL), OK);
    CHECK(kit_get_id("0.id") == ids[8] && kit_get_id("2.id") == ids[6] &&
          kit_get_id("4.id") == ids[4]);
    CHECK_INT(kit_call(p.owner, row, page(p.channel, "around", ids[11], 4), NULL), OK);
    CHECK(kit_get_id("0.id") == ids[11] && kit_get_id("3.id") == ids[8]);
    CHECK_INT(kit_call(p.owner, row,
                       kit_f("{\"channel_id\":\"%" PRIu64 "\",\"before\":\"5\",\"after\":\"6\"}",
                             p.channel),
                       NULL),
              ERR_INVALID_FORM);
    CHECK_INT(kit_call(p.owner, row, page(p.channel, "before", ids[6], 101), NULL),
              ERR_INVALID_FORM);
}

TEST(sync_is_everything_since_a_number_in_order)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake a = say(p.owner, p.channel, "a");
    snowflake b = say(p.owner, p.channel, "b");
    say(p.owner, p.channel, "c");
    CHECK_INT(kit_call(p.owner, "messaging.message.update", of_message(p.channel, a),
                       "{\"content\":\"A\"}"),
              OK);
    CHECK_INT(kit_call(p.owner, "messaging.message.delete", of_message(p.channel, b), NULL), OK);
    const char *row = "messaging.message.sync";
    CHECK_INT(kit_call(p.owner, row, since(p.channel, 0, 2), NULL), OK);
    CHECK_STR(kit_get("has_more"), "true");
    CHECK_INT(kit_get_int("seq"), 5);
    CHECK_STR(kit_get("messages.0.content"), "c");
    CHECK_STR(kit_get("messages.1.content"), "A");
    CHECK_INT(kit_get_int("messages.1.rev"), 4);
    CHECK_INT(kit_call(p.owner, row, since(p.channel, 4, 2), NULL), OK);
    CHECK_STR(kit_get("has_more"), "false");
    CHECK(kit_get_id("messages.0.id") == b);
    CHECK_STR(kit_get("messages.0.content"), "null");
    CHECK(kit_get("messages.0.deleted_at")[0] == '2');
    CHECK_INT(kit_call(p.owner, "messaging.channel.sync", since(p.channel, 5, 2), NULL), OK);
    CHECK_STR(kit_get("messages"), "[]");
}

TEST(unread_and_mentions_equal_a_recount)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake gone = 0;
    for (int i = 0; i < 10; i++)
        gone = say(p.owner, p.channel, i % 3 == 0 ? kit_f("<@%" PRIu64 ">", bob) : "x");
    CHECK(say(bob, p.channel, "mine") != 0);
    CHECK_INT(kit_call(p.owner, "messaging.message.delete", of_message(p.channel, gone), NULL), OK);
    CHECK_INT(kit_call(bob, "messaging.read.unread", in_server(p.server), NULL), OK);
    CHECK_STR(kit_get("0.unread"), "9");
    CHECK_STR(kit_get("0.mentions"), "3");
    const char *read = "messaging.read.update";
    CHECK_INT(kit_call(bob, read, in_channel(p.channel), "{\"seq\":4}"), OK);
    CHECK_STR(kit_get("unread"), "5");
    CHECK_STR(kit_get("mentions"), "1");
    CHECK_STR(kit_event_get("read.update", "last_read_seq"), "4");
    /* Never backwards, never beyond the end. */
    CHECK_INT(kit_call(bob, read, in_channel(p.channel), "{\"seq\":2}"), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_STR(kit_get("last_read_seq"), "4");
    CHECK_INT(kit_call(bob, read, in_channel(p.channel), "{\"seq\":1000}"), OK);
    CHECK_STR(kit_get("last_read_seq"), "12");
    CHECK_STR(kit_get("unread"), "0");
    /* The first message of all changed again: no new unread. */
    CHECK_INT(kit_call(bob, "messaging.read.list", NULL, NULL), OK);
    CHECK_STR(kit_get("0.unread"), "0");
}

TEST(who_joins_has_read_everything_before)
{
    if (!world_open())
        return;
    struct place p = place_new();
    say(p.owner, p.channel, "old");
    snowflake bob = member_of(&p);
    CHECK_INT(kit_call(bob, "messaging.read.list", NULL, NULL), OK);
    CHECK_STR(kit_get("0.unread"), "0");
    say(p.owner, p.channel, "new @everyone");
    CHECK_INT(kit_call(bob, "messaging.read.list", NULL, NULL), OK);
    CHECK_STR(kit_get("0.unread"), "1");
    CHECK_STR(kit_get("0.mentions"), "1");
}

TEST(ready_is_all_a_session_begins_with)
{
    if (!world_open())
        return;
    struct place p = place_new();
    struct place q = place_new();
    snowflake bob = member_of(&p);
    join(&q, bob);
    say(p.owner, p.channel, "hi");
    CHECK_INT(kit_call(bob, "messaging.session.ready", NULL, NULL), OK);
    CHECK(kit_get_id("servers.0.id") == p.server);
    CHECK(kit_get_id("servers.1.id") == q.server);
    CHECK_STR(kit_get("servers.2"), "");
    CHECK(kit_get_id("servers.0.member.user_id") == bob);
    CHECK_STR(kit_get("servers.0.channels.1.name"), "general");
    CHECK_STR(kit_get("servers.0.channels.1.seq"), "1");
    CHECK_STR(kit_get("servers.0.roles.0.name"), "admin");
    CHECK_STR(kit_get("user_seq"), "2");
    CHECK_STR(kit_get("read_states.0.unread"), "1");
    CHECK_STR(kit_get("read_states.3.channel_id") /* two a server, no categories */,
              kit_get("servers.1.channels.3.id"));
    CHECK_INT(kit_call(bob, "messaging.member.servers", NULL, NULL), OK);
    CHECK(kit_get_id("1.id") == q.server);
    CHECK_INT(kit_call(0, "messaging.server.view", in_server(p.server), NULL), OK);
    CHECK(kit_get_id("owner_id") == p.owner);
    CHECK_INT(kit_get_int("app"), 1);
    CHECK_STR(kit_get("channels.0.overwrites"), "[]");
}
