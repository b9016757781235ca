/* SPDX-License-Identifier: MIT
 *
 * Questions, answers, subscriptions, and what becomes of them when the server goes away. Against a
 * real nats-server. */

#include "shared/wire/bus.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/wire/bus_private.h"
#include "tests/nats_server.h"
#include "tests/test.h"

enum { WAIT_MS = 5000 };

struct world {
    struct nats_server server;
    struct bus *bus;
};

static bool begin(struct world *w)
{
    if (!nats_server_start(&w->server)) {
        SKIP("no nats-server");
        return false;
    }
    const struct bus_settings s = {.url = w->server.url, .name = "test"};
    return CHECK(bus_open(&s, &w->bus) == OK);
}

static void end(struct world *w)
{
    bus_close(w->bus);
    nats_server_stop(&w->server);
}

static bool wait_for(bool (*is_true)(void *), void *arg)
{
    const struct timespec pause = {.tv_nsec = 2 * 1000000};
    for (int64_t until = mono_us() + WAIT_MS * 1000; mono_us() < until;) {
        if (is_true(arg))
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* ---- helpers: a service, and somebody who asks ---- */

static void answer_with(struct bus *b, natsMsg *msg, const void *body, int len)
{
    const struct bus_out out = {
        .subject = natsMsg_GetReply(msg), .body = body, .body_len = (size_t)len};
    CHECK(bus_send(b, &out) == OK);
}

static void echo(void *arg, natsMsg *msg)
{
    answer_with(arg, msg, natsMsg_GetData(msg), natsMsg_GetDataLength(msg));
    natsMsg_Destroy(msg);
}

struct asked {
    atomic_int calls;
    atomic_int errors;
    _Atomic enum err err;
    char text[32];
};

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    struct asked *a = arg;
    if (msg != NULL)
        snprintf(a->text, sizeof(a->text), "%.*s", natsMsg_GetDataLength(msg),
                 natsMsg_GetData(msg));
    CHECK((msg != NULL) == (e == OK));
    natsMsg_Destroy(msg);
    atomic_store(&a->err, e);
    if (e != OK)
        atomic_fetch_add(&a->errors, 1);
    atomic_fetch_add(&a->calls, 1);
}

static enum err ask(struct bus *b, const char *subject, const char *body, int ms, struct asked *a)
{
    const struct bus_out out = {.subject = subject, .body = body, .body_len = strlen(body)};
    return bus_ask(b, &out, mono_us() + ms * 1000, on_answer, a);
}

static bool was_answered(void *arg)
{
    struct asked *a = arg;
    return atomic_load(&a->calls) > 0;
}

/* ---- asking ---- */

TEST(a_question_is_answered)
{
    struct world w;
    struct bus_sub *sub = NULL;
    struct asked a = {0};
    if (!begin(&w))
        return;
    CHECK(bus_hear(w.bus, "rpc.test.>", "test", echo, w.bus, &sub) == OK);
    CHECK(bus_flush(w.bus, WAIT_MS) == OK);
    CHECK(ask(w.bus, "rpc.test.a", "hello", WAIT_MS, &a) == OK);
    CHECK(wait_for(was_answered, &a));
    CHECK(a.err == OK);
    CHECK_STR(a.text, "hello");
    bus_unhear(sub);
    end(&w);
}

TEST(a_question_nobody_listens_to_fails_at_once)
{
    struct world w;
    struct asked a = {0};
    if (!begin(&w))
        return;
    int64_t began = mono_us();
    CHECK(ask(w.bus, "rpc.nobody", "", WAIT_MS, &a) == OK);
    CHECK(wait_for(was_answered, &a));
    CHECK(a.err == ERR_UNAVAILABLE && mono_us() - began < 1000000);
    end(&w);
}

static void ignore(void *arg, natsMsg *msg)
{
    (void)arg;
    natsMsg_Destroy(msg);
}

TEST(a_question_without_an_answer_ends_at_its_deadline)
{
    struct world w;
    struct bus_sub *sub = NULL;
    struct asked a = {0};
    if (!begin(&w))
        return;
    CHECK(bus_hear(w.bus, "rpc.silent", NULL, ignore, NULL, &sub) == OK);
    CHECK(bus_flush(w.bus, WAIT_MS) == OK);
    int64_t began = mono_us();
    CHECK(ask(w.bus, "rpc.silent", "", 150, &a) == OK);
    CHECK(wait_for(was_answered, &a));
    int64_t took_ms = (mono_us() - began) / 1000;
    CHECK(a.err == ERR_TIMEOUT && took_ms >= 150 && took_ms < 1000);
    CHECK(ask(w.bus, "rpc.silent", "", -1, &a) == ERR_TIMEOUT);
    CHECK_INT(atomic_load(&a.calls), 1);
    bus_unhear(sub);
    end(&w);
}

/* Keeps the first question and answers it after the second. */
struct late {
    struct bus *bus;
    _Atomic(natsMsg *) first;
};

static void answer_late(void *arg, natsMsg *msg)
{
    struct late *l = arg;
    natsMsg *none = NULL;
    if (atomic_compare_exchange_strong(&l->first, &none, msg))
        return;
    answer_with(l->bus, none, "late", 4);
    natsMsg_Destroy(none);
    echo(l->bus, msg);
}

TEST(a_late_answer_is_not_given_to_the_next_question)
{
    struct world w;
    struct bus_sub *sub = NULL;
    struct asked first = {0};
    struct asked second = {0};
    if (!begin(&w))
        return;
    struct late l = {.bus = w.bus};
    CHECK(bus_hear(w.bus, "rpc.late", NULL, answer_late, &l, &sub) == OK);
    CHECK(bus_flush(w.bus, WAIT_MS) == OK);
    CHECK(ask(w.bus, "rpc.late", "one", 50, &first) == OK);
    CHECK(wait_for(was_answered, &first));
    CHECK(first.err == ERR_TIMEOUT);
    CHECK(ask(w.bus, "rpc.late", "two", WAIT_MS, &second) == OK);
    CHECK(wait_for(was_answered, &second));
    CHECK(second.err == OK);
    CHECK_STR(second.text, "two");
    CHECK_INT(atomic_load(&first.calls), 1);
    bus_unhear(sub);
    end(&w);
}

enum { MANY = 5000 };

static bool all_answered(void *arg)
{
    struct asked *a = arg;
    return atomic_load(&a->calls) >= MANY;
}

static void count_answer(void *arg, enum err e, natsMsg *msg)
{
    struct asked *a = arg;
    natsMsg_Destroy(msg);
    if (e != OK)
        atomic_fetch_add(&a->errors, 1);
    atomic_fetch_add(&a->calls, 1);
}

static void ask_many(struct bus *b, const char *subject, struct asked *a)
{
    const struct bus_out out = {.subject = subject, .body = "x", .body_len = 1};
    for (int i = 0; i < MANY; i++)
        CHECK(bus_ask(b, &out, mono_us() + WAIT_MS * 1000, count_answer, a) == OK);
}

TEST(thousands_in_flight_are_each_answered_once)
{
    struct world w;
    struct bus_sub *sub = NULL;
    struct asked a = {0};
    if (!begin(&w))
        return;
    CHECK(bus_hear(w.bus, "rpc.test", "test", echo, w.bus, &sub) == OK);
    CHECK(bus_flush(w.bus, WAIT_MS) == OK);
    ask_many(w.bus, "rpc.test", &a);
    CHECK(wait_for(all_answered, &a));
    CHECK_INT(atomic_load(&a.calls), MANY);
    CHECK_INT(atomic_load(&a.errors), 0);
    bus_unhear(sub);
    end(&w);
}

/* ---- a server that goes away ---- */

static bool is_down(void *arg)
{
    struct bus *b = arg;
    /* The connections notice one after the other. */
    return !bus_link_is_up(&b->ask) && !bus_link_is_up(&b->hear);
}

static bool is_up(void *arg)
{
    return bus_is_up(arg);
}

static void note_reconnect(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static bool is_noted(void *arg)
{
    return atomic_load((atomic_int *)arg) > 0;
}

TEST(what_is_in_flight_when_the_server_dies_is_answered)
{
    struct world w;
    struct bus_sub *sub = NULL;
    struct asked a = {0};
    if (!begin(&w))
        return;
    CHECK(bus_hear(w.bus, "rpc.silent", NULL, ignore, NULL, &sub) == OK);
    CHECK(bus_flush(w.bus, WAIT_MS) == OK);
    ask_many(w.bus, "rpc.silent", &a);
    nats_server_halt(&w.server);
    CHECK(wait_for(all_answered, &a));
    CHECK_INT(atomic_load(&a.errors), MANY);
    bus_unhear(sub);
    end(&w);
}

/* The connection that hears may come back a moment after the one that asks. */
static bool is_echoed(void *bus)
{
    struct asked a = {0};
    return ask(bus, "rpc.test", "again", WAIT_MS, &a) == OK && wait_for(was_answered, &a) &&
           a.err == OK;
}

TEST(a_bus_outlives_a_restart_of_the_server)
{
    struct world w;
    struct bus_sub *sub = NULL;
    struct asked a = {0};
    atomic_int reconnects = 0;
    if (!begin(&w))
        return;
    CHECK(bus_hear(w.bus, "rpc.test", "test", echo, w.bus, &sub) == OK);
    CHECK(bus_ping(w.bus, WAIT_MS) == OK);
    bus_on_reconnect(w.bus, note_reconnect, &reconnects);

    nats_server_halt(&w.server);
    CHECK(wait_for(is_down, w.bus));
    CHECK(ask(w.bus, "rpc.test", "x", WAIT_MS, &a) == ERR_UNAVAILABLE);
    CHECK(bus_ping(w.bus, 100) != OK);

    CHECK(nats_server_resume(&w.server));
    CHECK(wait_for(is_up, w.bus) && wait_for(is_noted, &reconnects));
    CHECK(wait_for(is_echoed, w.bus));
    bus_unhear(sub);
    end(&w);
}

TEST(a_bus_opens_before_its_server)
{
    struct world w;
    struct bus_sub *sub = NULL;
    struct asked a = {0};
    atomic_int reconnects = 0;
    if (!nats_server_start(&w.server)) {
        SKIP("no nats-server");
        return;
    }
    nats_server_halt(&w.server);
    const struct bus_settings s = {.url = w.server.url, .name = "test"};
    if (!CHECK(bus_open(&s, &w.bus) == OK))
        return;
    bus_on_reconnect(w.bus, note_reconnect, &reconnects);
    CHECK(!bus_is_up(w.bus));
    CHECK(bus_hear(w.bus, "rpc.test", "test", echo, w.bus, &sub) == OK);

    CHECK(nats_server_resume(&w.server));
    CHECK(wait_for(is_up, w.bus) && wait_for(is_noted, &reconnects));
    CHECK(bus_flush(w.bus, WAIT_MS) == OK);
    CHECK(ask(w.bus, "rpc.test", "x", WAIT_MS, &a) == OK);
    CHECK(wait_for(was_answered, &a));
    CHECK(a.err == OK);
    bus_unhear(sub);
    end(&w);
}

TEST(closing_the_bus_answers_what_waits)
{
    struct world w;
    struct bus_sub *sub = NULL;
    struct asked a = {0};
    if (!begin(&w))
        return;
    CHECK(bus_hear(w.bus, "rpc.silent", NULL, ignore, NULL, &sub) == OK);
    CHECK(bus_flush(w.bus, WAIT_MS) == OK);
    CHECK(ask(w.bus, "rpc.silent", "", WAIT_MS, &a) == OK);
    bus_unhear(sub);
    end(&w);
    CHECK_INT(atomic_load(&a.calls), 1);
    CHECK(a.err == ERR_UNAVAILABLE);
}

/* ---- subscriptions ---- */

static void count_message(void *arg, natsMsg *msg)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    nanosleep(&pause, NULL);
    natsMsg_Destroy(msg);
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void send_many(struct bus *b, const char *subject, int n)
{
    for (int i = 0; i < n; i++)
        CHECK(bus_send(b, &(struct bus_out){.subject = subject}) == OK);
    CHECK(bus_ping(b, WAIT_MS) == OK);
}

static bool begin_hearing(struct world *w, atomic_int *heard, struct bus_sub **ret)
{
    return begin(w) && CHECK(bus_hear(w->bus, "evt.a", NULL, count_message, heard, ret) == OK) &&
           CHECK(bus_flush(w->bus, WAIT_MS) == OK);
}

TEST(nothing_is_delivered_after_unhear)
{
    struct world w;
    struct bus_sub *sub = NULL;
    atomic_int heard = 0;
    if (!begin_hearing(&w, &heard, &sub))
        return;
    send_many(w.bus, "evt.a", 100);
    bus_unhear(sub);
    int then = atomic_load(&heard);
    send_many(w.bus, "evt.a", 10);
    CHECK_INT(atomic_load(&heard), then);
    end(&w);
}

TEST(a_drain_passes_on_what_was_under_way)
{
    struct world w;
    struct bus_sub *sub = NULL;
    atomic_int heard = 0;
    if (!begin_hearing(&w, &heard, &sub))
        return;
    send_many(w.bus, "evt.a", 100);
    bus_drain(sub, WAIT_MS);
    CHECK_INT(atomic_load(&heard), 100);
    end(&w);
}

static bool has_heard_hundred(void *arg)
{
    atomic_int *heard = arg;
    return atomic_load(heard) == 100;
}

TEST(what_is_held_back_goes_out_together_at_the_last_release)
{
    struct world w;
    struct bus_sub *sub = NULL;
    atomic_int heard = 0;
    if (!begin_hearing(&w, &heard, &sub))
        return;
    bus_hold(w.bus);
    bus_hold(w.bus);
    for (int i = 0; i < 100; i++)
        CHECK(bus_send(w.bus, &(struct bus_out){.subject = "evt.a"}) == OK);
    bus_release(w.bus);
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000}, NULL);
    CHECK_INT(atomic_load(&heard), 0);
    bus_release(w.bus);
    CHECK(wait_for(has_heard_hundred, &heard));
    bus_unhear(sub);
    end(&w);
}

static bool is_sent(void *arg)
{
    struct bus *b = arg;
    return bus_send(b, &(struct bus_out){.subject = "evt.a"}) == OK;
}

/* Freezes the server and sends until no more is taken. */
static void send_too_much(struct world *w)
{
    enum { PIECE = 64 * 1024, PIECES_MAX = 1024 };
    static const char piece[PIECE];
    CHECK(bus_ping(w->bus, WAIT_MS) == OK);
    nats_server_freeze(&w->server);
    const struct bus_out out = {.subject = "evt.a", .body = piece, .body_len = PIECE};
    const struct timespec pause = {.tv_nsec = 1000000}; /* in which the kernel's buffer fills */
    int sent = 0;
    for (; sent < PIECES_MAX && bus_send(w->bus, &out) == OK; sent++)
        nanosleep(&pause, NULL);
    CHECK(sent > 0 && sent < PIECES_MAX);
}

TEST(a_server_that_stops_reading_costs_a_limited_memory)
{
    struct world w;
    if (!begin(&w))
        return;
    send_too_much(&w);
    nats_server_thaw(&w.server);
    CHECK(wait_for(is_sent, w.bus));
    end(&w);
}

TEST(who_waits_for_room_waits_for_the_server_but_not_for_ever)
{
    struct world w;
    if (!begin(&w))
        return;
    bus_wait_room(w.bus);
    send_too_much(&w);
    int64_t began_us = mono_us();
    bus_wait_room(w.bus);
    CHECK(mono_us() - began_us >= 50000);
    CHECK(!is_sent(w.bus));
    nats_server_thaw(&w.server);
    for (int i = 0; i < 50; i++)
        bus_wait_room(w.bus);
    CHECK(wait_for(is_sent, w.bus));
    end(&w);
}

static struct {
    atomic_bool is_open;
    atomic_int answered;
} gate;

static void on_slow_answer(void *arg UNUSED, enum err e, natsMsg *msg)
{
    while (!atomic_load(&gate.is_open))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK_INT(e, OK);
    natsMsg_Destroy(msg);
    atomic_fetch_add(&gate.answered, 1);
}

static enum err ask_much(struct bus *b)
{
    enum { MUCH = 512 * 1024 };
    static const char body[MUCH];
    const struct bus_out out = {.subject = "rpc.test.echo", .body = body, .body_len = MUCH};
    return bus_ask(b, &out, mono_us() + WAIT_MS * 1000, on_slow_answer, NULL);
}

static bool all_are_answered(void *arg)
{
    return atomic_load(&gate.answered) == *(int *)arg;
}

static bool is_asked_again(void *arg)
{
    return ask_much(arg) == OK;
}

TEST(who_does_not_look_at_answers_asks_no_more)
{
    enum { ASKS_MAX = 200 };
    struct world w;
    struct bus_sub *sub = NULL;
    if (!begin(&w))
        return;
    CHECK(bus_hear(w.bus, "rpc.test.>", "test", echo, w.bus, &sub) == OK);
    CHECK(bus_flush(w.bus, WAIT_MS) == OK);
    int asked = 0;
    for (; asked < ASKS_MAX && ask_much(w.bus) == OK; asked++)
        nanosleep(&(struct timespec){.tv_nsec = 5 * 1000000}, NULL);
    CHECK(asked > 16 && asked < ASKS_MAX);
    atomic_store(&gate.is_open, true);
    CHECK(wait_for(all_are_answered, &asked));
    CHECK(wait_for(is_asked_again, w.bus));
    asked++;
    CHECK(wait_for(all_are_answered, &asked));
    bus_unhear(sub);
    end(&w);
}

TEST(a_header_cannot_break_out_of_its_line)
{
    struct world w;
    if (!begin(&w))
        return;
    const struct bus_head heads[] = {
        {"A", "b\r\nParley-Actor: 1"}
    };
    const struct bus_out out = {.subject = "evt.a", .heads = heads, .head_count = 1};
    CHECK(bus_send(w.bus, &out) == ERR_INTERNAL);
    end(&w);
}
