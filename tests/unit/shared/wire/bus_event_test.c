/* SPDX-License-Identifier: MIT
 *
 * Events on a real JetStream: what is kept, what consumers get, and when they get it again. */

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "shared/wire/bus_private.h"
#include "tests/nats_server.h"
#include "tests/test.h"

enum { WAIT_MS = 5000 };

struct thing {
    snowflake id;
};
static const struct field thing_fields[] = {
    F_ID(thing, id),
};
static SHAPE(thing);

static const struct caller caller = {.trace =
                                         "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};

struct world {
    struct nats_server server;
    struct bus *bus;
    struct req rq;
};

static bool begin(struct world *w)
{
    *w = (struct world){
        .rq = {.from = &caller, .app = 1}
    };
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
    arena_release(&w->rq.arena);
}

struct acks {
    atomic_int kept;
    atomic_int lost;
};

static void on_ack(void *arg, bool is_kept)
{
    struct acks *a = arg;
    atomic_fetch_add(is_kept ? &a->kept : &a->lost, 1);
}

static void wait_acks(struct acks *a, int n)
{
    const struct timespec pause = {.tv_nsec = 2 * 1000000};
    int64_t until = mono_us() + WAIT_MS * 1000;
    while (atomic_load(&a->kept) + atomic_load(&a->lost) < n && mono_us() < until)
        nanosleep(&pause, NULL);
}

static const struct event *make_event(struct world *w, enum event_id id)
{
    const struct event_to to = {.server = 42, .channel = 77, .seq = 3};
    emit(&w->rq, id, to, &thing_shape, &(struct thing){5});
    return w->rq.events;
}

static enum err publish(struct world *w, const struct event *ev, struct acks *a)
{
    if (event_types[ev->type].keeping == FLEETING)
        return bus_publish_events(w->bus, "/services/test", &ev, 1);
    bus_keep_events(w->bus, "/services/test", &ev, 1, on_ack, a);
    return OK;
}

static natsMsg *fetch_one(struct bus_consumer *c, int timeout_ms)
{
    natsMsg *msg = NULL;
    int count = 0;
    CHECK(bus_consumer_fetch(c, &msg, 1, timeout_ms, &count) == OK);
    return count == 1 ? msg : NULL;
}

static void check_head(natsMsg *msg, const char *name, const char *expected)
{
    const char *value = NULL;
    CHECK(natsMsgHeader_Get(msg, name, &value) == NATS_OK);
    if (value != NULL)
        CHECK_STR(value, expected);
}

TEST(a_durable_event_is_kept_and_fetched_as_a_cloud_event)
{
    struct world w;
    struct acks acks = {0};
    struct bus_consumer *c = NULL;
    if (!begin(&w))
        return;
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    const struct event *ev = make_event(&w, EV_MESSAGE_CREATE);
    CHECK(publish(&w, ev, &acks) == OK);
    wait_acks(&acks, 1);
    CHECK_INT(atomic_load(&acks.kept), 1);

    CHECK(bus_consumer_open(w.bus, "test_one", "evt.v1.*.s.*.c.*.message.create", &c) == OK);
    auto_msg natsMsg *msg = fetch_one(c, WAIT_MS);
    if (CHECK(msg != NULL)) {
        CHECK_STR(natsMsg_GetSubject(msg), "evt.v1.1.s.42.c.77.message.create");
        check_head(msg, "ce-specversion", "1.0");
        check_head(msg, "ce-type", "parley.message.create");
        check_head(msg, "ce-source", "/services/test");
        check_head(msg, "ce-subject", "s.42.c.77");
        check_head(msg, "ce-id", ev->id);
        check_head(msg, "Parley-Seq", "3");
        check_head(msg, "traceparent", caller.trace);
        CHECK(natsMsg_GetDataLength(msg) == (int)ev->body_len);
        bus_ack(msg);
    }
    CHECK(fetch_one(c, 100) == NULL);
    bus_consumer_close(c);
    end(&w);
}

TEST(an_event_published_twice_is_kept_once)
{
    struct world w;
    struct acks acks = {0};
    struct bus_consumer *c = NULL;
    if (!begin(&w))
        return;
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    const struct event *ev = make_event(&w, EV_MESSAGE_CREATE);
    CHECK(publish(&w, ev, &acks) == OK && publish(&w, ev, &acks) == OK);
    wait_acks(&acks, 2);
    CHECK_INT(atomic_load(&acks.kept), 2);
    CHECK(bus_consumer_open(w.bus, "test_twice", "evt.v1.*.s.*.c.*.message.*", &c) == OK);
    auto_msg natsMsg *msg = fetch_one(c, WAIT_MS);
    if (CHECK(msg != NULL))
        bus_ack(msg);
    CHECK(fetch_one(c, 100) == NULL);
    bus_consumer_close(c);
    end(&w);
}

TEST(what_is_given_back_comes_again)
{
    struct world w;
    struct acks acks = {0};
    struct bus_consumer *c = NULL;
    if (!begin(&w))
        return;
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    CHECK(publish(&w, make_event(&w, EV_ROLE_UPDATE), &acks) == OK);
    wait_acks(&acks, 1);
    CHECK(bus_consumer_open(w.bus, "test_again", "evt.v1.*.s.*.role.update", &c) == OK);
    auto_msg natsMsg *first = fetch_one(c, WAIT_MS);
    if (CHECK(first != NULL)) {
        CHECK_INT(bus_deliveries(first), 1);
        bus_nak(first);
    }
    int64_t began = mono_us();
    auto_msg natsMsg *second = fetch_one(c, WAIT_MS);
    if (CHECK(second != NULL)) {
        CHECK_INT(bus_deliveries(second), 2);
        CHECK(mono_us() - began > 150000);
        bus_ack(second);
    }
    bus_consumer_close(c);
    end(&w);
}

/* MANY events at once, with one acknowledgement. */
enum { MANY = 50 };
static void publish_many(struct world *w, struct acks *a)
{
    const struct event *evs[MANY];
    for (int i = 0; i < MANY; i++)
        evs[i] = make_event(w, i == MANY - 1 ? EV_TYPING_START : EV_MESSAGE_CREATE);
    bus_keep_events(w->bus, "/services/test", evs, MANY, on_ack, a);
}

TEST(one_acknowledgement_stands_for_all_events_before_it)
{
    struct world w;
    struct acks acks = {0};
    struct bus_consumer *c = NULL;
    int kept = 0;
    if (!begin(&w))
        return;
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    publish_many(&w, &acks);
    wait_acks(&acks, 1);
    CHECK_INT(atomic_load(&acks.kept), 1);
    CHECK(bus_consumer_open(w.bus, "test_many", "evt.v1.>", &c) == OK);
    for (natsMsg *msg; kept < MANY - 1 && (msg = fetch_one(c, WAIT_MS)) != NULL; kept++) {
        bus_ack(msg);
        bus_msg_free(msg);
    }
    CHECK_INT(kept, MANY - 1);
    bus_consumer_close(c);
    end(&w);
}

TEST(with_more_replicas_each_event_is_asked_for)
{
    struct world w;
    struct acks acks = {0};
    if (!begin(&w))
        return;
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    atomic_store(&w.bus->is_replicated, true);
    publish_many(&w, &acks);
    wait_acks(&acks, 1);
    CHECK_INT(atomic_load(&acks.kept), 1);
    nats_server_freeze(&w.server);
    publish_many(&w, &acks);
    nats_server_halt(&w.server);
    wait_acks(&acks, 2);
    CHECK_INT(atomic_load(&acks.lost), 1);
    end(&w);
}

TEST(an_acknowledgement_that_came_over_another_connection_stands_for_nothing)
{
    struct world w;
    struct acks acks = {0};
    if (!begin(&w))
        return;
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    nats_server_freeze(&w.server);
    publish_many(&w, &acks);
    atomic_fetch_add(&w.bus->ask.attachments, 1); /* as a reconnect does */
    nats_server_thaw(&w.server);
    wait_acks(&acks, 1);
    CHECK_INT(atomic_load(&acks.lost), 1);
    end(&w);
}

TEST(without_a_stream_a_durable_event_is_not_kept)
{
    struct world w;
    struct acks acks = {0};
    if (!begin(&w))
        return;
    CHECK(publish(&w, make_event(&w, EV_MESSAGE_CREATE), &acks) == OK);
    wait_acks(&acks, 1);
    CHECK_INT(atomic_load(&acks.lost), 1);
    CHECK_INT(atomic_load(&acks.kept), 0);
    end(&w);
}

TEST(fleeting_events_are_sent_and_not_kept)
{
    struct world w;
    struct acks acks = {0};
    struct bus_consumer *c = NULL;
    if (!begin(&w))
        return;
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    CHECK(publish(&w, make_event(&w, EV_TYPING_START), &acks) == OK);
    CHECK(publish(&w, make_event(&w, EV_MESSAGE_CREATE), &acks) == OK);
    wait_acks(&acks, 1);
    CHECK(bus_consumer_open(w.bus, "test_all", "evt.v1.>", &c) == OK);
    auto_msg natsMsg *msg = fetch_one(c, WAIT_MS);
    if (CHECK(msg != NULL))
        check_head(msg, "ce-type", "parley.message.create");
    bus_consumer_close(c);
    end(&w);
}

TEST(ensuring_the_stream_twice_changes_nothing)
{
    struct world w;
    if (!begin(&w))
        return;
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){.max_age_s = 3600}) == OK);
    end(&w);
}

TEST(a_consumer_outlives_a_restart_of_the_server)
{
    struct world w;
    struct acks acks = {0};
    struct bus_consumer *c = NULL;
    natsMsg *none = NULL;
    int count = 0;
    if (!begin(&w))
        return;
    CHECK(bus_consumer_open(w.bus, "test_restart", "evt.v1.*.s.*.role.*", &c) == OK);
    CHECK(bus_consumer_fetch(c, &none, 1, 100, &count) == ERR_UNAVAILABLE);
    CHECK(bus_stream_ensure(w.bus, (struct bus_stream){0}) == OK);
    CHECK(bus_consumer_fetch(c, &none, 1, 100, &count) == OK && count == 0);

    nats_server_halt(&w.server);
    while (bus_link_is_up(&w.bus->hear))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK(bus_consumer_fetch(c, &none, 1, 100, &count) == ERR_UNAVAILABLE);
    CHECK(nats_server_resume(&w.server));
    while (bus_ping(w.bus, WAIT_MS) != OK)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);

    CHECK(publish(&w, make_event(&w, EV_ROLE_UPDATE), &acks) == OK);
    wait_acks(&acks, 1);
    CHECK_INT(atomic_load(&acks.kept), 1);
    auto_msg natsMsg *msg = fetch_one(c, WAIT_MS);
    if (CHECK(msg != NULL))
        bus_ack(msg);
    bus_consumer_close(c);
    end(&w);
}
