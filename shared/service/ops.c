/* SPDX-License-Identifier: MIT
 *
 * Health, readiness and metrics over HTTP. Nothing of a client ever comes here: the port is the
 * operator's, answers are small, and one slow question may hold up another.
 */
#include "shared/service/ops.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <netdb.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/macros.h"
#include "shared/base/thread.h"
#include "shared/service/metrics.h"

enum { CONNECTIONS = 16, TIMEOUT_S = 10, CONNECTION_MEMORY = 8 * 1024, HOST_MAX = 64 };

struct ops {
    const struct ready *ready;
    struct MHD_Daemon *daemon;
};

/* ---- readiness ---- */

void ready_add(struct ready *r, struct ready_check check)
{
    assert(r->count < READY_CHECKS_MAX);
    r->checks[r->count++] = check;
}

int ready_write(const struct ready *r, struct buf *out)
{
    static const char *const words[] = {
        [READY_UP] = "up",
        [READY_DEGRADED] = "away",
        [READY_DOWN] = "down",
    };
    bool is_open = atomic_load(&r->is_open);
    enum ready_state worst = is_open ? READY_UP : READY_DOWN;
    auto_buf struct buf checks = {0};
    for (size_t i = 0; i < r->count; i++) {
        enum ready_state state = r->checks[i].ask(r->checks[i].arg);
        buf_printf(&checks, "%s\"%s\":\"%s\"", i > 0 ? "," : "", r->checks[i].name, words[state]);
        worst = state > worst ? state : worst;
    }
    const char *status = worst == READY_UP ? "ready" : "degraded";
    if (worst == READY_DOWN)
        status = is_open ? "unready" : "closed";
    buf_printf(out, "{\"status\":\"%s\",\"checks\":{%s}}", status, buf_str(&checks));
    return worst == READY_DOWN ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK;
}

/* ---- the port ---- */

struct page {
    const char *path;
    const char *type;
    int (*write)(const struct ops *o, struct buf *out); /* returns the status */
};

static int write_health(const struct ops *o UNUSED, struct buf *out)
{
    buf_adds(out, "{\"status\":\"alive\"}");
    return MHD_HTTP_OK;
}

static int write_ready(const struct ops *o, struct buf *out)
{
    return ready_write(o->ready, out);
}

static int write_metrics(const struct ops *o UNUSED, struct buf *out)
{
    metrics_write(out);
    return MHD_HTTP_OK;
}

static const struct page pages[] = {
    {"/health",  "application/json",                         write_health },
    {"/ready",   "application/json",                         write_ready  },
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics},
};

static const struct page *find_page(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    return NULL;
}

static enum MHD_Result send_page(struct MHD_Connection *c, int status, const char *type,
                                 const struct buf *body)
{
    void *data = (void *)(uintptr_t)buf_str(body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->len, data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result sent = MHD_queue_response(c, (unsigned)status, response);
    MHD_destroy_response(response);
    return sent;
}

/* MHD calls once when the headers are there and once more for the end of the (ignored) body. */
static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *path,
                              const char *method, const char *version UNUSED,
                              const char *upload UNUSED, size_t *upload_size, void **state)
{
    static char is_begun;
    auto_buf struct buf body = {0};
    if (*state == NULL) {
        *state = &is_begun;
        return MHD_YES;
    }
    *upload_size = 0;
    const struct page *page = find_page(path);
    bool is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (page == NULL || !is_read)
        return send_page(c, page == NULL ? MHD_HTTP_NOT_FOUND : MHD_HTTP_METHOD_NOT_ALLOWED,
                         "text/plain", &body);
    int status = page->write(arg, &body);
    return send_page(c, status, page->type, &body);
}

/* "127.0.0.1:9080" or "[::1]:9080" into an address; false when it is neither. */
static bool parse_listen(const char *text, struct sockaddr_storage *ret)
{
    char host[HOST_MAX];
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    bool is_bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (colon == NULL || len - 2 * is_bracketed >= sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(len - 2 * is_bracketed), text + is_bracketed);
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found = NULL;
    if (getaddrinfo(len > 0 ? host : NULL, colon + 1, &hints, &found) != 0)
        return false;
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

struct ops *ops_start(const char *listen, const struct ready *r)
{
    struct sockaddr_storage address = {0};
    struct ops *o = heap_alloc(sizeof(*o));
    o->ready = r;
    if (!parse_listen(listen, &address))
        die("OPS_LISTEN: \"%s\" is not a numeric host:port", listen);
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD;
    if (address.ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    o->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, answer, o, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK, MHD_OPTION_END);
    if (o->daemon == NULL)
        die("OPS_LISTEN: cannot listen on %s", listen);
    return o;
}

void ops_stop(struct ops *o)
{
    if (o == NULL)
        return;
    MHD_stop_daemon(o->daemon);
    free(o);
}
