/* SPDX-License-Identifier: MIT
 *
 * Workers, batch writers and the full ring, asked over the real bus.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "shared/base/heap.h"
#include "tests/kit.h"
#include "tests/test.h"
#include "tests/unit/shared/service/notes.h"
#include "tests/unit/shared/service/runtime_world.h"

enum { ANN = 7, MANY = 500 };

static const struct world_limits usual = {4, 4096};

static struct asked ask_once(struct service_world *w, const char *subject, snowflake actor,
                             snowflake channel, const char *body)
{
    struct asked q = {.actor = actor, .channel = channel, .form = body};
    service_world_ask(w, subject, &q, 1);
    return q;
}

TEST(a_request_over_the_bus_is_answered)
{
    struct service_world w;
    if (!service_world_open(&w, usual))
        return;
    snowflake channel = notes_channel();
    struct asked q = ask_once(&w, "notes.note.create", ANN, channel, "{\"text\":\"hello\"}");
    CHECK_INT(q.status, 201);
    CHECK(strstr(q.body, "\"text\":\"hello\"") != NULL);
    q = ask_once(&w, "notes.line.create", ANN, channel, "{\"text\":\"line\"}");
    CHECK_INT(q.status, 201);
    CHECK(strstr(q.body, "\"text\":\"line\"") != NULL);
    q = ask_once(&w, "notes.note.clear", ANN, channel, "");
    CHECK_INT(q.status, 204);
    CHECK_STR(q.body, "");
    service_world_close(&w);
}

TEST(an_error_over_the_bus_has_its_name_and_a_problem_document)
{
    struct service_world w;
    if (!service_world_open(&w, usual))
        return;
    snowflake channel = notes_channel();
    struct asked q = ask_once(&w, "notes.note.create", ANN, channel, "{\"text\":");
    CHECK_INT(q.status, 400);
    CHECK_STR(q.name, "bad_json");
    CHECK(strstr(q.body, "/problems/bad_json") != NULL);
    q = ask_once(&w, "notes.line.create", ANN, channel, "[]");
    CHECK_STR(q.name, "bad_json");
    q = ask_once(&w, "notes.line.create", 0, channel, "{\"text\":\"a\"}");
    CHECK_STR(q.name, "unauthorized");
    q = ask_once(&w, "notes.nothing.here", ANN, channel, "");
    CHECK_INT(q.status, 404);
    CHECK_STR(q.name, "unknown_route");
    service_world_close(&w);
}

static struct asked *crowd(size_t n, snowflake channel, const char *body)
{
    struct asked *all = heap_alloc_n(n, sizeof(*all));
    for (size_t i = 0; i < n; i++)
        all[i] = (struct asked){.actor = ANN, .channel = channel, .form = body};
    return all;
}

static size_t count_status(const struct asked *all, size_t n, int status)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += all[i].err == OK && all[i].status == status;
    return count;
}

TEST(everything_in_a_batch_is_written_and_answered)
{
    struct service_world w;
    if (!service_world_open(&w, usual))
        return;
    snowflake channel = notes_channel();
    struct asked *all = crowd(MANY, channel, "{\"text\":\"line\"}");
    service_world_ask(&w, "notes.line.create", all, MANY);
    CHECK_INT(count_status(all, MANY, 201), MANY);
    CHECK_INT(notes_count(channel), MANY);
    free(all);
    service_world_close(&w);
}

/* Some fail by themselves, some break the statement of the whole batch; the others do not notice.
 */
TEST(one_bad_request_hurts_no_other_in_its_batch)
{
    struct service_world w;
    if (!service_world_open(&w, usual))
        return;
    snowflake channel = notes_channel();
    struct asked *all = crowd(MANY, channel, "{\"text\":\"line\"}");
    for (size_t i = 0; i < MANY; i += 10)
        all[i].form = "{\"text\":\"fail\"}";
    for (size_t i = 5; i < MANY; i += 50)
        all[i].form = "{\"text\":\"break\"}";
    service_world_ask(&w, "notes.line.create", all, MANY);
    CHECK_INT(count_status(all, MANY, 400), MANY / 10);
    CHECK_INT(count_status(all, MANY, 500), MANY / 50);
    CHECK_INT(count_status(all, MANY, 201), MANY - MANY / 10 - MANY / 50);
    CHECK_INT(notes_count(channel), MANY - MANY / 10 - MANY / 50);
    free(all);
    service_world_close(&w);
}

/* Every key twice in the crowd, so that most pairs meet in one batch; and then all of them again.
 */
TEST(a_key_twice_in_a_batch_is_written_once)
{
    struct service_world w;
    if (!service_world_open(&w, usual))
        return;
    snowflake channel = notes_channel();
    char keys[MANY / 2][48];
    struct asked *all = crowd(MANY, channel, "{\"text\":\"line\"}");
    for (size_t i = 0; i < MANY; i++) {
        snprintf(keys[i / 2], sizeof(keys[0]), "twin-%llu-%zu", (unsigned long long)channel, i / 2);
        all[i].key = keys[i / 2];
    }
    for (int round = 0; round < 2; round++) {
        service_world_ask(&w, "notes.line.create", all, MANY);
        CHECK_INT(count_status(all, MANY, 201), MANY);
        CHECK_INT(notes_count(channel), MANY / 2);
    }
    for (size_t i = 0; i < MANY; i += 2)
        CHECK_STR(all[i].body, all[i + 1].body);
    free(all);
    service_world_close(&w);
}

TEST(a_full_ring_refuses_at_once_and_says_when_to_come_back)
{
    struct service_world w;
    if (!service_world_open(&w, (struct world_limits){1, 16}))
        return;
    struct asked *all = crowd(100, notes_channel(), "");
    service_world_ask(&w, "notes.note.clear", all, 100);
    size_t served = count_status(all, 100, 204);
    size_t refused = count_status(all, 100, 503);
    CHECK_INT(served + refused, 100);
    CHECK(served >= 16);
    CHECK(refused > 0);
    for (size_t i = 0; i < 100; i++)
        CHECK(all[i].status != 503 || all[i].retry_ms > 0);
    free(all);
    service_world_close(&w);
}

TEST(a_request_nobody_waits_for_is_not_served)
{
    struct service_world w;
    if (!service_world_open(&w, (struct world_limits){1, 64}))
        return;
    snowflake channel = notes_channel();
    struct asked *slow = crowd(8, channel, "");
    for (size_t i = 0; i < 8; i++)
        slow[i].timeout_ms = 30; /* each takes 20 ms, one after the other */
    service_world_ask(&w, "notes.note.clear", slow, 8);
    CHECK(count_status(slow, 8, 204) <= 2);
    CHECK(slow[7].err == ERR_TIMEOUT);
    free(slow);
    service_world_close(&w);
}

struct crowd_thread {
    struct service_world *w;
    struct asked *all;
    size_t n;
};

static void *ask_crowd(void *arg)
{
    struct crowd_thread *c = arg;
    service_world_ask(c->w, "notes.note.clear", c->all, c->n);
    return NULL;
}

TEST(what_was_heard_before_the_drain_is_answered)
{
    enum { HEARD = 5 };
    struct service_world w;
    pthread_t thread;
    if (!service_world_open(&w, (struct world_limits){1, 64}))
        return;
    struct asked *all = crowd(10, notes_channel(), "");
    struct crowd_thread c = {&w, all, 10};
    struct timespec pause = {.tv_nsec = 1000000};
    pthread_create(&thread, NULL, ask_crowd, &c);
    while (dispatch_depth(w.dispatch) < HEARD)
        nanosleep(&pause, NULL);
    dispatch_stop(w.dispatch);
    w.dispatch = NULL;
    pthread_join(thread, NULL);
    /* The rest may have been asked too late to be heard. */
    CHECK(count_status(all, 10, 204) >= HEARD);
    free(all);
    service_world_close(&w);
}
