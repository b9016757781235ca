/* SPDX-License-Identifier: MIT
 *
 * The timer wheel on a clock of our own: never early, late by less than a tick. */

#include "shared/base/macros.h"
#include "shared/base/wheel.h"
#include "tests/test.h"

enum { TICK_MS = 10, SLOTS = 16 };

#define MS INT64_C(1000)

struct alarm {
    struct timer timer;
    int rang;
    int64_t due_us;
};

static struct {
    struct wheel *wheel;
    int64_t now_us;
} world;

static void begin(void)
{
    world.now_us = 5000 * MS;
    world.wheel = wheel_new(TICK_MS, SLOTS, world.now_us);
}

static size_t sleep_ms(int64_t ms)
{
    world.now_us += ms * MS;
    return wheel_advance(world.wheel, world.now_us);
}

static void ring_bell(struct timer *t, void *arg)
{
    struct alarm *a = arg;
    CHECK(t == &a->timer);
    CHECK(!timer_is_set(t));
    a->rang++;
}

static void set(struct alarm *a, int64_t in_ms)
{
    a->due_us = world.now_us + in_ms * MS;
    timer_set(world.wheel, &a->timer, a->due_us, ring_bell, a);
}

TEST(a_timer_rings_once_when_due_and_not_before)
{
    begin();
    struct alarm a = {0};
    set(&a, 50);
    CHECK(timer_is_set(&a.timer));
    CHECK_INT(sleep_ms(49), 0);
    CHECK_INT(sleep_ms(11), 1);
    CHECK_INT(sleep_ms(1000), 0);
    CHECK_INT(a.rang, 1);
    wheel_free(world.wheel);
}

TEST(a_timer_more_than_a_turn_away_waits_for_its_turn)
{
    begin();
    struct alarm a = {0};
    set(&a, TICK_MS * SLOTS * 3 + 20);
    for (int i = 0; i < SLOTS * 3 + 1; i++)
        CHECK_INT(sleep_ms(TICK_MS), 0);
    CHECK_INT(sleep_ms(TICK_MS), 1);
    wheel_free(world.wheel);
}

TEST(a_cancelled_timer_stays_silent)
{
    begin();
    struct alarm a = {0};
    set(&a, 20);
    timer_cancel(&a.timer);
    timer_cancel(&a.timer);
    CHECK_INT(sleep_ms(1000), 0);
    wheel_free(world.wheel);
}

TEST(setting_a_timer_again_moves_it)
{
    begin();
    struct alarm a = {0};
    set(&a, 20);
    set(&a, 200);
    CHECK_INT(sleep_ms(100), 0);
    CHECK_INT(sleep_ms(110), 1);
    wheel_free(world.wheel);
}

static void ring_again(struct timer *t, void *arg)
{
    struct alarm *a = arg;
    a->rang++;
    timer_set(world.wheel, t, world.now_us, ring_again, a);
}

TEST(a_timer_set_in_its_own_callback_rings_at_the_next_tick)
{
    begin();
    struct alarm a = {0};
    timer_set(world.wheel, &a.timer, world.now_us, ring_again, &a);
    for (int i = 1; i <= 5; i++) {
        CHECK_INT(sleep_ms(TICK_MS), 1);
        CHECK_INT(a.rang, i);
    }
    wheel_free(world.wheel);
}

static void cancel_other(struct timer *t UNUSED, void *arg)
{
    timer_cancel(&((struct alarm *)arg)->timer);
}

TEST(a_callback_may_cancel_a_timer_that_is_due_as_well)
{
    begin();
    struct timer killer = {0};
    struct alarm victim = {0};
    timer_set(world.wheel, &killer, world.now_us + 10 * MS, cancel_other, &victim);
    set(&victim, 10);
    CHECK_INT(sleep_ms(100), 1);
    CHECK_INT(victim.rang, 0);
    wheel_free(world.wheel);
}

TEST(freeing_a_wheel_leaves_its_timers_idle)
{
    begin();
    struct alarm a = {0};
    set(&a, 20);
    wheel_free(world.wheel);
    CHECK(!timer_is_set(&a.timer));
    CHECK_INT(a.rang, 0);
}

static void check_time(struct timer *t UNUSED, void *arg)
{
    struct alarm *a = arg;
    int64_t late = world.now_us - a->due_us;
    CHECK(late >= 0 && late < 2 * TICK_MS * MS);
    a->rang++;
}

TEST(thousands_of_random_timers_ring_on_time)
{
    static struct alarm alarms[2000];
    begin();
    for (size_t i = 0; i < ARRAY_LEN(alarms); i++) {
        alarms[i].due_us = world.now_us + (int64_t)(test_random() % 1000) * MS + 1;
        timer_set(world.wheel, &alarms[i].timer, alarms[i].due_us, check_time, &alarms[i]);
    }
    for (int i = 0; i < 1100 / TICK_MS; i++)
        sleep_ms(TICK_MS);
    for (size_t i = 0; i < ARRAY_LEN(alarms); i++)
        CHECK_INT(alarms[i].rang, 1);
    wheel_free(world.wheel);
}
