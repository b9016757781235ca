/* SPDX-License-Identifier: MIT */
#include "shared/wire/bus_kv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "shared/wire/bus.h"
#include "tests/nats_server.h"
#include "tests/test.h"

enum { WAIT_US = 5000000, THREADS = 4, STEPS = 25 };

#define BUCKET "test"
static const struct bus_kv bucket = {
    .bucket = BUCKET, .max_value = 1000, .max_bytes = 1000000, .replicas = 1};

struct world {
    struct nats_server server;
    struct bus *bus;
    struct req rq;
};

static void renew(struct world *w)
{
    w->rq.deadline_us = mono_us() + WAIT_US;
}

/* Connections come up by themselves. */
static bool ensure(struct world *w)
{
    struct stopper patience;
    enum err e;
    stopper_init(&patience);
    renew(w);
    while ((e = bus_kv_ensure(w->bus, &bucket)) != OK && mono_us() < w->rq.deadline_us)
        (void)stopper_wait(&patience, 10);
    stopper_done(&patience);
    return CHECK_INT(e, OK);
}

static bool begin(struct world *w)
{
    *w = (struct world){.bus = NULL};
    if (!nats_server_start(&w->server)) {
        SKIP("no nats-server");
        return false;
    }
    const struct bus_settings s = {.url = w->server.url, .name = "test"};
    if (!CHECK(bus_open(&s, &w->bus) == OK))
        return false;
    w->rq.bus = w->bus;
    return ensure(w);
}

static void end(struct world *w)
{
    arena_release(&w->rq.arena);
    bus_close(w->bus);
    nats_server_stop(&w->server);
}

static enum err put(struct req *rq, const char *key, const char *value, uint64_t revision,
                    uint64_t *ret_revision)
{
    struct bus_kv_entry e = {.key = key, .value = value, .revision = revision};
    e.len = value != NULL ? strlen(value) : 0;
    enum err result = bus_kv_put(rq, BUCKET, &e);
    if (ret_revision != NULL)
        *ret_revision = e.revision;
    return result;
}

static struct bus_kv_entry get(struct req *rq, const char *key)
{
    struct bus_kv_entry e = {.key = key};
    CHECK_INT(bus_kv_get(rq, BUCKET, &e), OK);
    return e;
}

TEST(a_bucket_may_be_made_twice_and_with_other_limits)
{
    struct world w;
    if (!begin(&w))
        return;
    struct bus_kv larger = bucket;
    larger.max_bytes *= 2;
    CHECK_INT(put(&w.rq, "k", "kept", 0, NULL), OK);
    CHECK_INT(bus_kv_ensure(w.bus, &bucket), OK);
    CHECK_INT(bus_kv_ensure(w.bus, &larger), OK);
    CHECK_STR(get(&w.rq, "k").value, "kept");
    end(&w);
}

TEST(a_value_is_read_as_it_was_written_whatever_its_bytes)
{
    struct world w;
    if (!begin(&w))
        return;
    CHECK(get(&w.rq, "a.b").value == NULL);
    char all[256];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    for (size_t len = 253; len <= sizeof(all); len++) {
        struct bus_kv_entry e = {"a.b", all, len, BUS_KV_ANY};
        CHECK_INT(bus_kv_put(&w.rq, BUCKET, &e), OK);
        struct bus_kv_entry found = get(&w.rq, "a.b");
        CHECK_INT(found.len, len);
        CHECK(memcmp(found.value, all, len) == 0);
        CHECK(found.revision == e.revision);
    }
    end(&w);
}

TEST(who_changes_what_somebody_else_changed_meanwhile_is_told)
{
    struct world w;
    if (!begin(&w))
        return;
    uint64_t first;
    CHECK_INT(put(&w.rq, "k", "1", 0, &first), OK);
    CHECK_INT(put(&w.rq, "k", "2", 0, NULL), ERR_CONFLICT);
    CHECK_INT(put(&w.rq, "k", "2", first, NULL), OK);
    CHECK_INT(put(&w.rq, "k", "3", first, NULL), ERR_CONFLICT);
    CHECK_INT(put(&w.rq, "k", NULL, first, NULL), ERR_CONFLICT);
    CHECK_STR(get(&w.rq, "k").value, "2");
    end(&w);
}

TEST(a_key_that_was_taken_away_leaves_nothing_and_can_be_made_anew)
{
    struct world w;
    if (!begin(&w))
        return;
    uint64_t revision;
    struct list keys;
    CHECK_INT(put(&w.rq, "k", "1", 0, &revision), OK);
    CHECK_INT(put(&w.rq, "k", NULL, revision, NULL), OK);
    CHECK(get(&w.rq, "k").value == NULL);
    CHECK_INT(get(&w.rq, "k").revision, 0);
    CHECK_INT(bus_kv_keys(&w.rq, BUCKET, ">", 10, &keys), OK);
    CHECK_INT(keys.count, 0);
    CHECK_INT(put(&w.rq, "k", "2", 0, NULL), OK);
    CHECK_STR(get(&w.rq, "k").value, "2");
    end(&w);
}

TEST(keys_are_found_by_their_pattern_and_no_more_than_asked)
{
    struct world w;
    if (!begin(&w))
        return;
    static const char *const all[] = {"room.1.7", "room.1.8", "room.2.9", "user.7"};
    struct list keys;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        CHECK_INT(put(&w.rq, all[i], "x", 0, NULL), OK);
    CHECK_INT(bus_kv_keys(&w.rq, BUCKET, "room.*.8", 10, &keys), OK);
    CHECK_INT(keys.count, 1);
    CHECK_STR(*LIST_AT(&keys, const char *, 0), "room.1.8");
    CHECK_INT(bus_kv_keys(&w.rq, BUCKET, "room.>", 10, &keys), OK);
    CHECK_INT(keys.count, 3);
    CHECK_INT(bus_kv_keys(&w.rq, BUCKET, "room.>", 2, &keys), OK);
    CHECK_INT(keys.count, 2);
    CHECK_INT(bus_kv_keys(&w.rq, BUCKET, "room.3.*", 10, &keys), OK);
    CHECK_INT(keys.count, 0);
    CHECK_INT(bus_kv_keys(&w.rq, "other", "room.>", 10, &keys), ERR_GONE);
    end(&w);
}

TEST(a_value_beyond_the_limit_is_refused)
{
    struct world w;
    if (!begin(&w))
        return;
    char large[1200];
    memset(large, 'x', sizeof(large));
    struct bus_kv_entry e = {"k", large, sizeof(large), 0};
    CHECK_INT(bus_kv_put(&w.rq, BUCKET, &e), ERR_UNAVAILABLE);
    CHECK(get(&w.rq, "k").value == NULL);
    end(&w);
}

static void *count_up(void *arg)
{
    struct world *w = arg;
    struct req rq = {.bus = w->bus, .deadline_us = mono_us() + 10 * (int64_t)WAIT_US};
    for (int done = 0; done < STEPS;) {
        struct bus_kv_entry e = get(&rq, "count");
        long long n = e.value != NULL ? strtoll(e.value, NULL, 10) : 0;
        enum err result =
            put(&rq, "count", arena_printf(&rq.arena, "%lld", n + 1), e.revision, NULL);
        if (result != ERR_CONFLICT && !CHECK_INT(result, OK))
            break;
        done += result == OK;
    }
    arena_release(&rq.arena);
    return NULL;
}

TEST(of_many_who_change_a_value_none_is_lost)
{
    struct world w;
    if (!begin(&w))
        return;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count_up, &w);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(strtoll(get(&w.rq, "count").value, NULL, 10), THREADS * STEPS);
    end(&w);
}

TEST(values_outlive_a_restart_of_the_server_and_meanwhile_nobody_waits)
{
    struct world w;
    if (!begin(&w))
        return;
    uint64_t revision;
    CHECK_INT(put(&w.rq, "k", "kept", 0, &revision), OK);
    nats_server_halt(&w.server);
    int64_t began_us = mono_us();
    struct bus_kv_entry e = {.key = "k"};
    while (bus_is_up(w.bus) && mono_us() < began_us + WAIT_US)
        continue;
    CHECK_INT(bus_kv_get(&w.rq, BUCKET, &e), ERR_UNAVAILABLE);
    CHECK(mono_us() < began_us + WAIT_US / 2);
    CHECK(nats_server_resume(&w.server));
    ensure(&w);
    e = get(&w.rq, "k");
    CHECK_STR(e.value, "kept");
    CHECK(e.revision == revision);
    end(&w);
}
