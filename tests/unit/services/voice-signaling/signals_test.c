/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "shared/domain/limit.h"
#include "tests/unit/services/voice-signaling/scene.h"

static enum err signals(const struct scene *s, snowflake from, snowflake to, const char *rest)
{
    return asks(from, "voice.signal.send", s->channel,
                kit_f("{\"to_user_id\":\"%" PRIu64 "\",%s}", to, rest));
}

#define OFFER "\"kind\":\"offer\",\"payload\":{\"sdp\":\"v=0\",\"type\":\"offer\"}"

TEST(a_signal_reaches_the_other_participant_as_it_was)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins_from(s.people[0], s.channel, "a"), OK);
    CHECK_INT(joins_from(s.people[1], s.channel, "b"), OK);
    CHECK_INT(signals(&s, s.people[0], s.people[1], OFFER), OK);
    CHECK_INT(kit_status(), 204);
    CHECK_INT(kit_event_count(), 1);
    CHECK_STR(kit_event_get("voice.signal", "from_user_id"), text_of(s.people[0]));
    CHECK_STR(kit_event_get("voice.signal", "from_session_id"), "a");
    CHECK_STR(kit_event_get("voice.signal", "to_session_id"), "b");
    CHECK_STR(kit_event_get("voice.signal", "kind"), "offer");
    CHECK_STR(kit_event_get("voice.signal", "payload"), "{\"sdp\":\"v=0\",\"type\":\"offer\"}");
}

TEST(signals_stay_within_one_room)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[1], s.other_channel), OK);
    CHECK_INT(signals(&s, s.people[0], s.people[1], OFFER), ERR_UNKNOWN_VOICE_STATE);
    CHECK_INT(signals(&s, s.people[1], s.people[0], OFFER), ERR_UNKNOWN_VOICE_STATE);
    CHECK_INT(signals(&s, s.people[2], s.people[0], OFFER), ERR_UNKNOWN_VOICE_STATE);
    CHECK_INT(signals(&s, s.people[0], s.people[2], OFFER), ERR_UNKNOWN_VOICE_STATE);
    CHECK_INT(kit_event_count(), 0);
}

TEST(no_signal_reaches_who_lost_the_right_to_the_channel)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[1], s.channel), OK);
    play_channel(&s, "voice", PERM_VIEW_CHANNEL);
    CHECK_INT(signals(&s, s.people[0], s.people[1], OFFER), ERR_UNKNOWN_VOICE_STATE);
    stand_in_refuses("messaging.permission.get", ERR_UNKNOWN_CHANNEL);
    CHECK_INT(signals(&s, s.people[0], s.people[1], OFFER), ERR_UNKNOWN_VOICE_STATE);
    stand_in_refuses("messaging.permission.get", ERR_UNAVAILABLE);
    CHECK_INT(signals(&s, s.people[0], s.people[1], OFFER), ERR_UNAVAILABLE);
    CHECK_INT(kit_event_count(), 0);
}

TEST(a_signal_for_a_device_that_is_gone_is_refused)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins_from(s.people[0], s.channel, "a"), OK);
    CHECK_INT(joins_from(s.people[1], s.channel, "phone"), OK);
    CHECK_INT(signals(&s, s.people[0], s.people[1], "\"to_session_id\":\"laptop\"," OFFER),
              ERR_UNKNOWN_VOICE_STATE);
    CHECK_INT(signals(&s, s.people[0], s.people[1], "\"to_session_id\":\"phone\"," OFFER), OK);
}

TEST(a_signal_has_a_known_kind_and_a_bounded_size)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[1], s.channel), OK);
    CHECK_INT(signals(&s, s.people[0], s.people[1], "\"kind\":\"shout\",\"payload\":{}"),
              ERR_INVALID_FORM);
    char large[LIMIT_SIGNAL + 1];
    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = '\0';
    CHECK_INT(signals(&s, s.people[0], s.people[1],
                      kit_f("\"kind\":\"offer\",\"payload\":\"%s\"", large)),
              ERR_INVALID_FORM);
    CHECK(strstr(kit_field(), "16384") != NULL);
    large[sizeof(large) - 3] = '\0';
    CHECK_INT(signals(&s, s.people[0], s.people[1],
                      kit_f("\"kind\":\"offer\",\"payload\":\"%s\"", large)),
              OK);
    CHECK_INT(signals(&s, s.people[0], s.people[1],
                      "\"kind\":\"candidate\",\"payload\":[{\"candidate\":\"c1\"}]"),
              OK);
}
