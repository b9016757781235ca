/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_BATCH_H
#define SHARED_SERVICE_BATCH_H

/* Private to shared/service: the threads that serve BATCH rows. A writer takes everything that
 * queued while its last COMMIT was in flight and writes it in one transaction. There is no timer: a
 * lone request waits for nobody. Requests with the same parameters (the same channel) go to the
 * same writer, which keeps their order and spares waiting for row locks. */

#include "shared/service/inbound.h"

struct writers;

struct writers *writers_start(const struct runtime *rt);

/* False: too many wait. Any thread. */
bool writers_take(struct writers *ws, struct inbound *in) MUST_CHECK;
size_t writers_depth(const struct writers *ws);

/* After the last writers_take: serves what waits, then ends. */
void writers_stop(struct writers *ws);

#endif
