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
    CHECK_INT(kit_call(p.owner, row, page(p.channel, "around", INT64_MAX, 2), NULL), OK);
    CHECK(kit_get_id("0.id") == ids[11] && kit_get_id("1.id") == ids[10]);
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
