/* SPDX-License-Identifier: MIT
 *
 * The map against an array that cannot be wrong. */

#include "shared/base/map.h"
#include "tests/test.h"

enum { KEYS = 512, STEPS = 200000 };

TEST(an_empty_map_holds_nothing)
{
    struct map m = {0};
    size_t at = 0;
    void *value;
    CHECK(map_get(&m, 1) == NULL);
    CHECK(map_del(&m, 1) == NULL);
    CHECK(!map_next(&m, &at, NULL, &value));
    map_done(&m);
}

TEST(a_map_remembers_what_an_array_remembers)
{
    static int things[4];
    void *truth[KEYS] = {0};
    struct map m = {0};
    size_t count = 0;
    for (int i = 0; i < STEPS; i++) {
        uint64_t random = test_random();
        uint64_t key = random % KEYS;
        void *thing = &things[random >> 32 & 3];
        /* Phases of growing and of shrinking. */
        bool is_put = (random >> 40 & 7) < (i / 20000 % 2 == 0 ? 6 : 2);
        void *before = is_put ? map_put(&m, key, thing) : map_del(&m, key);
        if (!CHECK(before == truth[key]))
            break;
        count += (size_t)is_put - (before != NULL);
        truth[key] = is_put ? thing : NULL;
        CHECK_INT(m.count, count);
    }
    for (uint64_t key = 0; key < KEYS; key++)
        CHECK(map_get(&m, key) == truth[key]);
    map_done(&m);
}

TEST(a_walk_meets_every_entry_once)
{
    static int seen[1000];
    struct map m = {0};
    for (uint64_t key = 0; key < 1000; key++)
        map_put(&m, key << 22, &seen[key]);
    size_t at = 0;
    uint64_t key;
    void *value;
    size_t met = 0;
    while (map_next(&m, &at, &key, &value)) {
        CHECK(value == &seen[key >> 22]);
        CHECK(++*(int *)value == 1);
        met++;
    }
    CHECK_INT(met, 1000);
    map_done(&m);
}

TEST(a_map_that_was_emptied_gives_its_memory_back)
{
    static int thing;
    struct map m = {0};
    for (uint64_t key = 0; key < 100000; key++)
        map_put(&m, key, &thing);
    for (uint64_t key = 0; key < 100000; key++)
        CHECK(map_del(&m, key) == &thing);
    CHECK(m.cap <= 16);
    map_done(&m);
}
