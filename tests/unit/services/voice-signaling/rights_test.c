/* SPDX-License-Identifier: MIT */
#include "shared/domain/permission.h"
#include "shared/wire/bus_kv.h"
#include "shared/wire/event.h"
#include "tests/unit/services/voice-signaling/scene.h"

static enum err role_changes(const struct scene *s)
{
    const struct listen row = {EV_ROLE_UPDATE, "test", rights_changed, &rights_change_shape};
    return kit_hear(&row, kit_f("{\"server_id\":\"%" PRIu64 "\"}", s->server), NULL);
}

static struct req begin(void)
{
    struct req rq = clockwork();
    struct list marks;
    CHECK_INT(recheck_marks(&rq, 1000, &marks), OK); /* other tests' */
    for (size_t i = 0; i < marks.count; i++)
        CHECK_INT(recheck_done(&rq, LIST_AT(&marks, struct recheck, i)), OK);
    return rq;
}

static void end(struct req *rq)
{
    arena_release(&rq->arena);
}

/* As if the mark were old. */
static void let_time_pass(struct req *rq, const struct scene *s)
{
    struct bus_kv_entry e = {
        .key = kit_f(RECHECK_KEY "%" PRIu64, s->server),
        .value = "1",
        .len = 1,
        .revision = BUS_KV_ANY,
    };
    CHECK_INT(bus_kv_put(rq, ROOMS_BUCKET, &e), OK);
}

TEST(who_loses_the_right_to_a_channel_loses_the_seat)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    struct req rq = begin();
    CHECK_INT(joins(s.people[0], s.channel), OK);
    play_channel(&s, "voice", PERM_VIEW_CHANNEL);
    CHECK_INT(left_by(rights_sweep, &rq), 0); /* nothing has changed yet */
    CHECK_INT(role_changes(&s), OK);
    CHECK_INT(left_by(rights_sweep, &rq), 1);
    CHECK_INT(crowd(s.channel), 0);
    CHECK_INT(joins(s.people[1], s.channel), OK);
    stand_in_refuses("messaging.permission.get", ERR_UNKNOWN_CHANNEL);
    CHECK_INT(left_by(rights_sweep, &rq), 1);
    CHECK_INT(crowd(s.channel), 0);
    end(&rq);
}

TEST(what_messaging_said_too_early_or_not_at_all_is_asked_again)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    struct req rq = begin();
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(role_changes(&s), OK);
    CHECK_INT(left_by(rights_sweep, &rq), 0);
    stand_in_refuses("messaging.permission.get", ERR_UNAVAILABLE);
    let_time_pass(&rq, &s);
    CHECK_INT(left_by(rights_sweep, &rq), 0);
    CHECK_INT(crowd(s.channel), 1);
    play_channel(&s, "voice", PERM_VIEW_CHANNEL);
    CHECK_INT(left_by(rights_sweep, &rq), 1);
    /* The mark was due and is done with. */
    play_channel(&s, "voice", PERM_ALL);
    CHECK_INT(joins(s.people[0], s.channel), OK);
    play_channel(&s, "voice", PERM_VIEW_CHANNEL);
    CHECK_INT(left_by(rights_sweep, &rq), 0);
    end(&rq);
}

TEST(an_administrator_of_the_instance_is_asked_about_as_one)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    struct req rq = begin();
    kit_caller()->is_admin = true;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    kit_caller()->is_admin = false;
    CHECK_INT(role_changes(&s), OK);
    CHECK_INT(left_by(rights_sweep, &rq), 0);
    CHECK_STR(stand_in_head("messaging.permission.get", "Parley-Actor"), text_of(s.people[0]));
    CHECK_STR(stand_in_head("messaging.permission.get", "Parley-Flags"), "a");
    CHECK_INT(crowd(s.channel), 1);
    end(&rq);
}
