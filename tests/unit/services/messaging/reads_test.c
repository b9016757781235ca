/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

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
