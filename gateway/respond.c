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

static void add_number(struct MHD_Response *response, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    add(response, name, text);
}

enum { LIMIT_HEADERS = 5 };
struct header {
    const char *name;
    char value[32];
};

static void write_seconds(char out[32], int64_t ms)
{
    snprintf(out, 32, "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
}

/* How many there are: none of what is not limited. */
static size_t limit_headers(const struct limit_state *limit, struct header ret[LIMIT_HEADERS])
{
    static const char *const names[LIMIT_HEADERS] = {"X-RateLimit-Bucket", "X-RateLimit-Limit",
                                                     "X-RateLimit-Remaining", "X-RateLimit-Reset",
                                                     "X-RateLimit-Reset-After"};
    if (limit->bucket == NULL)
        return 0;
    for (size_t i = 0; i < LIMIT_HEADERS; i++)
        ret[i].name = names[i];
    snprintf(ret[0].value, sizeof(ret[0].value), "%s", limit->bucket);
    snprintf(ret[1].value, sizeof(ret[1].value), "%lld", (long long)limit->count);
    snprintf(ret[2].value, sizeof(ret[2].value), "%lld", (long long)limit->remaining);
    write_seconds(ret[3].value, clock_us() / 1000 + limit->reset_ms);
    write_seconds(ret[4].value, limit->reset_ms);
    return LIMIT_HEADERS;
}

static void add_limit(struct MHD_Response *response, const struct limit_state *limit)
{
    struct header headers[LIMIT_HEADERS];
    size_t count = limit_headers(limit, headers);
    for (size_t i = 0; i < count; i++)
        add(response, headers[i].name, headers[i].value);
}

enum MHD_Result respond_with(struct exchange *x, int status, struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    add(response, "X-Request-Id", x->request_id);
    add(response, "X-Content-Type-Options", "nosniff");
    add_limit(response, &x->answer.limit);
    cors_add(x, response);
    /* linger_on relies on it: nobody else reads the rest of the body. */
    if (!x->is_read || atomic_load_explicit(&x->gateway->is_draining, memory_order_relaxed))
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
 * encrypted here (the edge does that), so the bytes can be written as they are; whatever cannot be
 * sent at once is lost. */
enum MHD_Result respond_cut(struct exchange *x)
{
    const struct answer *a = &x->answer;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct header headers[LIMIT_HEADERS];
    size_t count = limit_headers(&a->limit, headers);
    auto_buf struct buf out = {0};
    buf_printf(&out,
               "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n"
               "Content-Length: %zu\r\nConnection: close\r\nX-Request-Id: %s\r\n",
               a->status, err_text(a->err), a->len, x->request_id);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s: %s\r\n", headers[i].name, headers[i].value);
    buf_adds(&out, "\r\n");
    buf_add(&out, a->body, a->len);
    if (info != NULL)
        (void)send(info->connect_fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    x->state = EXCHANGE_SENT;
    return MHD_NO;
}
