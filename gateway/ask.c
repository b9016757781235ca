/* SPDX-License-Identifier: MIT
 *
 * The gateway's own questions. An answer says its status in a header; the body of an error is a
 * problem document whose type ends in the error's name.
 */
#include "gateway/ask.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "shared/wire/json.h"

static int64_t header_number(const natsMsg *msg, const char *name)
{
    const char *text = NULL;
    /* libnats parses the headers at the first look, which is why it wants to write. */
    if (natsMsgHeader_Get((natsMsg *)msg, name, &text) != NATS_OK || text == NULL)
        return 0;
    return strtoll(text, NULL, 10);
}

struct problem_type {
    const char *type;
};

static const struct field problem_type_fields[] = {
    F_STR(problem_type, type),
};
static SHAPE(problem_type);

static enum err error_of(const struct ask_answer *a)
{
    auto_arena struct arena arena = {0};
    struct problem_type problem = {0};
    if (ask_decode(&problem_type_shape, a, &arena, &problem) != OK)
        return ERR_INTERNAL;
    const char *slash = strrchr(problem.type, '/');
    return err_from_name(slash != NULL ? slash + 1 : problem.type);
}

void ask_read(enum err e, const natsMsg *msg, struct ask_answer *ret)
{
    *ret = (struct ask_answer){.err = e, .body = ""};
    if (e != OK)
        return;
    ret->status = (int)header_number(msg, "Parley-Status");
    ret->retry_after_ms = header_number(msg, "Parley-Retry-After");
    ret->body = natsMsg_GetData(msg);
    ret->len = (size_t)natsMsg_GetDataLength(msg);
    if (ret->status >= 400)
        ret->err = error_of(ret);
    else if (ret->status < 200)
        ret->err = ERR_INTERNAL;
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

void ask_start(struct bus *bus, const char *subject, const char *json, ask_fn *fn, void *arg)
{
    auto_arena struct arena arena = {0};
    int64_t deadline_us = mono_us() + ASK_TIMEOUT_MS * 1000;
    struct caller nobody = {0};
    struct bus_head heads[BUS_HEADS_MAX];
    struct bus_out out = {
        .subject = subject,
        .heads = heads,
        .head_count = bus_caller_heads(&nobody, deadline_us, &arena, heads),
        .body = json,
        .body_len = strlen(json),
    };
    enum err e = bus_ask(bus, &out, deadline_us, fn, arg);
    if (e != OK)
        fn(arg, e, NULL);
}
