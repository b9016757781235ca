/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/services/presence/scene.h"

enum { THREADS = 6 };

static const char *text_of(snowflake id)
{
    return kit_f("%" PRIu64, id);
}

/* As if a minute had gone by without a beat. */
static void age(const char *session)
{
    CHECK_STR(redis("ZADD presence:sessions XX CH 1 %s", session), "1");
}

static enum err sweep(void)
{
    static const struct job job = {"session_sweep", 2, JOB_EACH, session_sweep};
    return kit_run(&job);
}

static enum err hear(enum event_id ev, listen_fn *fn, const struct scene *s)
{
    const struct listen row = {ev, "test", fn, &membership_shape};
    return kit_hear(
        &row,
        kit_f("{\"server_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\"}", s->server, s->user),
        NULL);
}

TEST(the_first_session_turns_a_user_online_and_tells_each_server_once)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(kit_event_count(), 1);
    CHECK_STR(kit_event_get("presence.update", "user_id"), text_of(s.user));
    CHECK_STR(kit_event_get("presence.update", "server_id"), text_of(s.server));
    CHECK_STR(kit_event_get("presence.update", "status"), "online");
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_STR(listed(&s, "online"), text_of(s.user));
}

TEST(a_user_is_online_while_any_device_is)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(session_opens(&s, s.phone), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(session_closes(s.laptop), OK);
    CHECK(kit_event("presence.update") == NULL);
    CHECK_STR(kit_event_get("expiry.session", "session_id"), s.laptop);
    CHECK_STR(kit_event_get("expiry.session", "is_last"), "false");
    CHECK_STR(listed(&s, "online"), text_of(s.user));

    CHECK_INT(session_closes(s.phone), OK);
    CHECK_INT(kit_event_count(), 2);
    CHECK_STR(kit_event_get("presence.update", "status"), "offline");
    CHECK(kit_event_get("presence.update", "last_seen")[0] == '2');
    CHECK_STR(kit_event_get("expiry.session", "is_last"), "true");
    CHECK_STR(listed(&s, "online"), "");
    CHECK_STR(listed(&s, "offline"), text_of(s.user));
    CHECK(kit_get("0.last_seen")[0] == '2');
}

TEST(closing_twice_tells_nothing_the_second_time)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(session_closes(s.laptop), OK);
    CHECK_INT(session_closes(s.laptop), OK);
    CHECK_INT(kit_event_count(), 0);
}

TEST(a_second_device_asks_messaging_nothing)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    int before = stand_in_asked("messaging.member.servers");
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(session_opens(&s, s.phone), OK);
    CHECK_INT(stand_in_asked("messaging.member.servers"), before + 1);
}

TEST(while_messaging_is_away_a_session_is_opened_by_a_later_beat)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    stand_in_refuses("messaging.member.servers", ERR_UNAVAILABLE);
    CHECK_INT(session_opens(&s, s.laptop), ERR_UNAVAILABLE);
    CHECK_INT(kit_event_count(), 0);
    stand_in_answers("messaging.member.servers", kit_f("[{\"id\":\"%" PRIu64 "\"}]", s.server));
    CHECK_INT(session_beats(&s, s.laptop), OK);
    CHECK_STR(kit_event_get("presence.update", "status"), "online");
    CHECK_INT(session_beats(&s, s.laptop), OK);
    CHECK_INT(kit_event_count(), 0);
}

TEST(who_leaves_while_a_session_opens_is_not_shown_by_what_messaging_said_before)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(hear(EV_MEMBER_DELETE, member_left, &s), OK);
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_STR(listed(&s, "online"), "");
    /* Coming back is heard as always, and opens the way for other devices. */
    CHECK_INT(hear(EV_MEMBER_CREATE, member_joined, &s), OK);
    CHECK_STR(kit_event_get("presence.update", "status"), "online");
    CHECK_INT(session_closes(s.laptop), OK);
    CHECK_INT(session_opens(&s, s.phone), OK);
    CHECK_STR(listed(&s, "online"), text_of(s.user));
}

TEST(a_session_without_beats_goes_offline_by_the_sweep)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(sweep(), OK);
    CHECK_STR(listed(&s, "online"), text_of(s.user));
    age(s.laptop);
    CHECK_INT(sweep(), OK);
    CHECK_STR(kit_event_get("presence.update", "status"), "offline");
    CHECK_STR(kit_event_get("expiry.session", "session_id"), s.laptop);
    CHECK_STR(kit_event_get("expiry.session", "app_id"), "1");
    CHECK_INT(sweep(), OK);
    CHECK_INT(kit_event_count(), 0);
}

TEST(after_a_pause_nobody_is_missed_before_every_gateway_could_beat)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    age(s.laptop);
    (void)redis("SET presence:swept 1");
    CHECK_INT(sweep(), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(sweep(), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_STR(listed(&s, "online"), text_of(s.user));
    (void)redis("SET presence:known 1");
    CHECK_INT(sweep(), OK);
    CHECK_STR(kit_event_get("presence.update", "status"), "offline");
}

TEST(a_beat_keeps_a_session_from_the_sweep)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    age(s.laptop);
    CHECK_INT(session_beats(&s, s.laptop), OK);
    CHECK_INT(sweep(), OK);
    CHECK(kit_event("expiry.session") == NULL);
    CHECK_STR(listed(&s, "online"), text_of(s.user));
}

TEST(a_session_id_taken_over_by_another_user_ends_the_first_ones_session)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    struct scene other = s;
    other.user = snowflake_next();
    CHECK_INT(session_opens(&other, s.laptop), OK);
    CHECK_STR(kit_event_get("expiry.session", "user_id"), text_of(s.user));
    CHECK_STR(listed(&s, "online"), text_of(other.user));
    CHECK_STR(listed(&s, "offline"), text_of(s.user));
}

struct race {
    struct scene scene;
    atomic_int told;
    atomic_int next;
};

static void *open_one(void *arg)
{
    struct race *race = arg;
    if (!kit_use(&presence_service, NULL))
        return NULL;
    const char *session = kit_f("r%d-%s", race->next++, race->scene.laptop);
    CHECK_INT(session_opens(&race->scene, session), OK);
    race->told += kit_event("presence.update") != NULL;
    return NULL;
}

static void *close_one(void *arg)
{
    struct race *race = arg;
    if (!kit_use(&presence_service, NULL))
        return NULL;
    CHECK_INT(session_closes(kit_f("r%d-%s", race->next++, race->scene.laptop)), OK);
    race->told += kit_event("presence.update") != NULL;
    return NULL;
}

static int told_by_all(struct race *race, void *(*fn)(void *))
{
    pthread_t threads[THREADS];
    race->told = 0;
    race->next = 0;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, fn, race);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return race->told;
}

TEST(of_many_devices_that_come_and_go_at_once_one_tells_the_change)
{
    struct race race = {.told = 0};
    if (!scene_open(&race.scene))
        return;
    CHECK_INT(told_by_all(&race, open_one), 1);
    CHECK_INT(told_by_all(&race, close_one), 1);
    CHECK_STR(listed(&race.scene, "online"), "");
}

TEST(who_joins_a_server_while_online_appears_there)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    stand_in_answers("messaging.member.servers", "[]");
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(hear(EV_MEMBER_CREATE, member_joined, &s), OK);
    CHECK_STR(kit_event_get("presence.update", "server_id"), text_of(s.server));
    CHECK_INT(hear(EV_MEMBER_CREATE, member_joined, &s), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(session_closes(s.laptop), OK);
    CHECK_STR(kit_event_get("presence.update", "status"), "offline");
}

TEST(who_joins_a_server_while_offline_is_unknown_there)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(hear(EV_MEMBER_CREATE, member_joined, &s), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_STR(listed(&s, "online"), "");
    CHECK_STR(listed(&s, "offline"), "");
}

TEST(who_leaves_a_server_is_no_longer_shown_there)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(hear(EV_MEMBER_DELETE, member_left, &s), OK);
    CHECK_STR(listed(&s, "online"), "");
    CHECK_INT(session_closes(s.laptop), OK);
    CHECK(kit_event("presence.update") == NULL);
    CHECK_STR(listed(&s, "offline"), "");
}

TEST(a_deleted_server_is_forgotten)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    static const struct listen row = {EV_SERVER_DELETE, "test", server_ended, &server_end_shape};
    CHECK_INT(session_opens(&s, s.laptop), OK);
    CHECK_INT(kit_hear(&row, kit_f("{\"server_id\":\"%" PRIu64 "\"}", s.server), NULL), OK);
    CHECK_INT(session_closes(s.laptop), OK);
    CHECK(kit_event("presence.update") == NULL);
    CHECK_STR(redis("EXISTS presence:offline:%" PRIu64, s.server), "0");
}

TEST(nobody_has_no_session)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    s.user = 0;
    CHECK_INT(session_opens(&s, "x"), ERR_UNAUTHORIZED);
}
