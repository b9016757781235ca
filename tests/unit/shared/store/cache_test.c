/* SPDX-License-Identifier: MIT */
/* Against a real Redis. */

#include "shared/store/cache.h"

#include <pthread.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "tests/test.h"
#include "tests/unit/shared/store/world.h"

static struct cache *open_cache(const char *url)
{
    struct cache *c = NULL;
    struct cache_settings s = {.url = url};
    if (!CHECK_INT(cache_open(&s, &c), OK))
        return NULL;
    return c;
}

static bool wait_up(struct cache *c, bool is_wanted)
{
    struct stopper patience;
    stopper_init(&patience);
    int64_t until_us = mono_us() + 5000000;
    while (cache_is_up(c) != is_wanted && mono_us() < until_us)
        (void)stopper_wait(&patience, 5);
    stopper_done(&patience);
    return cache_is_up(c) == is_wanted;
}

TEST(a_command_gets_its_answer)
{
    struct req rq = {.cache = open_cache(world_settings()->redis_url)};
    if (!CHECK(wait_up(rq.cache, true)))
        return;
    struct cache_value v;
    CHECK_INT(cache_do(&rq, NULL, "SET unit:a %s", "with space"), OK);
    CHECK_INT(cache_do(&rq, &v, "GET unit:a"), OK);
    CHECK_STR(v.str, "with space");
    CHECK_INT(cache_do(&rq, &v, "GET unit:none"), OK);
    CHECK_INT(v.kind, CACHE_NIL);
    CHECK_INT(cache_do(&rq, &v, "INCR unit:a"), ERR_INTERNAL);
    CHECK(rq.detail != NULL && strstr(rq.detail, "integer") != NULL);
    CHECK_INT(cache_do(&rq, NULL, "DEL unit:l"), OK);
    CHECK_INT(cache_do(&rq, NULL, "RPUSH unit:l x y"), OK);
    CHECK_INT(cache_do(&rq, &v, "LRANGE unit:l 0 -1"), OK);
    CHECK(v.kind == CACHE_LIST && v.count == 2 && strcmp(v.items[1].str, "y") == 0);
    cache_close(rq.cache);
    arena_release(&rq.arena);
}

TEST(a_script_is_loaded_when_redis_does_not_know_it)
{
    struct req rq = {.cache = open_cache(world_settings()->redis_url)};
    if (!CHECK(wait_up(rq.cache, true)))
        return;
    static struct cache_script add = {.text = "return redis.call('INCRBY', KEYS[1], ARGV[1])",
                                      .key_count = 1};
    const char *argv[] = {"unit:s", "4"};
    struct cache_value v;
    CHECK_INT(cache_do(&rq, NULL, "DEL unit:s"), OK);
    CHECK_INT(cache_do(&rq, NULL, "SCRIPT FLUSH"), OK);
    CHECK_INT(cache_do_script(&rq, &add, argv, 2, &v), OK);
    CHECK_INT(v.integer, 4);
    CHECK_INT(cache_do_script(&rq, &add, argv, 2, &v), OK);
    CHECK_INT(v.integer, 8);
    cache_close(rq.cache);
    arena_release(&rq.arena);
}

TEST(without_redis_every_call_is_refused_at_once)
{
    struct req rq = {.cache = open_cache("redis://127.0.0.1:1")};
    struct cache_value v;
    int64_t began_us = mono_us();
    CHECK_INT(cache_do(&rq, &v, "PING"), ERR_UNAVAILABLE);
    CHECK(mono_us() - began_us < 200000);
    CHECK(!cache_is_up(rq.cache));
    cache_close(rq.cache);
    arena_release(&rq.arena);
}

static void *hammer(void *arg)
{
    struct req rq = {.cache = arg};
    for (int i = 0; i < 500; i++)
        CHECK_INT(cache_do(&rq, NULL, "INCR unit:h"), OK);
    arena_release(&rq.arena);
    return NULL;
}

TEST(threads_share_one_connection)
{
    struct req rq = {.cache = open_cache(world_settings()->redis_url)};
    if (!CHECK(wait_up(rq.cache, true)))
        return;
    CHECK_INT(cache_do(&rq, NULL, "DEL unit:h"), OK);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        thread_start(&threads[i], hammer, rq.cache);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    struct cache_value v;
    CHECK_INT(cache_do(&rq, &v, "GET unit:h"), OK);
    CHECK_STR(v.str, "2000");
    cache_close(rq.cache);
    arena_release(&rq.arena);
}

TEST(a_connection_redis_cuts_comes_back_by_itself)
{
    struct req rq = {.cache = open_cache(world_settings()->redis_url)};
    if (!CHECK(wait_up(rq.cache, true)))
        return;
    struct req other = {.cache = open_cache(world_settings()->redis_url)};
    CHECK(wait_up(other.cache, true));
    CHECK_INT(cache_do(&other, NULL, "CLIENT KILL TYPE normal SKIPME yes"), OK);
    CHECK(wait_up(rq.cache, false));
    CHECK(wait_up(rq.cache, true));
    CHECK_INT(cache_do(&rq, NULL, "PING"), OK);
    cache_close(other.cache);
    arena_release(&other.arena);
    cache_close(rq.cache);
    arena_release(&rq.arena);
}

TEST(an_address_that_is_none_is_refused)
{
    struct cache *c = NULL;
    const char *urls[] = {"", "http://x", "redis://", "redis://h:99999", "redis://h:1/99"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        CHECK(cache_open(&(struct cache_settings){.url = urls[i]}, &c) != OK);
}
