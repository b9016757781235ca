/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>

#include "shared/base/clock.h"
#include "shared/domain/limit.h"
#include "shared/wire/bus_kv.h"
#include "tests/unit/services/voice-signaling/scene.h"

enum { THREADS = 4, STEPS = 12 };

/* How many keys there are of this test's rooms. */
static size_t rooms_kept(const struct scene *s)
{
    struct req rq = clockwork();
    struct list keys = {.count = 0};
    CHECK_INT(bus_kv_keys(&rq, ROOMS_BUCKET, kit_f("room.%" PRIu64 ".*", s->server), 10, &keys),
              OK);
    arena_release(&rq.arena);
    return keys.count;
}

/* The channel has `count` places whose users sit nowhere. */
static void abandon_places(const struct scene *s, size_t count, const char *since)
{
    struct req rq = clockwork();
    struct bus_kv_entry e = {.key = kit_f("room.%" PRIu64 ".%" PRIu64, s->server, s->channel)};
    auto_buf struct buf json = {0};
    buf_printf(&json, "{\"channel_id\":\"%" PRIu64 "\",\"server_id\":\"%" PRIu64 "\",\"places\":[",
               s->channel, s->server);
    for (size_t i = 0; i < count; i++)
        buf_printf(&json, "%s{\"user_id\":\"%" PRIu64 "\",\"ticket\":%zu,\"since\":\"%s\"}",
                   i == 0 ? "" : ",", snowflake_next(), i + 1, since);
    buf_adds(&json, "]}");
    e.value = buf_str(&json);
    e.len = json.len;
    CHECK_INT(bus_kv_put(&rq, ROOMS_BUCKET, &e), OK);
    arena_release(&rq.arena);
}

TEST(a_room_is_kept_only_while_somebody_sits_in_it)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[1], s.other_channel), OK);
    CHECK_INT(rooms_kept(&s), 2);
    CHECK_INT(joins(s.people[0], s.other_channel), OK);
    CHECK_INT(rooms_kept(&s), 1);
    CHECK_INT(leaves(s.people[0], s.other_channel), OK);
    CHECK_INT(leaves(s.people[1], s.other_channel), OK);
    CHECK_INT(rooms_kept(&s), 0);
}

TEST(a_place_that_somebody_may_just_be_taking_is_not_given_away)
{
    struct scene s;
    char now[TIME_TEXT_SIZE];
    if (!scene_open(&s))
        return;
    time_format_rfc3339(clock_us(), now);
    abandon_places(&s, LIMIT_VOICE_MESH, now);
    CHECK_INT(crowd(s.channel), 0);
    CHECK_INT(joins(s.people[0], s.channel), ERR_VOICE_FULL);
}

TEST(places_left_behind_are_in_nobodys_way)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    abandon_places(&s, LIMIT_VOICE_MESH, "2001-01-01T00:00:00.000Z");
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(crowd(s.channel), 1);
    CHECK_INT(leaves(s.people[0], s.channel), OK);
    abandon_places(&s, LIMIT_VOICE_MESH, "2001-01-01T00:00:00.000Z");
    CHECK_INT(crowd(s.channel), 0);
    CHECK_INT(rooms_kept(&s), 0);
}

struct restless {
    struct scene scene;
    atomic_int number;
};

/* Joins one room, then the other, leaves … from several devices at once. */
static void *move_about(void *arg)
{
    struct restless *r = arg;
    const struct scene *s = &r->scene;
    if (!scene_enter())
        return NULL;
    const int mine = r->number++;
    const char session[] = {'d', (char)('0' + mine), '\0'};
    for (int i = 0; i < STEPS; i++) {
        const snowflake channel = (i + mine) % 2 == 0 ? s->channel : s->other_channel;
        CHECK_INT(joins_from(s->people[0], channel, session), OK);
        if ((i + mine) % 3 == 0)
            CHECK_INT(leaves(s->people[0], channel), OK);
    }
    return NULL;
}

TEST(who_moves_from_several_devices_at_once_sits_in_one_room_and_leaves_no_place_behind)
{
    struct restless r = {.number = 0};
    pthread_t threads[THREADS];
    if (!scene_open(&r.scene))
        return;
    const struct scene *s = &r.scene;
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, move_about, &r);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(crowd(s->channel) + crowd(s->other_channel) <= 1);
    CHECK_INT(joins(s->people[0], s->channel), OK);
    CHECK_INT(crowd(s->channel), 1);
    CHECK_INT(crowd(s->other_channel), 0);
    CHECK_INT(leaves(s->people[0], s->channel), OK);
    CHECK_INT(rooms_kept(s), 0);
}

TEST(a_mute_and_a_move_at_the_same_time_lose_neither)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    struct restless r = {.scene = s};
    pthread_t mover;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    pthread_create(&mover, NULL, move_about, &r);
    int muted = 0;
    for (int i = 0; i < STEPS; i++) {
        const char *target = kit_f("{\"channel_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\"}",
                                   s.channel, s.people[0]);
        enum err e = kit_call(s.people[1], "voice.participant.mute", target, "{\"muted\":true}");
        CHECK(e == OK || e == ERR_UNKNOWN_VOICE_STATE);
        muted += e == OK;
    }
    pthread_join(mover, NULL);
    CHECK_INT(joins(s.people[0], s.other_channel), OK);
    CHECK_STR(kit_get("participants.0.server_muted"), muted > 0 ? "true" : "false");
}
