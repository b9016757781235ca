/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_JOB_H
#define SHARED_SERVICE_JOB_H

/* Private to shared/service: the thread that works by the clock: the service's jobs, the purge of
 * old keys, and the stream EVENTS, which whoever comes first creates. */

#include "shared/service/runtime.h"

struct clockwork;

/* A JOB_ONE needs the database's lock: without one each copy would run it. */
bool jobs_are_sound(const struct service *s);

struct clockwork *clockwork_start(const struct runtime *rt);
void clockwork_stop(struct clockwork *c);

#endif
