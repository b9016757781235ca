/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_TRANSACT_H
#define SHARED_SERVICE_TRANSACT_H

/* Private to shared/service: one piece of work in one transaction, its durable events kept in the
 * outbox by the same COMMIT. */

#include "shared/wire/req.h"

#include <stddef.h>

typedef enum err work_fn(struct req *rq, void *arg);

/* BEGIN, work, outbox, COMMIT; a deadlock or serialization conflict repeats it, so the work may run
 * more than once and starts each time with an empty answer and no events. Without a database
 * (rq->db is NULL) the work just runs. On failure no event is left in rq. */
MUST_CHECK enum err transact(struct req *rq, work_fn *work, void *arg);

/* For work that committed statement by statement: its durable events, in a transaction of theirs.
 */
MUST_CHECK enum err transact_events(struct req *rq);

/* Forget answer, errors and events of an earlier try. */
void req_restart(struct req *rq);

#endif
