/* SPDX-License-Identifier: MIT
 *
 * One service asking another in the middle of a request. The thread waits on a semaphore that
 * bus_ask promises to post once, at the request's deadline at the latest. */

#include <assert.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "shared/crypto/hmac.h"
#include "shared/wire/bus_private.h"
#include "shared/wire/json.h"

enum { KEY_LENGTH = 32, STATUS_OK = 200 };

struct waiter {
    sem_t done;
    enum err err;
    natsMsg *msg;
};

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    struct waiter *w = arg;
    w->err = e;
    w->msg = msg;
    sem_post(&w->done);
}

enum err bus_ask_wait(struct req *rq, const struct bus_out *out, natsMsg **ret)
{
    struct waiter w = {.err = OK};
    sem_init(&w.done, 0, 0);
    enum err e = bus_ask(rq->bus, out, rq->deadline_us, on_answer, &w);
    if (e == OK) {
        while (sem_wait(&w.done) != 0)
            continue; /* a signal */
        e = w.err;
    }
    sem_destroy(&w.done);
    if (e != OK)
        return fail(rq, e, "%s: %s", out->subject, err_name(e));
    *ret = w.msg;
    return OK;
}

/* The client's key belongs to the client's request. What is asked on the way gets a key of its own
 * from it, so that the repeated request asks the same, and two questions never share one. */
static const char *derive_key(struct arena *a, const char *key, const char *subject,
                              const struct buf *body)
{
    auto_buf struct buf all = {0};
    char digest[SHA256_HEX_SIZE];
    buf_adds(&all, key);
    buf_addc(&all, '\n');
    buf_adds(&all, subject);
    buf_addc(&all, '\n');
    buf_add(&all, buf_str(body), body->len);
    sha256_hex(all.data, all.len, digest);
    return arena_strndup(a, digest, KEY_LENGTH);
}

/* ---- answers ---- */

static int status_of(natsMsg *msg)
{
    const char *text = NULL;
    if (natsMsgHeader_Get(msg, "Parley-Status", &text) != NATS_OK)
        return STATUS_OK;
    return (int)strtol(text, NULL, 10);
}

static enum err error_of(const json_t *problem)
{
    static const char prefix[] = "/problems/";
    const char *type = json_string_value(json_object_get(problem, "type"));
    if (type == NULL || strncmp(type, prefix, sizeof(prefix) - 1) != 0)
        return ERR_INTERNAL;
    enum err e = err_from_name(type + sizeof(prefix) - 1);
    return e != OK ? e : ERR_INTERNAL;
}

static void join_errors(struct req *rq, const json_t *errors)
{
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const json_t *one = json_array_get(errors, i);
        const char *field = json_string_value(json_object_get(one, "field"));
        const char *message = json_string_value(json_object_get(one, "message"));
        if (field != NULL && message != NULL)
            (void)fail_field(rq, field, message);
    }
}

static enum err fail_as_answered(struct req *rq, const char *subject, const json_t *problem)
{
    enum err e = error_of(problem);
    double retry_s = json_number_value(json_object_get(problem, "retry_after"));
    join_errors(rq, json_object_get(problem, "errors"));
    if (retry_s > 0 && retry_s < 86400)
        rq->retry_after_ms = (int)(retry_s * 1000 + 0.5);
    return fail(rq, e, "%s answered %s", subject, err_name(e));
}

/* What the question is about, and *ret the answer's JSON: NULL when it has none. */
static enum err call(struct req *rq, const char *subject, const struct shape *in_shape,
                     const void *in, json_t **ret)
{
    static const struct caller nobody;
    assert(!rq->in_tx);

    auto_buf struct buf body = {0};
    if (in_shape != NULL)
        shape_encode(in_shape, in, &body);
    struct caller from = rq->from != NULL ? *rq->from : nobody;
    if (from.key != NULL)
        from.key = derive_key(&rq->arena, from.key, subject, &body);

    struct bus_head heads[BUS_HEADS_MAX];
    const struct bus_out out = {
        .subject = arena_printf(&rq->arena, "rpc.%s", subject),
        .heads = heads,
        .head_count = bus_caller_heads(&from, rq->deadline_us, &rq->arena, heads),
        .body = body.data,
        .body_len = body.len,
    };
    auto_msg natsMsg *msg = NULL;
    TRY(bus_ask_wait(rq, &out, &msg));

    int status = status_of(msg);
    auto_json json_t *answer =
        json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), JSON_DECODE_ANY, NULL);
    if (status < 200 || status > 299)
        return fail_as_answered(rq, subject, answer);
    *ret = json_incref(answer);
    return OK;
}

enum err bus_call(struct req *rq, const char *subject, const struct shape *in_shape, const void *in,
                  const struct shape *out_shape, void *ret_out)
{
    auto_json json_t *answer = NULL;
    TRY(call(rq, subject, in_shape, in, &answer));
    if (out_shape == NULL)
        return OK;
    if (shape_decode_entity(out_shape, answer, &rq->arena, ret_out) != OK)
        return fail(rq, ERR_INTERNAL, "%s: the answer is no %s", subject, out_shape->name);
    return OK;
}

enum err bus_call_many(struct req *rq, const char *subject, const struct shape *in_shape,
                       const void *in, const struct shape *item_shape, struct list *ret_items)
{
    auto_json json_t *answer = NULL;
    TRY(call(rq, subject, in_shape, in, &answer));
    if (shape_decode_list(item_shape, answer, &rq->arena, ret_items) != OK)
        return fail(rq, ERR_INTERNAL, "%s: the answer is no list of %s", subject, item_shape->name);
    return OK;
}
