/* SPDX-License-Identifier: MIT */
#include "shared/base/clock.h"
#include "shared/wire/event.h"
#include "tests/unit/services/voice-signaling/scene.h"

static enum err hears_of(enum event_id ev, listen_fn *fn, const struct shape *shape,
                         const char *payload)
{
    const struct listen row = {ev, "test", fn, shape};
    return kit_hear(&row, payload, NULL);
}

static enum err session_ends(snowflake user, const char *session, const char *is_last)
{
    return hears_of(EV_SESSION_EXPIRE, session_ended, &session_end_shape,
                    kit_f("{\"session_id\":\"%s\",\"user_id\":\"%" PRIu64 "\",\"is_last\":%s}",
                          session, user, is_last));
}

TEST(who_spoke_from_a_session_that_ended_has_left)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins_from(s.people[0], s.channel, "laptop"), OK);
    CHECK_INT(session_ends(s.people[0], "phone", "false"), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(session_ends(s.people[0], "laptop", "false"), OK);
    CHECK_STR(kit_event_get("voice.leave", "user_id"), text_of(s.people[0]));
    CHECK_INT(crowd(s.channel), 0);
}

TEST(who_said_no_session_has_left_with_the_last_one)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(asks(s.people[0], "voice.participant.join", s.channel, "{}"), OK);
    CHECK_INT(session_ends(s.people[0], "phone", "false"), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(session_ends(s.people[0], "laptop", "true"), OK);
    CHECK(kit_event("voice.leave") != NULL);
}

TEST(a_member_who_leaves_the_server_leaves_its_rooms_and_no_others)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(hears_of(EV_MEMBER_DELETE, member_left, &member_end_shape,
                       kit_f("{\"server_id\":\"77\",\"user_id\":\"%" PRIu64 "\"}", s.people[0])),
              OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(hears_of(EV_MEMBER_DELETE, member_left, &member_end_shape,
                       kit_f("{\"server_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\"}",
                             s.server, s.people[0])),
              OK);
    CHECK(kit_event("voice.leave") != NULL);
    CHECK_INT(crowd(s.channel), 0);
}

static enum err changes(const struct scene *s, int64_t timed_out_until)
{
    char until[TIME_TEXT_SIZE];
    time_format_rfc3339(timed_out_until, until);
    return hears_of(EV_MEMBER_UPDATE, member_changed, &member_change_shape,
                    kit_f("{\"server_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64
                          "\",\"timed_out_until\":\"%s\"}",
                          s->server, s->people[0], until));
}

TEST(who_is_timed_out_has_left)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(changes(&s, clock_us() - 1000000), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(changes(&s, clock_us() + 60000000), OK);
    CHECK(kit_event("voice.leave") != NULL);
}

TEST(a_deleted_channel_is_empty_and_so_are_all_of_a_deleted_server)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(joins(s.people[0], s.channel), OK);
    CHECK_INT(joins(s.people[1], s.channel), OK);
    CHECK_INT(joins(s.people[2], s.other_channel), OK);
    CHECK_INT(hears_of(EV_CHANNEL_DELETE, channel_ended, &channel_end_shape,
                       kit_f("{\"id\":\"%" PRIu64 "\"}", s.channel)),
              OK);
    CHECK_INT(kit_event_count(), 2);
    CHECK_INT(crowd(s.channel), 0);
    CHECK_INT(crowd(s.other_channel), 1);
    CHECK_INT(hears_of(EV_SERVER_DELETE, server_ended, &server_end_shape,
                       kit_f("{\"server_id\":\"%" PRIu64 "\"}", s.server)),
              OK);
    CHECK_INT(kit_event_count(), 1);
    CHECK_STR(kit_event_get("voice.leave", "user_id"), text_of(s.people[2]));
    CHECK_INT(crowd(s.other_channel), 0);
}

TEST(a_ghost_whose_end_was_missed_is_found_by_asking_presence)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    struct req rq = clockwork();
    CHECK_INT(joins(s.people[0], s.channel), OK);
    stand_in_answers("presence.status.get",
                     kit_f("[{\"user_id\":\"%" PRIu64 "\",\"status\":\"offline\"}]", s.people[0]));
    /* Just joined: presence may not have heard of them yet. */
    CHECK_INT(left_by(ghost_sweep, &rq), 0);
    grows_old(&rq, s.people[0]);
    stand_in_refuses("presence.status.get", ERR_UNAVAILABLE);
    CHECK_INT(left_by(ghost_sweep, &rq), 0);
    stand_in_answers("presence.status.get",
                     kit_f("[{\"user_id\":\"%" PRIu64 "\",\"status\":\"online\"}]", s.people[0]));
    CHECK_INT(left_by(ghost_sweep, &rq), 0);
    CHECK_INT(crowd(s.channel), 1);
    stand_in_answers("presence.status.get",
                     kit_f("[{\"user_id\":\"%" PRIu64 "\",\"status\":\"offline\"}]", s.people[0]));
    CHECK_INT(left_by(ghost_sweep, &rq), 1);
    CHECK_INT(crowd(s.channel), 0);
    arena_release(&rq.arena);
}
