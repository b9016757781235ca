/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/voice-signaling/scene.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "shared/wire/bus_kv.h"
#include "shared/wire/event.h"

enum { WAIT_US = 5000000 };

static struct voice_settings settings = {
    .turn_secret = "secret of the tests",
    .turn_urls = "turn:127.0.0.1:3478?transport=udp,turn:127.0.0.1:3478?transport=tcp",
    .stun_urls = "stun:127.0.0.1:3478",
    .turn_ttl_s = 600,
};

/* Connections come up by themselves; the first call that gets through says they are. The bucket is
 * made by who runs these tests: by the service itself at its start. */
static bool wait_up(const struct scene *s)
{
    struct stopper patience;
    struct req rq = clockwork();
    enum err e;
    stopper_init(&patience);
    while ((e = rooms_prepare(&rq)) != OK && mono_us() < rq.deadline_us)
        (void)stopper_wait(&patience, 5);
    while (e == OK && (e = joins(s->people[0], s->channel)) == ERR_UNAVAILABLE &&
           mono_us() < rq.deadline_us)
        (void)stopper_wait(&patience, 5);
    stopper_done(&patience);
    arena_release(&rq.arena);
    return CHECK_INT(e, OK) && CHECK_INT(leaves(s->people[0], s->channel), OK);
}

bool scene_enter(void)
{
    return kit_use(&voice_service, &settings);
}

bool scene_open(struct scene *ret)
{
    static bool is_up;
    if (!scene_enter() || !stand_in_open())
        return false;
    *ret = (struct scene){
        .server = snowflake_next(),
        .channel = snowflake_next(),
        .other_channel = snowflake_next(),
    };
    for (size_t i = 0; i < PEOPLE; i++)
        ret->people[i] = snowflake_next();
    play_channel(ret, "voice", PERM_ALL);
    return is_up || (is_up = wait_up(ret));
}

void play_channel(const struct scene *s, const char *type, uint64_t permissions)
{
    stand_in_answers("messaging.permission.get",
                     kit_f("{\"server_id\":\"%" PRIu64 "\",\"permissions\":\"%" PRIu64
                           "\",\"channel_type\":\"%s\",\"is_member\":true}",
                           s->server, permissions, type));
}

const char *text_of(snowflake id)
{
    return kit_f("%" PRIu64, id);
}

enum err asks(snowflake user, const char *subject, snowflake channel, const char *body)
{
    return kit_call(user, subject, kit_f("{\"channel_id\":\"%" PRIu64 "\"}", channel), body);
}

enum err joins_from(snowflake user, snowflake channel, const char *session)
{
    return asks(user, "voice.participant.join", channel,
                kit_f("{\"session_id\":\"%s\",\"muted\":true}", session));
}

enum err joins(snowflake user, snowflake channel)
{
    return joins_from(user, channel, kit_f("s%" PRIu64, user));
}

enum err leaves(snowflake user, snowflake channel)
{
    return asks(user, "voice.participant.leave", channel, NULL);
}

int crowd(snowflake channel)
{
    CHECK_INT(asks(1, "voice.participant.list", channel, NULL), OK);
    int count = 0;
    for (const char *at = kit_body(); (at = strstr(at, "\"joined_at\"")) != NULL; at++)
        count++;
    return count;
}

struct req clockwork(void)
{
    static const struct caller nobody = {.request_id = "test"};
    return (struct req){
        .from = &nobody,
        .bus = stand_in_bus(),
        .state = &settings,
        .deadline_us = mono_us() + WAIT_US,
    };
}

void grows_old(struct req *rq, snowflake user)
{
    struct bus_kv_entry e = {.key = kit_f("user.%" PRIu64, user)};
    CHECK_INT(bus_kv_get(rq, ROOMS_BUCKET, &e), OK);
    static const char name[] = "\"joined_at\":\"";
    char *joined_at = e.value != NULL ? strstr(e.value, name) : NULL;
    if (!CHECK(joined_at != NULL))
        return;
    joined_at[strlen(name)] = '1'; /* the millennium before */
    CHECK_INT(bus_kv_put(rq, ROOMS_BUCKET, &e), OK);
}

int left_by(enum err (*sweep)(struct req *rq), struct req *rq)
{
    int count = 0;
    rq->events = NULL;
    CHECK_INT(sweep(rq), OK);
    for (const struct event *ev = rq->events; ev != NULL; ev = ev->next)
        count += ev->type == EV_VOICE_LEAVE;
    return count;
}
