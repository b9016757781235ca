/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "shared/domain/limit.h"
#include "shared/domain/permission.h"
#include "tests/unit/services/voice-signaling/scene.h"

TEST(who_joins_gets_the_others_and_is_told_to_them)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[1], s.channel), OK);
    CHECK_STR(kit_get("topology"), "mesh");
    CHECK_STR(kit_get("participants.0.user_id"), text_of(s.people[0]));
    CHECK_STR(kit_get("participants.1.user_id"), text_of(s.people[1]));
    CHECK_STR(kit_get("participants.1.muted"), "true");
    CHECK_STR(kit_get("participants.1.server_muted"), "false");
    CHECK_STR(kit_get("participants.1.session_id"), kit_f("s%" PRIu64, s.people[1]));
    CHECK_INT(kit_event_count(), 1);
    CHECK_STR(kit_event_get("voice.join", "user_id"), text_of(s.people[1]));
    CHECK_STR(kit_event_get("voice.join", "server_id"), text_of(s.server));
    CHECK(strncmp(kit_get("ice_servers.1.urls.0"), "turn:", 5) == 0);
}

TEST(a_fifth_finds_the_channel_full_and_stays_where_they_were)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    for (size_t i = 0; i < LIMIT_VOICE_MESH; i++)
        CHECK_INT(joins(s.people[i], s.channel), OK);
    CHECK_INT(joins(s.people[4], s.other_channel), OK);
    CHECK_INT(joins(s.people[4], s.channel), ERR_VOICE_FULL);
    CHECK_INT(kit_status(), 409);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(crowd(s.channel), LIMIT_VOICE_MESH);
    CHECK_INT(crowd(s.other_channel), 1);
    /* Who is inside may say so again. */
    CHECK_INT(joins(s.people[0], s.channel), OK);
}

struct race {
    struct scene scene;
    atomic_int next;
    atomic_int joined;
};

static void *join_one(void *arg)
{
    struct race *race = arg;
    struct scene *s = &race->scene;
    if (!scene_enter())
        return NULL;
    enum err e = joins(s->people[race->next++], s->channel);
    CHECK(e == OK || e == ERR_VOICE_FULL);
    race->joined += e == OK;
    return NULL;
}

TEST(of_many_who_join_at_once_as_many_get_in_as_fit)
{
    struct race race = {.next = 0};
    if (!scene_open(&race.scene))
        return;
    pthread_t threads[PEOPLE];
    for (size_t i = 0; i < PEOPLE; i++)
        pthread_create(&threads[i], NULL, join_one, &race);
    for (size_t i = 0; i < PEOPLE; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(race.joined, LIMIT_VOICE_MESH);
    CHECK_INT(crowd(race.scene.channel), LIMIT_VOICE_MESH);
}

TEST(joining_another_channel_leaves_the_first)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[0], s.other_channel), OK);
    CHECK_INT(kit_event_count(), 2);
    CHECK_STR(kit_event_get("voice.leave", "channel_id"), text_of(s.channel));
    CHECK_STR(kit_event_get("voice.join", "channel_id"), text_of(s.other_channel));
    CHECK_INT(crowd(s.channel), 0);
    CHECK_INT(crowd(s.other_channel), 1);
}

TEST(joining_from_another_device_leaves_from_the_first)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins_from(s.people[0], s.channel, "laptop"), OK);
    CHECK_INT(joins_from(s.people[0], s.channel, "phone"), OK);
    CHECK_STR(kit_event_get("voice.leave", "session_id"), "laptop");
    CHECK_STR(kit_event_get("voice.join", "session_id"), "phone");
    CHECK_INT(crowd(s.channel), 1);
}

TEST(joining_again_from_the_same_device_only_changes_the_state)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    const char *since = kit_get("participants.0.joined_at");
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(kit_event_count(), 1);
    CHECK(kit_event("voice.state") != NULL);
    CHECK_STR(kit_get("participants.0.joined_at"), since);
}

TEST(only_a_voice_channel_can_be_joined)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    play_channel(&s, "text", PERM_ALL);
    CHECK_INT(joins(s.people[0], s.channel), ERR_WRONG_CHANNEL_TYPE);
    stand_in_refuses("messaging.permission.get", ERR_UNKNOWN_CHANNEL);
    CHECK_INT(joins(s.people[0], s.channel), ERR_UNKNOWN_CHANNEL);
}

TEST(who_may_not_speak_is_muted_and_who_may_not_stream_shows_no_video)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    play_channel(&s, "voice", PERM_VIEW_CHANNEL | PERM_CONNECT);
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_STR(kit_get("participants.0.server_muted"), "true");
    CHECK_INT(asks(s.people[0], "voice.participant.update", s.channel, "{\"video\":true}"),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(asks(s.people[1], "voice.participant.join", s.channel, "{\"video\":true}"),
              ERR_MISSING_PERMISSIONS);
}

TEST(a_state_changes_by_what_is_given_alone)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(asks(s.people[0], "voice.participant.update", s.channel, "{\"deafened\":true}"), OK);
    CHECK_STR(kit_get("muted"), "true");
    CHECK_STR(kit_get("deafened"), "true");
    CHECK_STR(kit_event_get("voice.state", "deafened"), "true");
    CHECK_INT(asks(s.people[0], "voice.participant.update", s.channel,
                   "{\"muted\":false,\"video\":true}"),
              OK);
    CHECK_STR(kit_get("muted"), "false");
    CHECK_STR(kit_get("deafened"), "true");
    CHECK_STR(kit_get("video"), "true");
    CHECK_INT(asks(s.people[0], "voice.participant.update", s.channel, "{}"), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(asks(s.people[0], "voice.participant.update", s.other_channel, "{\"muted\":true}"),
              ERR_UNKNOWN_VOICE_STATE);
}

TEST(leaving_is_told_once)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(leaves(s.people[0], s.other_channel), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(leaves(s.people[0], s.channel), OK);
    CHECK_STR(kit_event_get("voice.leave", "user_id"), text_of(s.people[0]));
    CHECK_INT(leaves(s.people[0], s.channel), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(crowd(s.channel), 0);
}

TEST(a_moderators_mute_outlasts_leaving)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    const char *target = kit_f("{\"channel_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\"}",
                               s.channel, s.people[0]);
    CHECK_INT(kit_call(s.people[1], "voice.participant.mute", target, "{\"muted\":true}"), OK);
    CHECK_STR(kit_event_get("voice.state", "server_muted"), "true");
    CHECK_INT(leaves(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_STR(kit_get("participants.0.server_muted"), "true");
    CHECK_INT(kit_call(s.people[1], "voice.participant.mute", target, "{\"muted\":false}"), OK);
    CHECK_INT(leaves(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_STR(kit_get("participants.0.server_muted"), "false");
}

TEST(a_moderator_removes_who_is_there)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    const char *target = kit_f("{\"channel_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\"}",
                               s.channel, s.people[0]);
    CHECK_INT(kit_call(s.people[1], "voice.participant.remove", target, NULL), OK);
    CHECK_STR(kit_event_get("voice.leave", "user_id"), text_of(s.people[0]));
    CHECK_INT(kit_call(s.people[1], "voice.participant.remove", target, NULL),
              ERR_UNKNOWN_VOICE_STATE);
    CHECK_INT(kit_call(s.people[1], "voice.participant.mute", target, "{\"muted\":true}"),
              ERR_UNKNOWN_VOICE_STATE);
}
