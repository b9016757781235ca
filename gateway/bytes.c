/* SPDX-License-Identifier: MIT
 *
 * The messages that carry files: the usual headers of a request and a place in the file.
 */
#include "gateway/bytes.h"

#include <stdio.h>

#include "gateway/call.h"
#include "gateway/gateway.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

static const char *number(struct arena *a, int64_t value)
{
    return value >= 0 ? arena_printf(a, "%lld", (long long)value) : NULL;
}

static struct bus_out make(const struct call *c, const struct bytes_out *in, int64_t deadline_us,
                           struct arena *a, struct bus_head heads[BUS_HEADS_MAX])
{
    struct caller caller = call_caller(c);
    size_t count = bus_caller_heads(&caller, deadline_us, a, heads);
    heads[count++] = (struct bus_head){"Parley-Params", c->params};
    heads[count++] = (struct bus_head){BYTES_OFFSET, number(a, in->offset)};
    heads[count++] = (struct bus_head){BYTES_SIZE, number(a, in->size)};
    return (struct bus_out){
        .subject = arena_printf(a, "%s%s", in->subject, in->suffix != NULL ? in->suffix : ""),
        .heads = heads,
        .head_count = count,
        .body = in->body,
        .body_len = in->body_len,
    };
}

void bytes_ask(struct gateway *g, const struct call *c, const struct bytes_out *out,
               bus_answer_fn *fn, void *arg)
{
    auto_arena struct arena arena = {0};
    struct bus_head heads[BUS_HEADS_MAX];
    int64_t deadline_us = mono_us() + BYTES_TIMEOUT_MS * 1000;
    struct bus_out message = make(c, out, deadline_us, &arena, heads);
    enum err e = bus_ask(g->bus, &message, deadline_us, fn, arg);
    if (e != OK)
        fn(arg, e, NULL);
}

void bytes_tell(struct gateway *g, const struct call *c, const struct bytes_out *out)
{
    auto_arena struct arena arena = {0};
    struct bus_head heads[BUS_HEADS_MAX];
    struct bus_out message = make(c, out, mono_us() + BYTES_TIMEOUT_MS * 1000, &arena, heads);
    if (bus_send(g->bus, &message) != OK)
        LOG(DEBUG, "bytes.untold", KV("subject", message.subject));
}
