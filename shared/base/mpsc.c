/* SPDX-License-Identifier: MIT
 *
 * A stack that producers push onto and the consumer takes whole, then turns round. Because it is
 * only ever emptied at once, no node can come back while a producer still looks at it: there is no
 * ABA. */

#include "shared/base/mpsc.h"

#include <stddef.h>

bool mpsc_push(struct mpsc *q, struct mpsc_node *node)
{
    struct mpsc_node *newest = atomic_load_explicit(&q->newest, memory_order_relaxed);
    do {
        node->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&q->newest, &newest, node, memory_order_release,
                                                    memory_order_relaxed));
    return newest == NULL;
}

struct mpsc_node *mpsc_take(struct mpsc *q)
{
    struct mpsc_node *newest = atomic_exchange_explicit(&q->newest, NULL, memory_order_acquire);
    struct mpsc_node *oldest = NULL;
    while (newest != NULL) {
        struct mpsc_node *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}
