/* SPDX-License-Identifier: MIT
 *
 * The only place that begins and ends transactions. Its invariant: when it returns OK everything
 * the work wrote is durable and rq holds the events to publish; when it returns an error nothing
 * of the work is left, in the database or in rq.
 */
#include "shared/service/transact.h"

#include "shared/service/metrics.h"
#include "shared/store/db.h"
#include "shared/store/outbox.h"
#include "shared/wire/event.h"

enum { TRIES = 3 };

void req_restart(struct req *rq)
{
    rq->events = NULL;
    rq->errors = NULL;
    rq->detail = NULL;
    rq->reply.len = 0;
    rq->retry_after_ms = 0;
    rq->status = 0;
    rq->refusal = OK;
    rq->outbox_row = 0;
}

static enum err attempt(struct req *rq, work_fn *work, void *arg)
{
    TRY(work(rq, arg));
    if (events_any_durable(rq->events))
        TRY(outbox_write(rq, &rq->outbox_row));
    return db_commit(rq);
}

enum err transact(struct req *rq, work_fn *work, void *arg)
{
    if (rq->db == NULL)
        return work(rq, arg);
    enum err e = OK;
    for (int i = 0; i < TRIES; i++) {
        req_restart(rq);
        db_begin(rq);
        e = attempt(rq, work, arg);
        if (e == OK)
            return OK;
        db_rollback(rq);
        rq->events = NULL;
        rq->outbox_row = 0;
        if (!db_may_retry(rq))
            break;
        metric_add(METRIC_rpc_retries_total, 0, 0, 1);
    }
    return e;
}

enum err transact_events(struct req *rq)
{
    if (rq->db == NULL || !events_any_durable(rq->events))
        return OK;
    db_begin(rq);
    enum err e = outbox_write(rq, &rq->outbox_row);
    if (e == OK)
        e = db_commit(rq);
    if (e == OK)
        return OK;
    db_rollback(rq);
    rq->events = NULL;
    rq->outbox_row = 0;
    return e;
}
