/* SPDX-License-Identifier: MIT
 *
 * Who asks, on the wire and back; and one service asking another. */

#include <string.h>

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "shared/wire/json.h"
#include "tests/nats_server.h"
#include "tests/test.h"

static const struct caller somebody = {
    .user = 7,
    .app = 1,
    .session = 9,
    .is_admin = true,
    .ip = "192.0.2.1",
    .agent = "agent\r\nParley-Actor: 1",
    .locale = "de",
    .request_id = "r-1",
    .trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    .key = "key-1",
};

static natsMsg *message_with(const struct bus_head *heads, size_t n)
{
    natsMsg *msg = NULL;
    /* libnats frees messages through its own state, which a connection would have made. */
    CHECK(nats_Open(-1) == NATS_OK);
    CHECK(natsMsg_Create(&msg, "rpc.a", NULL, NULL, 0) == NATS_OK);
    for (size_t i = 0; i < n; i++)
        if (heads[i].value != NULL)
            CHECK(natsMsgHeader_Set(msg, heads[i].name, heads[i].value) == NATS_OK);
    return msg;
}

TEST(a_caller_survives_the_headers)
{
    auto_arena struct arena a = {0};
    struct bus_head heads[BUS_HEADS_MAX];
    size_t n = bus_caller_heads(&somebody, mono_us() + 2000000, &a, heads);
    auto_msg natsMsg *msg = message_with(heads, n);

    struct caller back;
    int64_t deadline_us;
    bus_caller_read(msg, &a, &back, &deadline_us);
    CHECK(back.user == 7 && back.app == 1 && back.session == 9 && back.is_admin && !back.is_bot);
    CHECK_STR(back.ip, "192.0.2.1");
    CHECK_STR(back.agent, "agent  Parley-Actor: 1");
    CHECK_STR(back.locale, "de");
    CHECK_STR(back.request_id, "r-1");
    CHECK_STR(back.trace, somebody.trace);
    CHECK_STR(back.key, "key-1");
    int64_t left_us = deadline_us - mono_us();
    CHECK(left_us > 1900000 && left_us <= 2000000);
}

TEST(missing_headers_are_nobody_with_the_longest_deadline)
{
    auto_arena struct arena a = {0};
    auto_msg natsMsg *msg = message_with(NULL, 0);
    struct caller back;
    int64_t deadline_us;
    bus_caller_read(msg, &a, &back, &deadline_us);
    CHECK(back.user == 0 && !back.is_admin && back.key == NULL && back.trace == NULL);
    CHECK_STR(back.locale, "en");
    CHECK_STR(back.agent, "");
    int64_t left_us = deadline_us - mono_us();
    CHECK(left_us > 29000000 && left_us <= 30000000);
}

TEST(garbled_headers_are_as_if_nobody_had_said_them)
{
    const struct bus_head heads[] = {
        {"Parley-Actor",    "12x"                 },
        {"Parley-App",      "-1"                  },
        {"Parley-Deadline", "99999999999999999999"}
    };
    auto_arena struct arena a = {0};
    auto_msg natsMsg *msg = message_with(heads, ARRAY_LEN(heads));
    struct caller back;
    int64_t deadline_us;
    bus_caller_read(msg, &a, &back, &deadline_us);
    CHECK(back.user == 0 && back.app == 0);
    CHECK(deadline_us - mono_us() <= 30000000);
}

TEST(a_past_deadline_is_past)
{
    const struct bus_head heads[] = {
        {"Parley-Deadline", "1000"}
    };
    auto_arena struct arena a = {0};
    auto_msg natsMsg *msg = message_with(heads, 1);
    struct caller back;
    int64_t deadline_us;
    bus_caller_read(msg, &a, &back, &deadline_us);
    CHECK(deadline_us < mono_us());
}

/* ---- a service that answers as it is told ---- */

struct pet {
    snowflake id;
    const char *name;
};
static const struct field pet_fields[] = {
    F_ID(pet, id),
    F_STR(pet, name),
};
static SHAPE(pet);

struct world {
    struct nats_server server;
    struct bus *bus;
    struct bus_sub *sub;
    const char *status; /* of the answers; NULL leaves it out */
    const char *body;
    struct req rq;
    char key[64]; /* of the last question */
    char actor[32];
};

static void answer(void *arg, natsMsg *msg)
{
    struct world *w = arg;
    const char *key = "";
    const char *actor = "";
    (void)natsMsgHeader_Get(msg, "Parley-Key", &key);
    (void)natsMsgHeader_Get(msg, "Parley-Actor", &actor);
    (void)snprintf(w->key, sizeof(w->key), "%s", key);
    (void)snprintf(w->actor, sizeof(w->actor), "%s", actor);

    const struct bus_head heads[] = {
        {"Parley-Status", w->status}
    };
    const struct bus_out out = {
        .subject = natsMsg_GetReply(msg),
        .heads = heads,
        .head_count = 1,
        .body = w->body,
        .body_len = strlen(w->body),
    };
    CHECK(bus_send(w->bus, &out) == OK);
    natsMsg_Destroy(msg);
}

static bool begin(struct world *w, const char *status, const char *body)
{
    *w = (struct world){.status = status, .body = body};
    if (!nats_server_start(&w->server)) {
        SKIP("no nats-server");
        return false;
    }
    const struct bus_settings s = {.url = w->server.url, .name = "test"};
    if (!CHECK(bus_open(&s, &w->bus) == OK))
        return false;
    CHECK(bus_hear(w->bus, "rpc.pets.>", "pets", answer, w, &w->sub) == OK);
    CHECK(bus_flush(w->bus, 5000) == OK);
    w->rq = (struct req){.from = &somebody, .bus = w->bus, .deadline_us = mono_us() + 3000000};
    return true;
}

static void end(struct world *w)
{
    bus_unhear(w->sub);
    bus_close(w->bus);
    nats_server_stop(&w->server);
    arena_release(&w->rq.arena);
}

static enum err call(struct world *w, snowflake id, struct pet *ret)
{
    const struct pet in = {id, "in"};
    return bus_call(&w->rq, "pets.pet.get", &pet_shape, &in, ret != NULL ? &pet_shape : NULL, ret);
}

TEST(an_answer_is_decoded)
{
    struct world w;
    struct pet pet = {0};
    if (!begin(&w, "200", "{\"id\":\"5\",\"name\":\"cat\",\"more\":1}"))
        return;
    CHECK(call(&w, 1, &pet) == OK);
    CHECK(pet.id == 5);
    CHECK_STR(pet.name, "cat");
    CHECK_STR(w.actor, "7");
    end(&w);
}

TEST(lists_and_empty_answers_are_answers)
{
    struct world w;
    struct list pets = {0};
    if (!begin(&w, "200", "[{\"id\":\"5\",\"name\":\"cat\"},{\"id\":\"6\",\"name\":\"dog\"}]"))
        return;
    CHECK(bus_call_many(&w.rq, "pets.pet.list", NULL, NULL, &pet_shape, &pets) == OK);
    CHECK(pets.count == 2 && LIST_AT(&pets, struct pet, 1)->id == 6);
    w.status = "204";
    w.body = "";
    CHECK(call(&w, 1, NULL) == OK);
    end(&w);
}

TEST(an_error_answered_is_that_very_error)
{
    struct world w;
    if (!begin(&w, "429",
               "{\"type\":\"/problems/slow_mode\",\"status\":429,\"retry_after\":1.5,"
               "\"errors\":[{\"field\":\"content\",\"message\":\"is required\"}]}"))
        return;
    CHECK(call(&w, 1, NULL) == ERR_SLOW_MODE);
    CHECK_INT(w.rq.retry_after_ms, 1500);
    CHECK(w.rq.errors != NULL && w.rq.errors->count == 1);
    end(&w);
}

TEST(an_answer_without_a_status_is_the_usual_one)
{
    struct world w;
    struct pet pet = {0};
    if (!begin(&w, NULL, "{\"id\":\"5\",\"name\":\"Rex\"}"))
        return;
    CHECK(call(&w, 1, &pet) == OK);
    CHECK(pet.id == 5);
    end(&w);
}

TEST(nonsense_is_an_internal_error)
{
    struct world w;
    struct pet pet = {0};
    if (!begin(&w, "200", "{\"id\":true}"))
        return;
    CHECK(call(&w, 1, &pet) == ERR_INTERNAL);
    w.body = "not json";
    CHECK(call(&w, 1, &pet) == ERR_INTERNAL);
    w.body = "{\"type\":\"/problems/ok\"}";
    w.status = "500";
    CHECK(call(&w, 1, &pet) == ERR_INTERNAL);
    w.status = "soon";
    CHECK(call(&w, 1, &pet) == ERR_INTERNAL);
    end(&w);
}

TEST(nobody_there_is_unavailable)
{
    struct world w;
    if (!begin(&w, "200", "{}"))
        return;
    CHECK(bus_call(&w.rq, "plants.get", NULL, NULL, NULL, NULL) == ERR_UNAVAILABLE);
    w.rq.deadline_us = mono_us() - 1;
    CHECK(call(&w, 1, NULL) == ERR_TIMEOUT);
    end(&w);
}

TEST(the_same_question_gets_the_same_key_and_another_one_another)
{
    struct world w;
    char first[64];
    if (!begin(&w, "204", ""))
        return;
    CHECK(call(&w, 1, NULL) == OK);
    (void)snprintf(first, sizeof(first), "%s", w.key);
    CHECK(strlen(first) == 32);
    CHECK(call(&w, 1, NULL) == OK);
    CHECK_STR(w.key, first);
    CHECK(call(&w, 2, NULL) == OK);
    CHECK(strcmp(w.key, first) != 0);
    end(&w);
}
