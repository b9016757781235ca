/* SPDX-License-Identifier: MIT
 *
 * Keys cost a request that has one no round trip of its own: the insert travels with COMMIT. What
 * decides between two is the primary key (actor, key), never a look before the work. Errors are not
 * kept: a request that failed left nothing behind and may be made again with the same key.
 */
#include "shared/service/idempotency.h"

#include "shared/base/heap.h"
#include "shared/service/metrics.h"
#include "shared/service/rpc_private.h"
#include "shared/service/transact.h"
#include "shared/store/db.h"
#include "shared/wire/json.h"

#include <string.h>

enum { PURGE_ROWS = 20000 };

/* Sorted, so that two copies that keep the same keys wait for each other instead of locking up. */
STMT(idempotency_keep,
     "INSERT INTO idempotency (actor, key, subject, status, body)"
     " SELECT k.actor, k.key, $3::text, nullif(k.status, 0), k.body"
     "   FROM unnest($1::bigint[], $2::text[], $4::bigint[], $5::text[])"
     "        AS k (actor, key, status, body)"
     "  ORDER BY k.actor, k.key");

STMT(idempotency_recall,
     "SELECT subject, status, body"
     "  FROM idempotency"
     " WHERE actor = $1 AND key = $2");

STMT(idempotency_purge,
     "DELETE FROM idempotency"
     " WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency"
     "                          WHERE at < now() - make_interval(secs => $1::bigint)"
     "                          LIMIT $2::bigint))");

struct kept {
    const char *subject;
    int64_t status; /* null: the answer was a secret */
    const char *body;
};
static const struct field kept_fields[] = {
    F_STR(kept, subject),
    F_INT(kept, status),
    F_STR(kept, body),
};
static SHAPE(kept);

bool key_counts(const struct rpc *rpc, const struct req *rq)
{
    bool is_writing =
        rpc->mode == MODE_WRITE || rpc->mode == MODE_SECRET || rpc->mode == MODE_BATCH;
    return is_writing && rq->from->key != NULL && rq->actor != 0 && rq->db != NULL;
}

bool key_is_good(const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < len; i++)
        if (key[i] <= ' ' || key[i] >= 0x7f)
            return false;
    return len > 0 && len <= KEY_MAX;
}

static int64_t kept_status(const struct rpc *rpc, const struct req *rq)
{
    return rpc->mode == MODE_SECRET ? 0 : rpc_status(rpc, rq);
}

void keys_keep(struct req *rq, const struct rpc *rpc, struct req *const *rqs, size_t n)
{
    if (n == 0)
        return;
    snowflake *actors = arena_new_n(&rq->arena, snowflake, n);
    const char **keys = arena_new_n(&rq->arena, const char *, n);
    int64_t *statuses = arena_new_n(&rq->arena, int64_t, n);
    const char **bodies = arena_new_n(&rq->arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        actors[i] = rqs[i]->actor;
        keys[i] = rqs[i]->from->key;
        statuses[i] = kept_status(rpc, rqs[i]);
        bodies[i] = statuses[i] == 0 ? NULL : buf_str(&rqs[i]->reply);
    }
    db_later(rq, &idempotency_keep,
             PARAMS(P_IDS(actors, n), P_STRS(keys, n), P(rpc->subject), P_INTS(statuses, n),
                    P_STRS(bodies, n)));
}

static enum err recalled(const struct rpc *rpc, struct req *asker, const struct kept *kept)
{
    if (strcmp(kept->subject, rpc->subject) != 0)
        return fail(asker, ERR_KEY_REUSED, "the key was used for %s", kept->subject);
    if (kept->status == FIELD_NO_INT)
        return ERR_ANSWER_NOT_KEPT;
    req_restart(asker);
    asker->detail = "recalled";
    asker->status = (int)kept->status;
    buf_adds(&asker->reply, kept->body);
    return OK;
}

enum err key_recall(struct req *rq, const struct rpc *rpc, struct req *asker, bool *ret_known)
{
    struct kept kept = {0};
    *ret_known = false;
    enum err e = db_one(rq, &idempotency_recall, PARAMS(P(asker->actor), P(asker->from->key)),
                        &kept_shape, &kept, ERR_GONE);
    if (e == ERR_GONE)
        return OK;
    TRY(e);
    *ret_known = true;
    metric_add(METRIC_rpc_recalled_total, 0, 0, 1);
    return recalled(rpc, asker, &kept);
}

struct db_constraint *key_constraints(const struct db_constraint *own)
{
    size_t n = 0;
    while (own != NULL && own[n].name != NULL)
        n++;
    struct db_constraint *all = heap_alloc_n(n + 2, sizeof(*all));
    if (n > 0)
        memcpy(all, own, n * sizeof(*all));
    all[n] = (struct db_constraint){"idempotency_pkey", ERR_KEY_REUSED};
    return all;
}

static enum err purge(struct req *rq)
{
    return db_exec(rq, &idempotency_purge, PARAMS(P(KEYS_KEPT_S), P(PURGE_ROWS)), NULL);
}

const struct job key_purge_job = {"idempotency_purge", 60, JOB_ONE, purge};
