/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_LISTEN_H
#define SHARED_SERVICE_LISTEN_H

/* Private to shared/service: what a service hears. Each durable row has a thread that waits for its
 * consumer; handling is one at a time, on one connection shared by these threads, because what is
 * heard is never what somebody waits for. */

#include "shared/service/runtime.h"

#include <nats/nats.h>

enum { LISTEN_SUBJECT_SIZE = 96 };

/* "evt.v1.*.s.*.c.*.message.create": this event, of any application and place. */
void listen_subject(enum event_id ev, char out[LISTEN_SUBJECT_SIZE]);

/* Decode one event and let its handler work in a transaction; then publish what it emitted. rq is
 * fresh; the caller resets its arena. ERR_INVALID_FORM: it cannot be read, now or ever. */
enum err listen_handle(const struct runtime *rt, const struct listen *hears, natsMsg *msg,
                       struct req *rq);

struct listeners;
struct listeners *listeners_start(const struct runtime *rt);
void listeners_stop(struct listeners *ls);

#endif
