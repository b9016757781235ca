/* SPDX-License-Identifier: MIT */
#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "tests/stand_in.h"
#include "tests/unit/services/messaging/world.h"

static enum err prepares(struct messaging *m)
{
    static const struct caller nobody = {.request_id = "test"};
    struct req rq = {
        .from = &nobody,
        .bus = stand_in_bus(),
        .state = m,
        .deadline_us = mono_us() + 2000000,
    };
    enum err e = instance_prepare(&rq);
    arena_release(&rq.arena);
    return e;
}

static bool prepares_soon(struct messaging *m)
{
    struct stopper patience;
    int64_t until_us = mono_us() + 2000000;
    enum err e;
    stopper_init(&patience);
    while ((e = prepares(m)) == ERR_UNAVAILABLE && mono_us() < until_us)
        (void)stopper_wait(&patience, 5);
    stopper_done(&patience);
    return e == OK;
}

TEST(messaging_begins_with_what_auth_says_of_the_instance)
{
    static const struct messaging_settings settings = {.media_secret = ""};
    if (!stand_in_open())
        return;
    static struct messaging *m; /* not freed: an answer may still be on its way */
    m = messaging_new(&settings);
    stand_in_refuses("auth.instance.settings", ERR_UNAVAILABLE);
    CHECK_INT(prepares(m), ERR_UNAVAILABLE);
    CHECK(!atomic_load(&m->is_instance_known));
    stand_in_answers("auth.instance.settings", "{\"read_only\":true,\"slow_mode\":7}");
    CHECK(prepares_soon(m));
    CHECK(atomic_load(&m->is_instance_known));
    CHECK(atomic_load(&m->is_read_only));
    CHECK_INT(atomic_load(&m->slow_mode_s), 7);
}

TEST(reading_does_not_wait_for_auth_for_ever)
{
    static const struct messaging_settings settings = {.media_secret = ""};
    struct messaging *m = messaging_new(&settings);
    m->began_us -= 6000000;
    CHECK_INT(prepares(m), OK);
    CHECK(!atomic_load(&m->is_instance_known));
    messaging_free(m);
}

TEST(nobody_posts_before_it_is_known_whether_the_instance_is_read_only)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake id = say(p.owner, p.channel, "before");
    atomic_store(&world_state()->is_instance_known, false);
    CHECK_INT(
        kit_call(p.owner, "messaging.message.create", in_channel(p.channel), "{\"content\":\"x\"}"),
        ERR_UNAVAILABLE);
    CHECK_INT(kit_call(p.owner, "messaging.message.update", of_message(p.channel, id),
                       "{\"content\":\"x\"}"),
              ERR_UNAVAILABLE);
    CHECK_INT(kit_call(p.owner, "messaging.message.list", in_channel(p.channel), NULL), OK);
    atomic_store(&world_state()->is_instance_known, true);
    CHECK(say(p.owner, p.channel, "after") != 0);
}
