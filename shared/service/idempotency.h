/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_IDEMPOTENCY_H
#define SHARED_SERVICE_IDEMPOTENCY_H

/* Private to shared/service: the same key from the same actor within a day gives the first answer
 * again, whichever copy answers. The key and the answer are inserted by the transaction that did
 * the work, so a repeat fails at its own insert (one that runs at the same moment waits there until
 * the first has committed), is rolled back whole and gets the answer kept. */

#include "shared/service/rpc.h"
#include "shared/service/service.h"

#include <stdbool.h>
#include <stddef.h>

enum { KEY_MAX = 64, KEYS_KEPT_S = 24 * 60 * 60 };

/* Has this request of this row a key to be honoured? Nobody's (actor 0) is not. */
bool key_counts(const struct rpc *rpc, const struct req *rq);

/* 1 to KEY_MAX printable ASCII characters. */
bool key_is_good(const char *key);

/* In rq's transaction, after the work: keep the answers of these requests, all of them with keys.
 * A key there already shows as ERR_KEY_REUSED at COMMIT. */
void keys_keep(struct req *rq, const struct rpc *rpc, struct req *const *rqs, size_t n);

/* Outside a transaction: has an earlier request with this key been answered? Then *ret_known is
 * true and the result is that answer: OK with it in asker, or the error of a key misused. */
MUST_CHECK enum err key_recall(struct req *rq, const struct rpc *rpc, struct req *asker,
                               bool *ret_known);

/* The service's constraints and the one all of the above rests on; on the heap. */
struct db_constraint *key_constraints(const struct db_constraint *own);

/* The job that forgets old keys. */
extern const struct job key_purge_job;

#endif
