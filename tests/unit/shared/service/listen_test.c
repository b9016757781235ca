/* SPDX-License-Identifier: MIT
 *
 * What a service hears: durable events once they are committed, fleeting ones, and poison.
 */
#include "shared/service/listen.h"

#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "tests/kit.h"
#include "tests/test.h"
#include "tests/unit/shared/service/notes.h"
#include "tests/unit/shared/service/runtime_world.h"

enum { ANN = 7, PATIENCE_US = 5 * 1000 * 1000 };

/* The test service writes down what it hears of a channel in the channel after it. */
static bool is_heard(snowflake channel, long times)
{
    struct timespec pause = {.tv_nsec = 5000000};
    int64_t until_us = mono_us() + PATIENCE_US;
    while (notes_count(channel + 1) < times && mono_us() < until_us)
        nanosleep(&pause, NULL);
    return notes_count(channel + 1) == times;
}

TEST(an_event_subject_is_of_any_application_and_place)
{
    char subject[LISTEN_SUBJECT_SIZE];
    listen_subject(EV_MESSAGE_CREATE, subject);
    CHECK_STR(subject, "evt.v1.*.s.*.c.*.message.create");
    listen_subject(EV_SERVER_UPDATE, subject);
    CHECK_STR(subject, "evt.v1.*.s.*.server.update");
    listen_subject(EV_READ_UPDATE, subject);
    CHECK_STR(subject, "evt.v1.*.u.*.read.update");
    listen_subject(EV_USER_CREATE, subject);
    CHECK_STR(subject, "evt.v1.*.i.*.user.create");
}

TEST(a_committed_event_is_heard_and_a_poisoned_one_blocks_nobody)
{
    struct service_world w;
    if (!service_world_open(&w, (struct world_limits){2, 64}))
        return;
    struct listeners *listeners = listeners_start(&w.rt);
    struct asked poison = {
        .actor = ANN, .channel = notes_channel(), .form = "{\"text\":\"unheard\"}"};
    struct asked good = {.actor = ANN, .channel = notes_channel(), .form = "{\"text\":\"hear\"}"};
    service_world_ask(&w, "notes.note.create", &poison, 1);
    service_world_ask(&w, "notes.note.create", &good, 1);
    CHECK_INT(good.status, 201);
    CHECK(is_heard(good.channel, 1));
    CHECK_INT(notes_count(poison.channel + 1), 0);
    listeners_stop(listeners);
    service_world_close(&w);
}

TEST(a_fleeting_event_is_heard_by_a_worker)
{
    struct service_world w;
    if (!service_world_open(&w, (struct world_limits){2, 64}))
        return;
    struct asked q = {.actor = ANN, .channel = notes_channel(), .form = "{\"text\":\"typing\"}"};
    service_world_ask(&w, "notes.note.typing", &q, 1);
    CHECK_INT(q.status, 204);
    CHECK(is_heard(q.channel, 1));
    service_world_close(&w);
}
