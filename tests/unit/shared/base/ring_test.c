/* SPDX-License-Identifier: MIT
 *
 * The ring: bounded, in order, and nothing lost or doubled between threads. */

#include "shared/base/clock.h"
#include "shared/base/ring.h"
#include "tests/test.h"

#include <pthread.h>

TEST(a_ring_gives_back_in_order)
{
    int items[3];
    struct ring *r = ring_new(3);
    for (int turn = 0; turn < 5; turn++) {
        for (int i = 0; i < 3; i++)
            CHECK(ring_push(r, &items[i]));
        for (int i = 0; i < 3; i++)
            CHECK(ring_pop(r, 0) == &items[i]);
    }
    ring_free(r);
}

TEST(a_full_ring_refuses_at_once)
{
    int item;
    struct ring *r = ring_new(2);
    CHECK(ring_push(r, &item));
    CHECK(ring_push(r, &item));
    CHECK(!ring_push(r, &item));
    CHECK_INT(ring_depth(r), 2);
    ring_free(r);
}

TEST(waiting_for_nothing_ends_in_time)
{
    struct ring *r = ring_new(2);
    int64_t before = mono_us();
    CHECK(ring_pop(r, 20) == NULL);
    int64_t took = mono_us() - before;
    CHECK(took >= 20000 && took < 2000000);
    ring_free(r);
}

TEST(a_batch_takes_what_is_there_up_to_its_size)
{
    int items[5];
    void *out[5];
    struct ring *r = ring_new(5);
    for (int i = 0; i < 5; i++)
        CHECK(ring_push(r, &items[i]));
    CHECK_INT(ring_pop_batch(r, out, 3, 0), 3);
    CHECK(out[0] == &items[0] && out[2] == &items[2]);
    CHECK_INT(ring_pop_batch(r, out, 5, 0), 2);
    CHECK_INT(ring_pop_batch(r, out, 5, 0), 0);
    ring_free(r);
}

TEST(a_closed_ring_can_be_emptied_but_not_filled)
{
    int item;
    struct ring *r = ring_new(2);
    CHECK(ring_push(r, &item));
    ring_close(r);
    CHECK(ring_is_closed(r));
    CHECK(!ring_push(r, &item));
    CHECK(ring_pop(r, 10000) == &item);
    int64_t before = mono_us();
    CHECK(ring_pop(r, 10000) == NULL);
    CHECK(mono_us() - before < 5000000);
    ring_free(r);
}

enum { THREADS = 3, EACH = 5000 };

struct crowd {
    struct ring *ring;
    int taken[THREADS * EACH];
};

static struct crowd crowd;

static void *produce(void *first)
{
    int *slots = first;
    for (int i = 0; i < EACH; i++)
        while (!ring_push(crowd.ring, &slots[i]))
            sched_yield();
    return NULL;
}

static void *consume(void *arg UNUSED)
{
    int *slot;
    while ((slot = ring_pop(crowd.ring, 10000)) != NULL)
        __atomic_add_fetch(slot, 1, __ATOMIC_RELAXED);
    return NULL;
}

TEST(every_item_goes_to_exactly_one_of_many_consumers)
{
    pthread_t producers[THREADS];
    pthread_t consumers[THREADS];
    crowd = (struct crowd){.ring = ring_new(64)};
    for (size_t i = 0; i < THREADS; i++) {
        pthread_create(&producers[i], NULL, produce, &crowd.taken[i * EACH]);
        pthread_create(&consumers[i], NULL, consume, NULL);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(producers[i], NULL);
    ring_close(crowd.ring);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(consumers[i], NULL);
    for (size_t i = 0; i < THREADS * EACH; i++)
        CHECK(crowd.taken[i] == 1);
    ring_free(crowd.ring);
}
