/* SPDX-License-Identifier: MIT
 *
 * The queue to a loop: order per producer, and one wake-up per idle spell. */

#include "shared/base/macros.h"
#include "shared/base/mpsc.h"
#include "tests/test.h"

#include <pthread.h>
#include <sched.h>

enum { THREADS = 3, EACH = 20000 };

struct item {
    struct mpsc_node node;
    int producer;
    int number;
};

static struct mpsc queue;
static struct item items[THREADS][EACH];

TEST(only_the_push_into_an_empty_queue_asks_to_wake)
{
    struct mpsc q = {0};
    struct item a = {.number = 1};
    struct item b = {.number = 2};
    CHECK(mpsc_push(&q, &a.node));
    CHECK(!mpsc_push(&q, &b.node));
    struct mpsc_node *first = mpsc_take(&q);
    CHECK(first == &a.node && first->next == &b.node && b.node.next == NULL);
    CHECK(mpsc_take(&q) == NULL);
    CHECK(mpsc_push(&q, &b.node));
}

static void *produce(void *arg)
{
    struct item *mine = arg;
    for (int i = 0; i < EACH; i++)
        mpsc_push(&queue, &mine[i].node);
    return NULL;
}

/* Numbers of each producer must arrive in order; returns how many arrived. */
static int drain(int next[THREADS])
{
    int met = 0;
    for (struct mpsc_node *node = mpsc_take(&queue); node != NULL; node = node->next, met++) {
        const struct item *item = CONTAINER_OF(node, struct item, node);
        CHECK(item->number == next[item->producer]);
        next[item->producer] = item->number + 1;
    }
    return met;
}

TEST(nothing_is_lost_and_each_producer_stays_in_order)
{
    pthread_t threads[THREADS];
    int next[THREADS] = {0};
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < EACH; i++)
            items[t][i] = (struct item){.producer = t, .number = i};
    for (int t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, produce, items[t]);
    for (int met = 0; met < THREADS * EACH; sched_yield())
        met += drain(next);
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    CHECK(mpsc_take(&queue) == NULL);
}
