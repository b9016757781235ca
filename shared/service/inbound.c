/* SPDX-License-Identifier: MIT
 *
 * The transport around rpc_call: headers in, headers out, and the one log line a request leaves.
 * Body and message of a client are never logged.
 */
#include "shared/service/inbound.h"

#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/service/metrics.h"
#include "shared/service/rpc_private.h"
#include "shared/wire/json.h"

struct inbound *inbound_new(natsMsg *msg)
{
    struct inbound *in = heap_alloc(sizeof(*in));
    in->msg = msg;
    in->arrived_us = mono_us();
    return in;
}

void inbound_free(struct inbound *in)
{
    bus_msg_free(in->msg);
    free(in);
}

bool inbound_open(const struct runtime *rt, struct inbound *in, struct db *db, struct req *rq,
                  struct caller *from)
{
    struct arena arena = rq->arena;
    struct buf reply = rq->reply;
    runtime_req(rt, db, rq);
    rq->arena = arena;
    rq->reply = reply;
    buf_reset(&rq->reply);
    in->began_us = mono_us();
    bus_caller_read(in->msg, &rq->arena, from, &rq->deadline_us);
    rq->from = from;
    rq->actor = from->user;
    rq->app = from->app;
    rq->subject = in->rpc->subject;
    if (in->began_us < rq->deadline_us)
        return true;
    metric_add(METRIC_rpc_expired_total, in->row, 0, 1);
    return false;
}

static enum err read_object(struct req *rq, const char *text, size_t len, json_t **ret)
{
    const char *why = NULL;
    enum err e = json_read_object(&rq->arena, text, len, ret, &why);
    return e == OK ? OK : fail(rq, e, "%s", why);
}

enum err inbound_read(const struct inbound *in, struct req *rq, json_t **ret_body,
                      json_t **ret_params)
{
    const char *params = NULL;
    if (natsMsgHeader_Get(in->msg, "Parley-Params", &params) == NATS_OK && params != NULL)
        TRY(read_object(rq, params, strlen(params), ret_params));
    return read_object(rq, natsMsg_GetData(in->msg), (size_t)natsMsg_GetDataLength(in->msg),
                       ret_body);
}

enum { ANSWER_HEADS = 3, NUMBER_SIZE = 16 };
struct answer_heads {
    struct bus_head v[ANSWER_HEADS];
    char status[NUMBER_SIZE];
    char retry[NUMBER_SIZE];
};

static void write_heads(const struct rpc *rpc, const struct req *rq, enum err e,
                        struct answer_heads *ret)
{
    bool is_later = e != OK && rq->retry_after_ms > 0;
    snprintf(ret->status, NUMBER_SIZE, "%d", e == OK ? rpc_status(rpc, rq) : err_status(e));
    snprintf(ret->retry, NUMBER_SIZE, "%d", rq->retry_after_ms);
    ret->v[0] = (struct bus_head){"Parley-Status", ret->status};
    ret->v[1] = (struct bus_head){"Parley-Error", e == OK ? NULL : err_name(e)};
    ret->v[2] = (struct bus_head){"Parley-Retry-After", is_later ? ret->retry : NULL};
}

static void send_answer(struct bus *bus, natsMsg *msg, const struct rpc *rpc, struct req *rq,
                        enum err e)
{
    struct bus_out out = {.subject = natsMsg_GetReply(msg)};
    struct answer_heads heads = {0};
    if (out.subject == NULL)
        return;
    if (e != OK) {
        buf_reset(&rq->reply);
        problem_encode(rq, e, &rq->reply);
    }
    /* The usual answer needs no head: its status is the row's. */
    if (e != OK || rq->status != 0) {
        write_heads(rpc, rq, e, &heads);
        out.heads = heads.v;
        out.head_count = ANSWER_HEADS;
    }
    out.body = rq->reply.data;
    out.body_len = rq->reply.len;
    /* Without a bus the caller meets its deadline and asks again, with the same key. */
    if (bus_send(bus, &out) != OK)
        LOG(DEBUG, "answer.gone", KV("subject", rq->subject));
}

static void log_answer(const struct inbound *in, const struct req *rq, enum err e, int64_t now_us)
{
    const struct log_kv kv[] = {
        KV("subject", rq->subject),
        KV("err", err_name(e)),
        KV("actor", rq->actor),
        KV("app", rq->app),
        KV("queue_us", in->began_us - in->arrived_us),
        KV("took_us", now_us - in->began_us),
        KV("request", rq->from->request_id),
        KV("trace", rq->from->trace),
        KV("detail", rq->detail),
    };
    size_t count = ARRAY_LEN(kv) - (rq->detail == NULL);
    log_line(e == ERR_INTERNAL ? LEVEL_ERROR : LEVEL_INFO, "rpc.done", kv, count);
}

/* What is over soon, a full ring or a database that restarts, tells when to come back. */
enum { RETRY_MS = 1000 };

void inbound_answer(const struct runtime *rt, const struct inbound *in, struct req *rq, enum err e)
{
    if (e == ERR_UNAVAILABLE && rq->retry_after_ms == 0)
        rq->retry_after_ms = RETRY_MS;
    send_answer(rt->bus, in->msg, in->rpc, rq, e);
    int64_t now_us = mono_us();
    metric_add(METRIC_rpc_requests_total, in->row, (size_t)e, 1);
    metric_observe(METRIC_rpc_duration_seconds, in->row, now_us - in->arrived_us);
    if (e == ERR_INTERNAL || (rt->settings.log_requests && log_enabled(LEVEL_INFO)))
        log_answer(in, rq, e, now_us);
}

void inbound_refuse(const struct runtime *rt, natsMsg *msg, enum err e, int retry_after_ms)
{
    struct req rq = {.retry_after_ms = retry_after_ms};
    send_answer(rt->bus, msg, NULL, &rq, e);
    buf_done(&rq.reply);
    arena_release(&rq.arena);
}
