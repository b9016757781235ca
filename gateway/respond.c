/* SPDX-License-Identifier: MIT
 *
 * Responses and the headers all of them have. The body of a service's answer is sent from the bus
 * message it came in: the exchange keeps that until the last byte is out.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/exchange.h"
#include "shared/base/clock.h"
#include "shared/base/macros.h"

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static void add_seconds(struct MHD_Response *response, const char *name, int64_t ms)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
    add(response, name, text);
}

static void add_number(struct MHD_Response *response, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    add(response, name, text);
}

static void add_limit(struct MHD_Response *response, const struct limit_state *limit)
{
    if (limit->bucket == NULL)
        return;
    add(response, "X-RateLimit-Bucket", limit->bucket);
    add_number(response, "X-RateLimit-Limit", limit->count);
    add_number(response, "X-RateLimit-Remaining", limit->remaining);
    add_seconds(response, "X-RateLimit-Reset", clock_us() / 1000 + limit->reset_ms);
    add_seconds(response, "X-RateLimit-Reset-After", limit->reset_ms);
}

enum MHD_Result respond_with(struct exchange *x, int status, struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    add(response, "X-Request-Id", x->request_id);
    add(response, "X-Content-Type-Options", "nosniff");
    add_limit(response, &x->answer.limit);
    cors_add(x, response);
    if (atomic_load_explicit(&x->gateway->is_draining, memory_order_relaxed))
        add(response, MHD_HTTP_HEADER_CONNECTION, "close");
    x->state = EXCHANGE_SENT;
    enum MHD_Result queued = MHD_queue_response(x->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

static void add_error(const struct exchange *x, struct MHD_Response *response)
{
    const struct answer *a = &x->answer;
    if (a->retry_after_ms > 0)
        add_number(response, "Retry-After", (a->retry_after_ms + 999) / 1000);
    if (a->status == MHD_HTTP_UNAUTHORIZED)
        add(response, "WWW-Authenticate", "Bearer");
    if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        add(response, "Allow", x->match.allow);
    if (x->content_range[0] != '\0')
        add(response, "Content-Range", x->content_range);
}

enum MHD_Result respond_answer(struct exchange *x)
{
    struct answer *a = &x->answer;
    /* Not copied: MHD is done with the bytes before the exchange ends. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(a->len, (void *)a->body, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    if (a->len > 0)
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE,
            a->err == OK ? "application/json" : "application/problem+json");
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add_error(x, response);
    return respond_with(x, a->status, response);
}

static enum MHD_Result fail_with(struct exchange *x, enum err e, const char *field,
                                 const char *message)
{
    struct limit_state limit = x->answer.limit;
    answer_done(&x->answer);
    answer_fail(&x->answer, e, field, message);
    x->answer.limit = limit;
    return respond_answer(x);
}

enum MHD_Result respond_fail(struct exchange *x, enum err e)
{
    return fail_with(x, e, NULL, NULL);
}

enum MHD_Result respond_fail_field(struct exchange *x, const char *field, const char *message)
{
    return fail_with(x, ERR_INVALID_FORM, field, message);
}

enum MHD_Result respond_text(struct exchange *x, int status, const char *type, const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    add(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    return respond_with(x, status, response);
}

/* libmicrohttpd takes a response before the body or after it, never between. The connection is not
 * encrypted here (the edge does that), so the bytes can be written as they are; it is closed next,
 * and whatever cannot be sent at once is lost. */
void respond_cut(struct exchange *x, enum err e)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct answer a = {0};
    auto_buf struct buf out = {0};
    answer_fail(&a, e, NULL, NULL);
    buf_printf(&out,
               "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n"
               "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
               a.status, err_text(e), a.len, a.body);
    if (info != NULL)
        (void)send(info->connect_fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    answer_done(&a);
}
