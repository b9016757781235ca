/* SPDX-License-Identifier: MIT */
/* REST reads of one entity per second, CONNECTIONS keep-alive connections, one request at a time on
 * each. The bare limit of the same run is the least a request through the bus can cost: a
 * libmicrohttpd daemon that suspends, asks an echo process over NATS and resumes, with no routing,
 * no sign-in, no limits, no database. */

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "tests/bench/lib/figures.h"
#include "tests/bench/lib/http.h"
#include "tests/bench/lib/process.h"
#include "tests/bench/lib/world.h"

enum { CONNECTIONS = 64, DEADLINE_US = 5000000 };

static const char echo_subject[] = "rpc.bench.rest";

/* ---- the bare limit: two processes ---- */

static struct bus *open_bus(void)
{
    struct bus *bus = NULL;
    struct bus_settings s = {.url = need_env("NATS_URL"), .name = "operator"};
    if (bus_open(&s, &bus) != OK || bus_ping(bus, 3000) != OK)
        _exit(2);
    return bus;
}

static void echo(void *arg, natsMsg *msg)
{
    static const char body[400] = "{\"id\":\"1\"}";
    struct bus_out out = {.subject = natsMsg_GetReply(msg), .body = body, .body_len = sizeof(body)};
    if (bus_send(arg, &out) != OK)
        _exit(2);
    natsMsg_Destroy(msg);
}

static void echo_process(int ready)
{
    struct bus *bus = open_bus();
    struct bus_sub *sub = NULL;
    if (bus_hear(bus, echo_subject, "bench", echo, bus, &sub) != OK || bus_flush(bus, 3000) != OK ||
        write(ready, "x", 1) != 1)
        _exit(2);
    for (;;)
        pause();
}

struct exchange {
    struct MHD_Connection *connection;
    natsMsg *answer;
    bool is_asked;
};

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    struct exchange *x = arg;
    x->answer = e == OK ? msg : NULL;
    MHD_resume_connection(x->connection);
}

static enum MHD_Result respond(struct exchange *x, struct MHD_Connection *c)
{
    static char empty[1];
    void *body = x->answer != NULL ? (void *)(uintptr_t)natsMsg_GetData(x->answer) : empty;
    size_t len = x->answer != NULL ? (size_t)natsMsg_GetDataLength(x->answer) : 0;
    struct MHD_Response *r = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(r, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(c, x->answer != NULL ? 200 : 503, r);
    MHD_destroy_response(r);
    natsMsg_Destroy(x->answer);
    free(x);
    return result;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    (void)url;
    (void)method;
    (void)version;
    (void)data;
    (void)size;
    struct exchange *x = *state;
    if (x == NULL) {
        *state = calloc(1, sizeof(*x));
        return MHD_YES;
    }
    if (x->is_asked) {
        *state = NULL;
        return respond(x, c);
    }
    struct bus_out out = {.subject = echo_subject, .body = "{}", .body_len = 2};
    x->connection = c;
    x->is_asked = true;
    MHD_suspend_connection(c);
    if (bus_ask(cls, &out, mono_us() + DEADLINE_US, on_answer, x) != OK)
        MHD_resume_connection(c);
    return MHD_YES;
}

static void bare_process(int port)
{
    struct bus *bus = open_bus();
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, (uint16_t)port,
                         NULL, NULL, on_request, bus, MHD_OPTION_END);
    if (daemon == NULL)
        _exit(2);
    for (;;)
        pause();
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        exit(2);
    close(fd);
    return ntohs(address.sin_port);
}

static void wait_listening(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int64_t until_us = mono_us() + DEADLINE_US;
    for (;;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int failed = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
        if (failed == 0)
            return;
        if (mono_us() > until_us)
            exit(2);
        usleep(10000);
    }
}

static double bare_rate(struct http_load load)
{
    struct hist h;
    int ready[2];
    char byte;
    load.port = free_port();
    if (pipe(ready) != 0)
        exit(2);
    pid_t echoer = fork();
    if (echoer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        echo_process(ready[1]);
    }
    if (read(ready[0], &byte, 1) != 1)
        exit(2);
    pid_t daemon = fork();
    if (daemon == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bare_process(load.port);
    }
    wait_listening(load.port);
    double rate = http_run(&load, &h);
    kill(daemon, SIGKILL);
    kill(echoer, SIGKILL);
    waitpid(daemon, NULL, 0);
    waitpid(echoer, NULL, 0);
    return rate;
}

static void next(void *arg, char *path, size_t size)
{
    const struct world_user *user = arg;
    snprintf(path, size, "/api/v1/servers/%s", user->server);
}

int main(void)
{
    size_t count;
    struct world_user *user = world_read(&count);
    struct hist h;
    char value[96], bare_text[64], ratio[32];
    const struct http_load load = {
        .port = (int)need_env_int("GATEWAY_PORT"),
        .connections = CONNECTIONS,
        .seconds = (double)need_env_int("SECONDS_EACH"),
        .next = next,
        .arg = user,
        .token = user->token,
    };
    double bare = bare_rate(load);
    struct cpu_share *cpu = cpu_share_start();
    double rate = http_run(&load, &h);
    cpu_share_report(cpu, "REST reads", (double)h.count);
    snprintf(value, sizeof(value), "%.0f/s, p50 %.2f ms, p99 %.2f ms", rate,
             (double)hist_quantile(&h, 0.5) / 1e3, (double)hist_quantile(&h, 0.99) / 1e3);
    snprintf(bare_text, sizeof(bare_text), "%.0f/s (libmicrohttpd and NATS)", bare);
    snprintf(ratio, sizeof(ratio), "%.0f %%", 100 * rate / bare);
    figure("REST read of one entity, 64 connections", ">= 60 % of bare", value, bare_text, ratio);
    return 0;
}
