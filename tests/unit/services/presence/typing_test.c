/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "tests/unit/services/presence/scene.h"

static const char *channel_of(const struct scene *s)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\"}", s->server + 1);
}

static void play_channel(const struct scene *s, const char *type)
{
    stand_in_answers(
        "messaging.permission.get",
        kit_f("{\"user_id\":\"1\",\"server_id\":\"%" PRIu64
              "\",\"permissions\":\"2048\",\"channel_type\":\"%s\",\"is_member\":true}",
              s->server, type));
}

static enum err type(const struct scene *s)
{
    return kit_call(s->user, "presence.typing.start", channel_of(s), NULL);
}

static enum err sweep(void)
{
    static const struct job job = {"typing_sweep", 1, JOB_EACH, typing_sweep};
    return kit_run(&job);
}

static const char *entry_of(const struct scene *s)
{
    return kit_f("%" PRIu64 ":%" PRIu64, s->server + 1, s->user);
}

TEST(typing_is_told_once_while_it_goes_on)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    play_channel(&s, "text");
    CHECK_INT(type(&s), OK);
    CHECK_INT(kit_status(), 204);
    CHECK_STR(kit_event_get("typing.start", "server_id"), kit_f("%" PRIu64, s.server));
    CHECK_STR(kit_event_get("typing.start", "user_id"), kit_f("%" PRIu64, s.user));
    CHECK(strlen(kit_event_get("typing.start", "expires_at")) == 24);
    CHECK_INT(type(&s), OK);
    CHECK_INT(kit_event_count(), 0);
    const char *left = redis("PTTL presence:typing_told:%s", entry_of(&s));
    CHECK(strlen(left) == 4 && left[0] <= '3');
    CHECK_STR(redis("DEL presence:typing_told:%s", entry_of(&s)), "1");
    CHECK_INT(type(&s), OK);
    CHECK(kit_event("typing.start") != NULL);
}

TEST(typing_ends_by_itself_once)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    play_channel(&s, "text");
    CHECK_INT(type(&s), OK);
    CHECK_INT(sweep(), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_STR(redis("ZADD presence:typing XX CH 1 %s", entry_of(&s)), "1");
    CHECK_INT(sweep(), OK);
    CHECK_INT(kit_event_count(), 1);
    CHECK_STR(kit_event_get("typing.stop", "channel_id"), kit_f("%" PRIu64, s.server + 1));
    CHECK_STR(kit_event_get("typing.stop", "user_id"), kit_f("%" PRIu64, s.user));
    CHECK_STR(kit_event_get("typing.stop", "expires_at"), "");
    CHECK_INT(sweep(), OK);
    CHECK_INT(kit_event_count(), 0);
}

TEST(who_says_so_stops_at_once)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    play_channel(&s, "text");
    CHECK_INT(type(&s), OK);
    CHECK_INT(kit_call(s.user, "presence.typing.stop", channel_of(&s), NULL), OK);
    CHECK(kit_event("typing.stop") != NULL);
    CHECK_INT(kit_call(s.user, "presence.typing.stop", channel_of(&s), NULL), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(type(&s), OK);
    CHECK(kit_event("typing.start") != NULL);
}

TEST(nobody_types_in_a_category_or_in_what_they_do_not_see)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    play_channel(&s, "category");
    CHECK_INT(type(&s), ERR_WRONG_CHANNEL_TYPE);
    stand_in_refuses("messaging.permission.get", ERR_UNKNOWN_CHANNEL);
    CHECK_INT(type(&s), ERR_UNKNOWN_CHANNEL);
    CHECK_INT(kit_event_count(), 0);
}
