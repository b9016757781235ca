/* SPDX-License-Identifier: MIT
 *
 * The realtime side as a client meets it, over real sockets and a real bus. */

#include "gateway/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "shared/base/clock.h"
#include "tests/test.h"
#include "tests/unit/gateway/realtime.h"

static bool begin(struct world *w)
{
    return world_prepare(w) && world_begin(w);
}

static bool begin_with(struct world *w, struct client *c)
{
    return begin(w) && client_identify(c, w, W_USER, 1);
}

/* The seq an event frame carries; 0 when there is none. */
static long long seq_of(const char *frame)
{
    const char *at = frame != NULL ? strstr(frame, "\"seq\":") : NULL;
    return at != NULL ? atoll(at + 6) : 0;
}

TEST(a_client_is_greeted_identifies_and_gets_its_state)
{
    struct world w;
    struct client c;
    if (!begin(&w))
        return;
    CHECK(client_open(&c, &w, "/ws", NULL));
    CHECK_STR(client_next(&c, 2000),
              "{\"op\":\"hello\",\"d\":{\"heartbeat_interval\":30000,\"protocol\":1}}");
    client_send(&c, "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}", world_token(&w, W_USER, 1));
    const char *ready = client_next(&c, 2000);
    CHECK(ready != NULL && strstr(ready, "{\"op\":\"ready\",\"d\":{\"session_id\":\"") == ready);
    CHECK(strstr(ready, "\"resume_url\":\"ws://localhost:8080/ws?loop=0\"") != NULL);
    CHECK(strstr(ready, "\"username\":\"ann\"") != NULL);
    CHECK(strstr(ready, "\"servers\":[{\"id\":\"100\"") != NULL);
    client_send(&c, "{\"op\":\"heartbeat\",\"received\":0}");
    CHECK_STR(client_next(&c, 2000), "{\"op\":\"heartbeat_ack\"}");
    client_close(&c);
    world_end(&w);
}

TEST(a_token_in_the_url_identifies_too)
{
    struct world w;
    struct client c;
    char path[1024];
    if (!begin(&w))
        return;
    snprintf(path, sizeof(path), "/ws?token=%s", world_token(&w, W_USER, 1));
    CHECK(client_open(&c, &w, path, NULL));
    CHECK(client_await(&c, "\"ready\"") != NULL);
    client_close(&c);
    world_end(&w);
}

TEST(events_come_in_order_and_once_whatever_the_bus_does)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    world_message(&w, "one");
    CHECK_INT(seq_of(client_next(&c, 2000)), 6);
    world_repeat_message(&w, 6);
    world_lose_message(&w, "two");
    world_message(&w, "three");
    CHECK_INT(seq_of(client_next(&c, 2000)), 7);
    CHECK_INT(seq_of(client_next(&c, 2000)), 8);
    CHECK(client_is_quiet(&c, 100));
    CHECK_INT(w.model.syncs, 1);
    client_close(&c);
    world_end(&w);
}

TEST(a_hidden_channel_is_not_heard_until_a_role_shows_it)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    world_secret(&w, "psst");
    world_message(&w, "hello");
    CHECK(strstr(client_next(&c, 2000), "\"hello\"") != NULL);

    world_role(&w, W_USER, true);
    const char *gained = client_next(&c, 2000);
    CHECK(gained != NULL && strstr(gained, "\"t\":\"channel.create\"") != NULL);
    CHECK(gained != NULL && strstr(gained, "\"id\":\"8\"") != NULL && seq_of(gained) == 4);
    CHECK(client_await(&c, "member.update") != NULL);
    world_secret(&w, "welcome");
    CHECK(strstr(client_next(&c, 2000), "welcome") != NULL);

    world_role(&w, W_USER, false);
    const char *lost = client_next(&c, 2000);
    CHECK(lost != NULL && strstr(lost, "\"t\":\"channel.delete\"") != NULL);
    CHECK(client_await(&c, "member.update") != NULL);
    world_secret(&w, "gone");
    CHECK(client_is_quiet(&c, 100));
    client_close(&c);
    world_end(&w);
}

TEST(what_only_some_may_know_of_a_server_is_not_told_to_every_member)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    world_event(&w, "evt.v1.1.s.100.invite.create", 0, "{\"code\":\"secret\"}");
    world_event(&w, "evt.v1.1.s.100.ban.create", 0, "{\"reason\":\"secret\"}");
    world_message(&w, "for all");
    CHECK(strstr(client_next(&c, 2000), "for all") != NULL);
    client_close(&c);
    world_end(&w);
}

TEST(what_has_no_number_and_is_published_again_is_told_once)
{
    struct world w;
    struct client c;
    if (!world_prepare(&w))
        return;
    w.model.permissions |= PERM_MANAGE_SERVER;
    if (!CHECK(world_begin(&w)) || !CHECK(client_identify(&c, &w, W_USER, 1)))
        return;
    for (int i = 0; i < 2; i++) {
        world_event_named(&w, "evt.v1.1.s.100.invite.create", "a-1", "{\"code\":\"one\"}");
        world_event_named(&w, "evt.v1.1.s.100.invite.create", "a-2", "{\"code\":\"two\"}");
    }
    world_message(&w, "afterwards");
    CHECK(strstr(client_next(&c, 2000), "one") != NULL);
    CHECK(strstr(client_next(&c, 2000), "two") != NULL);
    CHECK(strstr(client_next(&c, 2000), "afterwards") != NULL);
    client_close(&c);
    world_end(&w);
}

TEST(who_is_kicked_hears_nothing_more_and_who_joins_gets_the_whole_server)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    world_kick(&w, W_USER);
    CHECK(client_await(&c, "\"t\":\"server.leave\"") != NULL);
    world_message(&w, "without you");
    CHECK(client_is_quiet(&c, 100));

    world_join(&w, W_USER);
    const char *joined = client_next(&c, 2000);
    CHECK(joined != NULL && strstr(joined, "\"t\":\"server.create\"") != NULL);
    CHECK(joined != NULL && strstr(joined, "\"channels\":[{\"id\":\"7\"") != NULL);
    world_message(&w, "with you");
    CHECK(strstr(client_next(&c, 2000), "with you") != NULL);
    client_close(&c);
    world_end(&w);
}

TEST(a_lost_session_resumes_where_it_was)
{
    struct world w;
    struct client c, again;
    if (!begin_with(&w, &c))
        return;
    world_message(&w, "one");
    world_message(&w, "two");
    CHECK_INT(seq_of(client_next(&c, 2000)), 6);
    client_cut(&c);
    world_message(&w, "three");

    CHECK(client_open(&again, &w, "/ws?loop=0", NULL));
    client_send(&again,
                "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"session_id\":\"%s\",\"received\":1}}",
                world_token(&w, W_USER, 1), c.session_id);
    CHECK(client_await(&again, "\"resumed\"") != NULL);
    CHECK_INT(seq_of(client_next(&again, 2000)), 7);
    CHECK_INT(seq_of(client_next(&again, 2000)), 8);
    world_message(&w, "four");
    CHECK_INT(seq_of(client_next(&again, 2000)), 9);
    CHECK_INT(w.model.syncs, 0);
    client_close(&again);
    world_end(&w);
}

TEST(cursors_resume_a_session_that_this_gateway_does_not_know)
{
    struct world w;
    struct client c[3];
    if (!begin(&w))
        return;
    for (size_t i = 0; i < 3; i++) {
        CHECK(client_open(&c[i], &w, "/ws", NULL));
        client_send(&c[i],
                    "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"session_id\":\"elsewhere\","
                    "\"received\":9,\"cursors\":{\"100\":10,\"7\":%zu}}}",
                    world_token(&w, W_USER + i, 1 + i), 2 + i);
        const char *resumed = client_await(&c[i], "\"resumed\"");
        char replayed[32];
        snprintf(replayed, sizeof(replayed), "\"replayed\":%zu", 3 - i);
        CHECK(resumed != NULL && strstr(resumed, replayed) != NULL);
        for (size_t seq = 3 + i; seq <= 5; seq++)
            CHECK_INT(seq_of(client_next(&c[i], 2000)), (long long)seq);
    }
    world_message(&w, "new");
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(seq_of(client_next(&c[i], 2000)), 6);
        client_close(&c[i]);
    }
    CHECK_INT(w.model.syncs, 1);
    world_end(&w);
}

TEST(a_server_that_changed_meanwhile_comes_whole_and_what_is_gone_ends_the_resume)
{
    struct world w;
    struct client c;
    if (!begin(&w))
        return;
    CHECK(client_open(&c, &w, "/ws", NULL));
    client_send(&c, "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"cursors\":{\"100\":9,\"7\":4}}}",
                world_token(&w, W_USER, 1));
    CHECK(client_await(&c, "\"resumed\"") != NULL);
    CHECK(strstr(client_next(&c, 2000), "\"t\":\"server.create\"") != NULL);
    world_message(&w, "new");
    CHECK_INT(seq_of(client_next(&c, 2000)), 6);
    client_close(&c);

    CHECK(client_open(&c, &w, "/ws", NULL));
    client_send(&c,
                "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"cursors\":{\"100\":10,\"7\":4,"
                "\"99\":1}}}",
                world_token(&w, W_USER, 1));
    CHECK(client_await(&c, "invalid_session") != NULL);
    client_send(&c, "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}", world_token(&w, W_USER, 1));
    CHECK(client_await(&c, "\"ready\"") != NULL);
    client_close(&c);
    world_end(&w);
}

TEST(who_may_not_read_history_is_not_told_it_by_a_resume)
{
    static const char resume[] =
        "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"cursors\":{\"100\":10,\"7\":%d}}}";
    struct world w;
    struct client c;
    if (!world_prepare(&w))
        return;
    w.model.permissions &= ~(uint64_t)PERM_READ_HISTORY;
    if (!CHECK(world_begin(&w)) || !CHECK(client_open(&c, &w, "/ws", NULL)))
        return;
    client_send(&c, resume, world_token(&w, W_USER, 1), 4);
    CHECK(client_next(&c, 2000) != NULL); /* hello */
    const char *frame = client_next(&c, 2000);
    CHECK(frame != NULL && strstr(frame, "invalid_session") != NULL);
    CHECK_INT(w.model.syncs, 0);
    /* Who misses nothing goes on. */
    client_send(&c, resume, world_token(&w, W_USER, 1), 5);
    CHECK(client_await(&c, "\"resumed\"") != NULL);
    world_message(&w, "new");
    CHECK_INT(seq_of(client_next(&c, 2000)), 6);
    client_close(&c);
    world_end(&w);
}

TEST(who_misses_more_than_a_session_holds_begins_anew_and_is_never_told_a_part)
{
    struct world w;
    struct client c;
    if (!world_prepare(&w))
        return;
    w.settings.ring_frames = 16;
    if (!world_begin(&w))
        return;
    for (int i = 0; i < 20; i++)
        world_message(&w, "missed");
    CHECK(client_open(&c, &w, "/ws", NULL));
    client_send(&c, "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"cursors\":{\"100\":10,\"7\":5}}}",
                world_token(&w, W_USER, 1));
    CHECK(client_next(&c, 2000) != NULL); /* hello */
    const char *frame = client_next(&c, 2000);
    CHECK(frame != NULL && strstr(frame, "invalid_session") != NULL);
    client_send(&c, "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}", world_token(&w, W_USER, 1));
    CHECK(client_await(&c, "\"ready\"") != NULL);
    world_message(&w, "new");
    CHECK_INT(seq_of(client_next(&c, 2000)), 26);
    client_close(&c);
    world_end(&w);
}

static bool identify_for(struct client *c, struct world *w, const char *intents)
{
    if (!CHECK(client_open(c, w, "/ws?loop=0", NULL)))
        return false;
    client_send(c, "{\"op\":\"identify\",\"d\":{\"intents\":%s,\"token\":\"%s\"}}", intents,
                world_token(w, W_USER, 1));
    const char *ready = client_await(c, "\"ready\"");
    const char *id = ready != NULL ? strstr(ready, "\"session_id\":\"") : NULL;
    if (!CHECK(id != NULL))
        return false;
    snprintf(c->session_id, sizeof(c->session_id), "%.22s", id + 14);
    return true;
}

static void type_in(struct world *w, const char *id)
{
    world_event_named(w, "evt.v1.1.s.100.c.7.typing.start", id, "{\"channel_id\":\"7\"}");
}

TEST(what_a_session_does_not_want_is_neither_sent_nor_counted)
{
    struct world w;
    struct client c, again;
    if (!begin(&w) || !identify_for(&c, &w, "[\"typing\"]"))
        return;
    world_message(&w, "not for you");
    type_in(&w, "one");
    CHECK(strstr(client_next(&c, 2000), "typing.start") != NULL);
    CHECK(client_is_quiet(&c, 100));
    client_cut(&c);
    world_message(&w, "nor this");
    type_in(&w, "two");

    CHECK(client_open(&again, &w, "/ws?loop=0", NULL));
    client_send(&again,
                "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"session_id\":\"%s\",\"received\":1}}",
                world_token(&w, W_USER, 1), c.session_id);
    CHECK(strstr(client_await(&again, "\"resumed\""), c.session_id) != NULL);
    CHECK(strstr(client_next(&again, 2000), "typing.start") != NULL);
    world_message(&w, "still not");
    CHECK(client_is_quiet(&again, 100));
    client_send(&again, "{\"op\":\"heartbeat\",\"received\":2}");
    CHECK(client_await(&again, "heartbeat_ack") != NULL);
    client_send(&again, "{\"op\":\"heartbeat\",\"received\":3}");
    CHECK(client_next(&again, 2000) == NULL && again.code == 4007);
    client_cut(&again);
    world_end(&w);
}

/* Cursors of a client: the server's, and that of its one channel. The channel is at 5. */
static const char *resume_for(struct client *c, struct world *w, const char *cursors,
                              const char *intents)
{
    CHECK(client_open(c, w, "/ws", NULL));
    client_send(c, "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"cursors\":%s,\"intents\":%s}}",
                world_token(w, W_USER, 1), cursors, intents);
    return client_next(c, 2000) != NULL ? client_next(c, 2000) : NULL;
}

TEST(what_is_not_wanted_makes_no_gap_in_a_resume)
{
    struct world w;
    struct client c;
    if (!begin(&w))
        return;
    /* No messages, however many there were; the server has not changed. */
    const char *resumed = resume_for(&c, &w, "{\"100\":10,\"7\":1}", "[\"channel\",\"typing\"]");
    CHECK(resumed != NULL && strstr(resumed, "\"replayed\":0") != NULL);
    CHECK(client_is_quiet(&c, 100));
    CHECK_INT(w.model.syncs, 0);
    client_close(&c);
    /* The server has changed, and that is not wanted: still exactly the messages. */
    resumed = resume_for(&c, &w, "{\"100\":3,\"7\":3}", "[\"message\"]");
    CHECK(resumed != NULL && strstr(resumed, "\"replayed\":2") != NULL);
    CHECK_INT(seq_of(client_next(&c, 2000)), 4);
    CHECK_INT(seq_of(client_next(&c, 2000)), 5);
    client_close(&c);
    /* It has changed, and part of that is wanted: its state, whatever else is wanted. */
    resumed = resume_for(&c, &w, "{\"100\":3,\"7\":3}", "[\"channel\"]");
    CHECK(resumed != NULL && strstr(resumed, "\"replayed\":1") != NULL);
    CHECK(strstr(client_next(&c, 2000), "\"t\":\"server.create\"") != NULL);
    client_close(&c);
    world_end(&w);
}

TEST(a_request_is_answered_with_its_id)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    client_send(&c, "{\"op\":\"request\",\"id\":\"c1\",\"t\":\"message.create\","
                    "\"d\":{\"channel_id\":\"7\",\"content\":\"\\u00e9\"}}");
    CHECK_STR(client_next(&c, 2000),
              "{\"op\":\"response\",\"id\":\"c1\",\"status\":200,\"d\":{\"params\":{\"channel_id\":"
              "\"7\"},\"body\":{\"channel_id\":\"7\",\"content\":\"\\u00e9\"}}}");
    client_send(&c, "{\"op\":\"request\",\"id\":2,\"t\":\"no.such\"}");
    CHECK(strstr(client_next(&c, 2000), "\"id\":2,\"status\":404,\"d\":{\"type\":") != NULL);
    client_close(&c);
    world_end(&w);
}

static int code_after(struct world *w, bool is_identified, int opcode, const char *bytes,
                      size_t len)
{
    struct client c;
    bool is_open =
        is_identified ? client_identify(&c, w, W_USER, 1) : client_open(&c, w, "/ws", NULL);
    if (!CHECK(is_open))
        return 0;
    client_send_raw(&c, opcode, bytes, len);
    while (client_next(&c, 3000) != NULL)
        continue;
    client_cut(&c);
    return c.code;
}

TEST(what_breaks_the_protocol_closes_with_its_code)
{
    static const char identify[] = "{\"op\":\"identify\",\"d\":{\"token\":\"a.b.c\"}}";
    static const char intents[] =
        "{\"op\":\"identify\",\"d\":{\"token\":\"a.b.c\",\"intents\":[\"messages\"]}}";
    static const char op[] = "{\"op\":\"dance\"}";
    static const char request[] = "{\"op\":\"request\",\"id\":1,\"t\":\"server.list\"}";
    static const char count[] = "{\"op\":\"heartbeat\",\"received\":7}";
    struct world w;
    char *big = calloc(1, 70000);
    memset(big, ' ', 69999);
    if (begin(&w)) {
        CHECK_INT(code_after(&w, false, 1, "nonsense", 8), 4002);
        CHECK_INT(code_after(&w, false, 1, "{\"op\":1}", 8), 4002);
        CHECK_INT(code_after(&w, true, 1, op, sizeof(op) - 1), 4001);
        CHECK_INT(code_after(&w, false, 1, request, sizeof(request) - 1), 4003);
        CHECK_INT(code_after(&w, false, 1, identify, sizeof(identify) - 1), 4004);
        CHECK_INT(code_after(&w, true, 1, identify, sizeof(identify) - 1), 4005);
        CHECK_INT(code_after(&w, false, 1, intents, sizeof(intents) - 1), 4013);
        CHECK_INT(code_after(&w, true, 1, count, sizeof(count) - 1), 4007);
        CHECK_INT(code_after(&w, true, 1, "\"\xff\"", 3), 1007);
        CHECK_INT(code_after(&w, true, 1, big, 70000), 1009);
        CHECK_INT(code_after(&w, true, 2, "{}", 2), 4002);
        world_end(&w);
    }
    free(big);
}

TEST(more_frames_than_allowed_are_refused_and_then_end_the_socket)
{
    struct world w;
    struct client c;
    if (!world_prepare(&w))
        return;
    w.settings.ws_events = (struct rate){5, 10};
    if (!world_begin(&w) || !client_identify(&c, &w, W_USER, 1))
        return;
    for (int i = 0; i < 12; i++)
        client_send(&c, "{\"op\":\"request\",\"id\":%d,\"t\":\"server.list\"}", i);
    CHECK(client_await(&c, "\"status\":429") != NULL);
    while (client_next(&c, 2000) != NULL)
        continue;
    CHECK_INT(c.code, 4008);
    client_cut(&c);
    world_end(&w);
}

TEST(connections_past_the_cap_are_refused_and_places_come_back)
{
    struct world w;
    struct client c[3];
    int status = 0;
    if (!world_prepare(&w))
        return;
    w.settings.max_connections = 2;
    if (!world_begin(&w))
        return;
    CHECK(client_open(&c[0], &w, "/ws", NULL));
    CHECK(client_open(&c[1], &w, "/ws", NULL));
    CHECK(!client_open(&c[2], &w, "/ws", &status));
    CHECK_INT(status, 503);
    client_cut(&c[2]);
    client_cut(&c[0]);
    for (int i = 0; i < 200 && sockets_count(w.gateway.sockets) > 1; i++)
        (void)client_next(&c[1], 10);
    CHECK(client_open(&c[2], &w, "/ws", NULL));
    client_cut(&c[1]);
    client_cut(&c[2]);
    world_end(&w);
}

TEST(a_drain_tells_everybody_to_come_back_elsewhere)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    world_end(&w);
    CHECK_STR(client_next(&c, 2000), "{\"op\":\"reconnect\"}");
    CHECK(client_next(&c, 2000) == NULL);
    CHECK_INT(c.code, 1012);
    client_cut(&c);
}

/* ---- under stress ---- */

TEST(a_slow_reader_is_let_go_and_nobody_else_notices)
{
    enum { MESSAGES = 6000 }; /* more than the kernel keeps for both ends, and the ring */
    static char text[2560];
    struct world w;
    struct client slow, quick;
    if (!begin_with(&w, &slow) || !client_identify(&quick, &w, W_USER + 1, 2))
        return;
    memset(text, 'x', sizeof(text) - 1);
    int got = 0;
    for (int i = 0; i < MESSAGES; i++) {
        world_message(&w, text);
        while (i - got > 200 && client_next(&quick, 5000) != NULL)
            got++;
    }
    while (got < MESSAGES && client_next(&quick, 5000) != NULL)
        got++;
    CHECK_INT(got, MESSAGES);

    /* What the slow one was sent is whole and in order to the last byte before the end. */
    long long seq = 5;
    const char *frame;
    while ((frame = client_next(&slow, 2000)) != NULL)
        CHECK_INT(seq_of(frame), ++seq);
    CHECK(seq > 5 && seq < 5 + MESSAGES);
    client_cut(&slow);
    client_close(&quick);
    world_end(&w);
}

TEST(a_pause_in_reading_loses_nothing)
{
    enum { MESSAGES = 900 };
    static char text[1500];
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    memset(text, 'y', sizeof(text) - 1);
    for (int i = 0; i < MESSAGES; i++)
        world_message(&w, text);
    const struct timespec pause = {.tv_nsec = 300 * 1000000};
    nanosleep(&pause, NULL);
    for (long long seq = 6; seq < 6 + MESSAGES; seq++)
        CHECK_INT(seq_of(client_next(&c, 5000)), seq);
    CHECK(client_is_quiet(&c, 50));
    client_close(&c);
    world_end(&w);
}

TEST(clients_that_vanish_at_any_moment_leave_nothing_behind)
{
    enum { CLIENTS = 300 };
    struct world w;
    if (!world_prepare(&w))
        return;
    w.settings.resume_window_s = 1;
    if (!world_begin(&w))
        return;
    for (int i = 0; i < CLIENTS; i++) {
        struct client c;
        CHECK(client_open(&c, &w, "/ws", NULL));
        if (i % 3 > 0)
            client_send(&c, "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}",
                        world_token(&w, W_USER + (uint64_t)i % 7, 1));
        if (i % 3 > 1)
            (void)client_await(&c, "\"ready\"");
        const struct linger hard = {.l_onoff = 1};
        if (i % 2 == 0)
            setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        client_cut(&c);
        if (i % 10 == 0)
            world_message(&w, "to whom it may concern");
    }
    const struct timespec pause = {.tv_nsec = 20 * 1000000};
    for (int i = 0; i < 200 && sockets_count(w.gateway.sockets) > 0; i++)
        nanosleep(&pause, NULL);
    CHECK_INT(sockets_count(w.gateway.sockets), 0);
    world_end(&w);
}

TEST(several_loops_serve_one_server)
{
    enum { CLIENTS = 9 };
    struct world w;
    struct client c[CLIENTS];
    if (!world_prepare(&w))
        return;
    w.settings.ws_loops = 3;
    if (!world_begin(&w))
        return;
    for (uint64_t i = 0; i < CLIENTS; i++)
        CHECK(client_identify(&c[i], &w, W_USER + i, 1 + i));
    for (int i = 0; i < 50; i++)
        world_message(&w, "all of you");
    for (size_t i = 0; i < CLIENTS; i++)
        for (long long seq = 6; seq < 56; seq++)
            CHECK_INT(seq_of(client_next(&c[i], 5000)), seq);
    for (size_t i = 0; i < CLIENTS; i++)
        client_close(&c[i]);
    world_end(&w);
}

TEST(nothing_is_lost_or_doubled_while_sessions_begin)
{
    enum { CLIENTS = 40, MESSAGES = 10 };
    struct world w;
    struct client c[CLIENTS];
    if (!begin(&w))
        return;
    for (uint64_t i = 0; i < CLIENTS; i++) {
        CHECK(client_open(&c[i], &w, "/ws", NULL));
        client_send(&c[i], "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}",
                    world_token(&w, W_USER + i, 1 + i));
        for (int k = 0; k < MESSAGES; k++)
            world_message(&w, "meanwhile");
    }
    long long last = w.model.open_seq;
    for (size_t i = 0; i < CLIENTS; i++) {
        const char *ready = client_await(&c[i], "\"ready\"");
        const char *channel = ready != NULL ? strstr(ready, "\"id\":\"7\"") : NULL;
        long long seq = seq_of(channel);
        while (seq < last) {
            const char *frame = client_next(&c[i], 5000);
            if (!CHECK_INT(seq_of(frame), ++seq))
                break;
        }
        CHECK(client_is_quiet(&c[i], 5));
        client_close(&c[i]);
    }
    world_end(&w);
}

TEST(an_end_that_comes_late_does_not_end_what_began_after_it)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    /* The layout is asked for again and does not come: what happens now is held. */
    w.is_view_late = true;
    world_event(&w, "evt.v1.1.s.100.role.update", ++w.model.server_seq,
                "{\"id\":\"50\",\"server_id\":\"100\"}");
    world_kick(&w, W_USER);
    CHECK(client_await(&c, "\"t\":\"server.leave\"") != NULL);
    world_join(&w, W_USER);
    CHECK(client_await(&c, "\"t\":\"server.create\"") != NULL);
    world_message(&w, "with you");
    CHECK(client_await(&c, "with you") != NULL);
    client_close(&c);
    world_end(&w);
}

TEST(a_layout_newer_than_the_state_hides_no_message_between_them)
{
    struct world w;
    struct client c;
    if (!begin(&w))
        return;
    w.is_view_late = true;
    CHECK(client_open(&c, &w, "/ws", NULL));
    client_send(&c, "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}", world_token(&w, W_USER, 1));
    const char *ready = client_await(&c, "\"ready\"");
    long long seq = seq_of(ready != NULL ? strstr(ready, "\"id\":\"7\"") : NULL);
    if (seq < w.model.open_seq)
        CHECK_INT(seq_of(client_next(&c, 2000)), ++seq);
    CHECK_INT(seq, w.model.open_seq);
    CHECK(client_is_quiet(&c, 5));
    client_close(&c);
    world_end(&w);
}

TEST(a_change_lost_with_the_bus_is_noticed_without_another_one)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    nats_server_halt(&w.nats);
    world_lose_change(&w);
    CHECK(nats_server_resume(&w.nats));
    const char *frame = NULL;
    for (int i = 0; i < 3 && frame == NULL; i++)
        frame = client_await(&c, "invalid_session");
    CHECK(frame != NULL);
    client_close(&c);
    world_end(&w);
}

TEST(the_bus_may_go_away_and_come_back)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    world_message(&w, "before");
    CHECK_INT(seq_of(client_next(&c, 2000)), 6);
    nats_server_halt(&w.nats);
    world_lose_message(&w, "while it was away");
    CHECK(nats_server_resume(&w.nats));
    const char *frame = client_next(&c, 10000);
    CHECK_INT(seq_of(frame), 7);
    /* The services' connections come back in their own time. */
    int64_t until_us = mono_us() + 10 * INT64_C(1000000);
    while (bus_ping(w.fake, 1000) != OK && mono_us() < until_us)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    world_message(&w, "after");
    CHECK_INT(seq_of(client_next(&c, 5000)), 8);
    client_close(&c);
    world_end(&w);
}
