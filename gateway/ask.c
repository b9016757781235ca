/* SPDX-License-Identifier: MIT
 *
 * The gateway's own questions. Status and error of an answer are headers of it, so
 * that passing one on needs no look at its body.
 */
#include "gateway/ask.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "shared/wire/json.h"

static const char *header(const natsMsg *msg, const char *name)
{
    const char *text = NULL;
    /* libnats parses the headers at the first look, which is why it wants to write. */
    return natsMsgHeader_Get((natsMsg *)msg, name, &text) == NATS_OK ? text : NULL;
}

static enum err header_error(const natsMsg *msg)
{
    const char *name = header(msg, "Parley-Error");
    enum err e = name != NULL ? err_from_name(name) : ERR_INTERNAL;
    return e != OK ? e : ERR_INTERNAL;
}

void ask_read(enum err e, const natsMsg *msg, struct ask_answer *ret)
{
    *ret = (struct ask_answer){.err = e, .body = ""};
    if (e != OK)
        return;
    ret->body = natsMsg_GetData(msg);
    ret->len = (size_t)natsMsg_GetDataLength(msg);
    const char *status = header(msg, "Parley-Status");
    ret->is_usual = status == NULL && ret->len > 0;
    if (status == NULL)
        status = ret->len > 0 ? "200" : "204";
    ret->status = (int)strtol(status, NULL, 10);
    if (ret->status >= 200 && ret->status < 300)
        return;
    const char *retry_ms = header(msg, "Parley-Retry-After");
    ret->err = header_error(msg);
    ret->retry_after_ms = retry_ms != NULL ? strtoll(retry_ms, NULL, 10) : 0;
}

enum err ask_decode(const struct shape *sh, const struct ask_answer *a, struct arena *arena,
                    void *ret)
{
    auto_json json_t *json = NULL;
    const char *why = NULL;
    struct field_errors errors = {0};
    struct decode decode = {.arena = arena, .errors = &errors};
    if (json_read_object(arena, a->body, a->len, &json, &why) != OK ||
        shape_decode(sh, json, NULL, &decode, ret) != OK)
        return ERR_INTERNAL;
    return OK;
}

void ask_start_as(struct bus *bus, const struct caller *who, const struct ask_out *out, ask_fn *fn,
                  void *arg)
{
    auto_arena struct arena arena = {0};
    int64_t deadline_us = mono_us() + ASK_TIMEOUT_MS * 1000;
    struct bus_head heads[BUS_HEADS_MAX];
    struct bus_out request = {
        .subject = out->subject,
        .heads = heads,
        .head_count = bus_caller_heads(who, deadline_us, &arena, heads),
        .body = out->json,
        .body_len = strlen(out->json),
    };
    enum err e = bus_ask(bus, &request, deadline_us, fn, arg);
    if (e != OK)
        fn(arg, e, NULL);
}

void ask_start(struct bus *bus, const char *subject, const char *json, ask_fn *fn, void *arg)
{
    struct caller nobody = {0};
    ask_start_as(bus, &nobody, &(struct ask_out){subject, json}, fn, arg);
}
