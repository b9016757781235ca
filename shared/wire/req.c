/* SPDX-License-Identifier: MIT
 *
 * What a handler says at its end: an answer, or why there is none. Only field errors and the wait
 * reach the client; the reason is for the log. */

#include "shared/wire/req.h"

#include <stdarg.h>
#include <string.h>

#include "shared/wire/json.h"

enum { MS_PER_SECOND = 1000 };

enum err fail(struct req *rq, enum err e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    rq->detail = arena_vprintf(&rq->arena, fmt, args);
    va_end(args);
    return e;
}

enum err fail_field(struct req *rq, const char *field, const char *message)
{
    if (rq->errors == NULL)
        rq->errors = arena_new(&rq->arena, struct field_errors);
    if (rq->errors->count < FIELD_ERRORS_MAX)
        rq->errors->v[rq->errors->count++] = (struct field_error){
            .field = arena_strdup(&rq->arena, field),
            .message = arena_strdup(&rq->arena, message),
        };
    return ERR_INVALID_FORM;
}

enum err fail_after(struct req *rq, enum err e, int retry_after_ms)
{
    rq->retry_after_ms = retry_after_ms;
    return e;
}

enum err reply(struct req *rq, const struct shape *sh, const void *obj)
{
    buf_reset(&rq->reply);
    shape_encode(sh, obj, &rq->reply);
    return OK;
}

enum err reply_list(struct req *rq, const struct shape *sh, const struct list *l)
{
    buf_reset(&rq->reply);
    shape_encode_list(sh, l, &rq->reply);
    return OK;
}

static void put_member(struct buf *out, const char *key, const char *text)
{
    buf_adds(out, key);
    buf_json_str(out, text, strlen(text));
}

static void put_errors(const struct field_errors *errors, struct buf *out)
{
    buf_adds(out, ",\"errors\":[");
    for (size_t i = 0; i < errors->count; i++) {
        put_member(out, i > 0 ? ",{\"field\":" : "{\"field\":", errors->v[i].field);
        put_member(out, ",\"message\":", errors->v[i].message);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

void problem_encode(const struct req *rq, enum err e, struct buf *out)
{
    buf_adds(out, "{\"type\":\"/problems/");
    buf_adds(out, err_name(e));
    put_member(out, "\",\"title\":", err_text(e));
    buf_adds(out, ",\"status\":");
    buf_add_i64(out, err_status(e));
    buf_adds(out, ",\"code\":");
    buf_add_i64(out, err_code(e));
    /* Where the client's own text is broken is the one reason it may read. */
    if (e == ERR_BAD_JSON && rq->detail != NULL)
        put_member(out, ",\"detail\":", rq->detail);
    if (rq->errors != NULL && rq->errors->count > 0)
        put_errors(rq->errors, out);
    if (rq->retry_after_ms > 0)
        buf_printf(out, ",\"retry_after\":%d.%03d", rq->retry_after_ms / MS_PER_SECOND,
                   rq->retry_after_ms % MS_PER_SECOND);
    buf_addc(out, '}');
}
