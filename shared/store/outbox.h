/* SPDX-License-Identifier: MIT */
#ifndef SHARED_STORE_OUTBOX_H
#define SHARED_STORE_OUTBOX_H

#include "shared/store/db.h"
#include "shared/wire/bus.h"
#include "shared/wire/req.h"

/* No committed event is lost: the events of a transaction are one row of `outbox`, written in the
 * same transaction. After COMMIT they are published at once; when JetStream has acknowledged all of
 * them the row is deleted (in batches). What a crash left behind, the relay republishes: one copy
 * of the service at a time, by an advisory lock, rows older than a few seconds, in order. A
 * repeated publication has the same Nats-Msg-Id, so JetStream keeps one. */
struct outbox;

MUST_CHECK enum err outbox_start(const struct db_settings *s, struct bus *bus, const char *service,
                                 struct outbox **ret);
void outbox_stop(struct outbox *o); /* waits (bounded) for acknowledgements in flight */

/* In the transaction: keep rq's durable events. *ret_row is 0 when there are none. */
MUST_CHECK enum err outbox_write(struct req *rq, int64_t *ret_row);
/* The same for events of many requests in one row (BATCH). */
MUST_CHECK enum err outbox_write_many(struct req *rq, struct req *const *rqs, size_t n,
                                      int64_t *ret_row);

/* After COMMIT: publish rq's events, fleeting ones too. Never fails: what could not be
 * published stays in the table for the relay. */
void outbox_publish(struct outbox *o, const struct req *rq, int64_t row);
void outbox_publish_many(struct outbox *o, struct req *const *rqs, size_t n, int64_t row);

/* Rows written but not yet acknowledged by this process, for metrics. */
int64_t outbox_pending(const struct outbox *o);

#endif
