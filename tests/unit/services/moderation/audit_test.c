/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/moderation/scene.h"

#include <inttypes.h>

/* An act as messaging tells of it; each test has a server of its own. */
static const char *act(snowflake server, const char *action, snowflake actor, snowflake target)
{
    return kit_f("{\"server_id\":\"%" PRIu64 "\",\"channel_id\":null,\"actor_id\":\"%" PRIu64
                 "\",\"target_id\":\"%" PRIu64 "\",\"action\":\"%s\",\"reason\":\"spam\","
                 "\"changes\":[{\"key\":\"nickname\",\"old\":null,\"new\":\"Bob\"}],"
                 "\"at\":\"2026-01-02T03:04:05.000Z\"}",
                 server, actor, target, action);
}

static void hear(const char *payload, const char *event_id)
{
    CHECK_INT(kit_hear(&moderation_service.hears[0], payload, event_id), OK);
}

static int read_log(snowflake server, const char *rest)
{
    return kit_call(5, "moderation.audit.list",
                    kit_f("{\"server_id\":\"%" PRIu64 "\"%s}", server, rest), NULL);
}

/* Entries in the last answer. */
static long long entries(void)
{
    long long n = 0;
    while (kit_get(kit_f("%lld.id", n))[0] != '\0')
        n++;
    return n;
}

TEST(an_act_heard_is_an_entry_of_the_log)
{
    if (!scene_open())
        return;
    snowflake server = snowflake_next();
    hear(act(server, "member.update", 5, 8), NULL);
    CHECK_INT(read_log(server, ""), OK);
    CHECK_INT(entries(), 1);
    CHECK_STR(kit_get("0.action"), "member.update");
    CHECK_STR(kit_get("0.actor_id"), "5");
    CHECK_STR(kit_get("0.target_id"), "8");
    CHECK_STR(kit_get("0.channel_id"), "null");
    CHECK_STR(kit_get("0.reason"), "spam");
    CHECK_STR(kit_get("0.changes.0.new"), "Bob");
    CHECK_STR(kit_get("0.at"), "2026-01-02T03:04:05.000Z");
}

TEST(an_act_heard_twice_is_one_entry)
{
    if (!scene_open())
        return;
    snowflake server = snowflake_next();
    const char *event_id = kit_f("event-%" PRIu64, server);
    hear(act(server, "member.kick", 5, 8), event_id);
    hear(act(server, "member.kick", 5, 8), event_id);
    CHECK_INT(read_log(server, ""), OK);
    CHECK_INT(entries(), 1);
}

TEST(the_log_is_read_downwards_in_pages)
{
    if (!scene_open())
        return;
    snowflake server = snowflake_next();
    for (snowflake target = 1; target <= 5; target++)
        hear(act(server, "member.kick", 5, target), NULL);
    CHECK_INT(read_log(server, ",\"limit\":\"2\""), OK);
    CHECK_INT(entries(), 2);
    CHECK_STR(kit_get("0.target_id"), "5");
    CHECK_STR(kit_get("1.target_id"), "4");
    CHECK_INT(read_log(server, kit_f(",\"before\":\"%s\"", kit_get("1.id"))), OK);
    CHECK_INT(entries(), 3);
    CHECK_STR(kit_get("0.target_id"), "3");
}

TEST(the_log_is_filtered_by_act_actor_and_target)
{
    if (!scene_open())
        return;
    snowflake server = snowflake_next();
    hear(act(server, "member.kick", 5, 8), NULL);
    hear(act(server, "ban.create", 5, 9), NULL);
    hear(act(server, "ban.create", 6, 8), NULL);
    CHECK_INT(read_log(server, ",\"action\":\"ban.create\""), OK);
    CHECK_INT(entries(), 2);
    CHECK_INT(read_log(server, ",\"user_id\":\"5\""), OK);
    CHECK_INT(entries(), 2);
    CHECK_INT(read_log(server, ",\"target_id\":\"8\",\"action\":\"ban.create\""), OK);
    CHECK_INT(entries(), 1);
    CHECK_STR(kit_get("0.actor_id"), "6");
}

TEST(another_application_sees_nothing_of_the_log)
{
    if (!scene_open())
        return;
    snowflake server = snowflake_next();
    hear(act(server, "member.kick", 5, 8), NULL);
    kit_caller()->app = 2;
    CHECK_INT(read_log(server, ""), OK);
    CHECK_INT(entries(), 0);
}

TEST(who_may_read_the_log_is_asked_of_messaging)
{
    if (!scene_open())
        return;
    scene_permits(PERM_BAN_MEMBERS, true);
    CHECK_INT(read_log(7, ""), ERR_MISSING_PERMISSIONS);
    scene_permits(PERM_VIEW_AUDIT_LOG, true);
    CHECK_INT(read_log(7, ""), OK);
    scene_permits(PERM_VIEW_AUDIT_LOG, false);
    CHECK_INT(read_log(7, ""), ERR_UNKNOWN_SERVER);
}
