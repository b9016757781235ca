/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_DISPATCH_H
#define SHARED_SERVICE_DISPATCH_H

/* Private to shared/service: requests from the bus to the workers. The delivery thread only looks
 * up the row and queues; when too many wait it refuses at once. */

#include "shared/service/runtime.h"

struct dispatch;

/* Starts the workers. Nothing is heard yet. */
struct dispatch *dispatch_start(const struct runtime *rt);

/* Subscribes to rpc.<subject>.> and to the fleeting events of listen.def. */
MUST_CHECK enum err dispatch_open(struct dispatch *d);

size_t dispatch_depth(const struct dispatch *d);

/* Stops hearing, serves what was heard, ends the workers. */
void dispatch_stop(struct dispatch *d);

#endif
