/* SPDX-License-Identifier: MIT
 *
 * From a decoded body to a committed answer: who may ask, what they ask, and the transaction their
 * row's mode stands for. A caller without the right learns nothing else: guards that need only the
 * caller come before decoding, and a place that decoded is judged before the rest of a bad form.
 */
#include "shared/service/rpc.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "shared/crypto/hmac.h"
#include "shared/service/idempotency.h"
#include "shared/service/rpc_private.h"
#include "shared/service/transact.h"
#include "shared/wire/json.h"

const char *const rate_class_names[RATE_COUNT] = {
    [RATE_NONE] = "none",     [RATE_GENERAL] = "general", [RATE_MESSAGING] = "messaging",
    [RATE_AUTH] = "auth",     [RATE_UPLOAD] = "upload",   [RATE_DOWNLOAD] = "download",
    [RATE_SIGNAL] = "signal",
};

static enum err check_caller(const struct rpc *rpc, struct req *rq)
{
    switch (rpc->guard) {
    case GUARD_PUBLIC:
    case GUARD_SERVICE:
        return OK;
    case GUARD_ADMIN:
        if (rq->actor != 0 && !rq->from->is_admin)
            return fail(rq, ERR_MISSING_PERMISSIONS, "not an administrator");
        break;
    case GUARD_USER:
    case GUARD_SERVER:
    case GUARD_CHANNEL:
        break;
    }
    return rq->actor == 0 ? fail(rq, ERR_UNAUTHORIZED, "nobody is signed in") : OK;
}

/* The server or channel a guard asks about; 0: the guard asks about none, or it did not decode. */
static snowflake guarded_place(const struct rpc *rpc, const void *in)
{
    if (rpc->guard != GUARD_SERVER && rpc->guard != GUARD_CHANNEL)
        return 0;
    const char *name = rpc->guard == GUARD_SERVER ? "server_id" : "channel_id";
    const struct field *f = shape_field(rpc->input, name);
    assert(f != NULL && f->kind == FIELD_ID);
    return *(const snowflake *)((const char *)in + f->offset);
}

static enum err decode(const struct rpc *rpc, struct req *rq, const json_t *body,
                       const json_t *params, void *in)
{
    struct field_errors *errors = arena_new(&rq->arena, struct field_errors);
    /* What has no body carries its numbers in the query, as text. */
    bool is_text = rpc->method != NULL && (rpc->method[0] == 'G' || rpc->method[0] == 'D');
    struct decode d = {.arena = &rq->arena, .errors = errors, .is_text = is_text};
    enum err e = shape_decode(rpc->input, body, params, &d, in);
    if (errors->count > 0)
        rq->errors = errors;
    return e;
}

/* A nonce in the body is the idempotency key of who sent none: unique per caller and place. Hashed,
 * because a nonce is any text. */
static void nonce_is_key(const struct rpc *rpc, struct req *rq, const void *in, snowflake place)
{
    const struct field *f = shape_field(rpc->input, "nonce");
    if (f == NULL || f->kind != FIELD_STR || rq->from->key != NULL)
        return;
    const char *nonce = *(const char *const *)((const char *)in + f->offset);
    if (nonce == NULL)
        return;
    struct caller *from = arena_memdup(&rq->arena, rq->from, sizeof(*from));
    const char *text = arena_printf(&rq->arena, "%" PRIu64 " %s", place, nonce);
    char *key = arena_alloc(&rq->arena, SHA256_HEX_SIZE);
    sha256_hex(text, strlen(text), key);
    from->key = key;
    rq->from = from;
}

enum err rpc_admit(const struct rpc *rpc, rpc_authorise_fn *may, struct req *rq, const json_t *body,
                   const json_t *params, void **ret_in)
{
    rq->subject = rpc->subject;
    if (rpc->mode == MODE_RAW)
        return fail(rq, ERR_UNKNOWN_ROUTE, "bytes do not travel as a request");
    TRY(check_caller(rpc, rq));
    if (rpc->guard == GUARD_USER)
        TRY(may(rq, GUARD_USER, 0, rpc->permission));
    if (key_counts(rpc, rq) && !key_is_good(rq->from->key))
        return fail_field(rq, "Idempotency-Key", "must be 1 to 64 printable ASCII characters");
    void *in = arena_alloc(&rq->arena, rpc->input->size);
    enum err decoded = decode(rpc, rq, body, params, in);
    snowflake place = guarded_place(rpc, in);
    if (place != 0) {
        struct field_errors *errors = rq->errors;
        rq->errors = NULL;
        TRY(may(rq, rpc->guard, place, rpc->permission));
        rq->errors = errors;
    }
    TRY(decoded);
    nonce_is_key(rpc, rq, in, place);
    *ret_in = in;
    return OK;
}

struct write {
    const struct rpc *rpc;
    const void *in;
};

static enum err call_handler(const struct write *w, struct req *rq)
{
    if (w->rpc->mode != MODE_BATCH)
        return w->rpc->call(rq, w->in);
    enum err one = OK;
    TRY(w->rpc->batch(rq, &rq, &w->in, &one, 1));
    return one;
}

static enum err write_work(struct req *rq, void *arg)
{
    const struct write *w = arg;
    TRY(call_handler(w, rq));
    if (key_counts(w->rpc, rq) && rq->refusal == OK)
        keys_keep(rq, w->rpc, &rq, 1);
    return OK;
}

enum err rpc_run(const struct rpc *rpc, struct req *rq, const void *in)
{
    struct write w = {rpc, in};
    switch (rpc->mode) {
    case MODE_READ:
    case MODE_CALL:
        TRY(rpc->call(rq, in));
        TRY(transact_events(rq));
        break;
    case MODE_WRITE:
    case MODE_SECRET:
    case MODE_BATCH:
        TRY(transact(rq, write_work, &w));
        break;
    case MODE_RAW:
        return ERR_UNKNOWN_ROUTE;
    }
    return rq->refusal;
}

enum err rpc_recall(const struct rpc *rpc, struct req *rq, enum err e)
{
    /* An error of ours says nothing about what became of the first request. */
    if (!key_counts(rpc, rq) || err_status(e) >= 500 || rq->refusal != OK ||
        !key_is_good(rq->from->key))
        return e;
    bool is_known;
    const char *detail = rq->detail;
    enum err kept = key_recall(rq, rpc, rq, &is_known);
    if (is_known || kept != OK)
        return kept;
    if (e == ERR_KEY_REUSED)
        return fail(rq, ERR_UNAVAILABLE, "the key was forgotten in this very moment");
    rq->detail = detail;
    return e;
}

enum err rpc_call(const struct rpc *rpc, rpc_authorise_fn *may, struct req *rq, const json_t *body,
                  const json_t *params)
{
    void *in = NULL;
    enum err e = rpc_admit(rpc, may, rq, body, params, &in);
    if (e == OK)
        e = rpc_run(rpc, rq, in);
    return e == OK ? OK : rpc_recall(rpc, rq, e);
}

int rpc_status(const struct rpc *rpc, const struct req *rq)
{
    if (rq->reply.len == 0)
        return 204;
    return rq->status != 0 ? rq->status : rpc->status;
}
