/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_MPSC_H
#define SHARED_BASE_MPSC_H

/* Many threads hand things to one loop, without a lock. Nodes are members of what they carry (see
 * CONTAINER_OF). The queue itself has no bound: what is pushed must be bounded by its maker. A
 * zeroed struct is an empty queue. */

#include <stdatomic.h>
#include <stdbool.h>

struct mpsc_node {
    struct mpsc_node *next;
};

struct mpsc {
    _Atomic(struct mpsc_node *) newest;
};

/* True when the queue was empty: exactly then the consumer must be woken. Any thread. */
bool mpsc_push(struct mpsc *q, struct mpsc_node *node);

/* Everything queued so far, oldest first, linked by next; NULL when empty. The consumer only. */
struct mpsc_node *mpsc_take(struct mpsc *q);

#endif
