/* SPDX-License-Identifier: MIT */
/* One channel to many sockets. First one message at a time (the next is published when every socket
 * has the last), against a bare epoll loop that sends the same bytes to as many sockets in the same
 * run; then a burst at a fixed rate. Events enter on the bus as messaging would publish them, so
 * that this measures the gateway, not the database. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "tests/bench/lib/figures.h"
#include "tests/bench/lib/process.h"
#include "tests/bench/lib/socket.h"
#include "tests/bench/lib/world.h"

enum {
    ROUNDS = 30,
    BODY = 400,
    BURST_RATE = 100,
    BURST_SECONDS = 5,
    BURST_SOCKETS = 5000,
    PATIENCE_US = 10 * 1000000
};

static struct {
    struct bus *bus;
    const struct world_user *user;
    int64_t seq;
    int ready;
    int64_t delivered;
    struct hist latency;
} run;

static void on_frame(struct load_socket *s, const char *payload, size_t len)
{
    (void)s;
    if (payload == NULL) {
        fprintf(stderr, "a socket was disconnected\n");
        exit(1);
    }
    const char *type = json_find(payload, len < 64 ? len : 64, "t");
    const char *op = json_find(payload, len < 64 ? len : 64, "op");
    if (op != NULL && strncmp(op + 1, "ready", 5) == 0)
        run.ready++;
    if (type == NULL || strncmp(type + 1, "message.create", 14) != 0)
        return;
    run.delivered++;
    const char *stamp = json_find(payload, len, "stamp");
    hist_add(&run.latency, mono_us() - strtoll(stamp, NULL, 10));
}

static void publish(void)
{
    char subject[160], id[32], seq[24], body[BODY * 2], fill[BODY];
    snprintf(subject, sizeof(subject), "evt.v1.1.s.%s.c.%s.message.create", run.user->server,
             run.user->channel);
    snprintf(id, sizeof(id), "bench-%lld-%lld", (long long)mono_us(), (long long)++run.seq);
    snprintf(seq, sizeof(seq), "%lld", (long long)run.seq);
    memset(fill, 'x', sizeof(fill));
    int n = snprintf(body, sizeof(body),
                     "{\"stamp\":%lld,\"channel_id\":\"%s\",\"server_id\":\"%s\",\"seq\":%lld,"
                     "\"content\":\"%.200s\"}",
                     (long long)mono_us(), run.user->channel, run.user->server, (long long)run.seq,
                     fill);
    const struct bus_head heads[] = {
        {"ce-specversion", "1.0"                  },
        {"ce-id",          id                     },
        {"ce-type",        "parley.message.create"},
        {"ce-source",      "/bench"               },
        {"Parley-Seq",     seq                    },
    };
    struct bus_out out = {.subject = subject,
                          .heads = heads,
                          .head_count = ARRAY_LEN(heads),
                          .body = body,
                          .body_len = (size_t)n};
    if (bus_send(run.bus, &out) != OK) {
        fprintf(stderr, "the bus did not take an event\n");
        exit(1);
    }
}

/* Patient as long as there is progress. */
static void wait_delivered(struct load *l, int64_t want)
{
    int64_t had = run.delivered;
    int64_t until_us = mono_us() + PATIENCE_US;
    while (run.delivered < want && mono_us() < until_us) {
        load_turn(l, 100);
        if (run.delivered > had)
            until_us = mono_us() + PATIENCE_US;
        had = run.delivered;
    }
    if (run.delivered < want) {
        fprintf(stderr, "only %lld of %lld deliveries arrived\n", (long long)run.delivered,
                (long long)want);
        exit(1);
    }
}

/* Deliveries per second, one message at a time. */
static double one_at_a_time(struct load *l, int64_t count, void (*fire)(void))
{
    run.delivered = 0;
    int64_t began_us = mono_us();
    for (int i = 1; i <= ROUNDS; i++) {
        fire();
        wait_delivered(l, i * count);
    }
    return (double)(ROUNDS * count) * 1e6 / (double)(mono_us() - began_us);
}

/* BURST_RATE messages a second, whatever the sockets do. */
static double burst(struct load *l, int64_t count, void (*fire)(void))
{
    memset(&run.latency, 0, sizeof(run.latency));
    run.delivered = 0;
    int64_t began_us = mono_us();
    int64_t total = BURST_RATE * BURST_SECONDS;
    for (int64_t i = 0; i < total;) {
        int64_t due = (mono_us() - began_us) * BURST_RATE / 1000000;
        for (; i <= due && i < total; i++)
            fire();
        load_turn(l, 1);
    }
    wait_delivered(l, total * count);
    return (double)(total * count) * 1e6 / (double)(mono_us() - began_us);
}

struct outcome {
    double one_at_a_time;  /* deliveries per second */
    double burst;          /* the same */
    double p50_ms, p99_ms; /* of the burst */
    double deliveries;     /* all of them */
};

static struct outcome load_run(struct load *l, int count, void (*fire)(void))
{
    struct outcome o = {.one_at_a_time = one_at_a_time(l, count, fire)};
    o.deliveries = (double)run.delivered;
    if (count != BURST_SOCKETS)
        return o;
    o.burst = burst(l, count, fire);
    o.deliveries += (double)run.delivered;
    o.p50_ms = (double)hist_quantile(&run.latency, 0.5) / 1e3;
    o.p99_ms = (double)hist_quantile(&run.latency, 0.99) / 1e3;
    return o;
}

/* ---- the bare limit: a process that accepts, upgrades nothing, and sends on command ---- */

static int bare_pipe[2];

static void bare_fire(void)
{
    int64_t now_us = mono_us();
    if (write(bare_pipe[1], &now_us, sizeof(now_us)) != sizeof(now_us))
        exit(1);
}

static size_t bare_frame(char *frame, int64_t stamp_us)
{
    char body[BODY * 2];
    int n = snprintf(
        body, sizeof(body),
        "{\"op\":\"event\",\"t\":\"message.create\",\"d\":{\"stamp\":%lld,\"channel_id\":\"%s\","
        "\"server_id\":\"%s\",\"seq\":%lld,\"content\":\"%0200d\"}}",
        (long long)stamp_us, run.user->channel, run.user->server, 1LL, 0);
    frame[0] = (char)0x81;
    frame[1] = 126;
    frame[2] = (char)(n >> 8);
    frame[3] = (char)n;
    memcpy(frame + 4, body, (size_t)n);
    return (size_t)n + 4;
}

static void bare_accept(int listener, int epoll, int *sockets, int *count)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    char request[4096];
    int fd = accept(listener, NULL, NULL);
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (recv(fd, request, sizeof(request), 0) <= 0 ||
        send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
        exit(1);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
    sockets[(*count)++] = fd;
}

static void bare_server(int listener, int want)
{
    int epoll = epoll_create1(0);
    int *sockets = calloc((size_t)want, sizeof(*sockets));
    int count = 0;
    char frame[BODY * 3];
    int64_t stamp_us;
    while (count < want)
        bare_accept(listener, epoll, sockets, &count);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = bare_pipe[0]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, bare_pipe[0], &ev);
    while (epoll_wait(epoll, &ev, 1, -1) == 1 && ev.data.fd == bare_pipe[0] &&
           read(bare_pipe[0], &stamp_us, sizeof(stamp_us)) == sizeof(stamp_us)) {
        size_t len = bare_frame(frame, stamp_us);
        for (int i = 0; i < count; i++)
            if (send(sockets[i], frame, len, MSG_NOSIGNAL) != (ssize_t)len)
                _exit(1);
    }
    _exit(0);
}

static struct outcome bare_outcome(int count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 || pipe(bare_pipe) != 0)
        exit(2);
    pid_t child = fork();
    if (child == 0)
        bare_server(listener, count);
    struct load *l = load_new("127.0.0.1", ntohs(address.sin_port), on_frame);
    struct load_socket **sockets = calloc((size_t)count, sizeof(struct load_socket *));
    for (int i = 0; i < count; i++) {
        sockets[i] = load_connect(l, "/ws", NULL);
        while (!sockets[i]->is_upgraded)
            load_turn(l, 100);
    }
    struct outcome bare = load_run(l, count, bare_fire);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    for (int i = 0; i < count; i++)
        load_close(sockets[i]);
    load_free(l);
    close(listener);
    close(bare_pipe[0]);
    close(bare_pipe[1]);
    return bare;
}

/* ---- the gateway ---- */

static struct load_socket **connect_all(struct load *l, const struct world_user *users,
                                        size_t user_count, int count)
{
    struct load_socket **sockets = calloc((size_t)count, sizeof(struct load_socket *));
    run.ready = 0;
    for (int i = 0; i < count; i++) {
        char path[1500];
        snprintf(path, sizeof(path), "/ws?token=%s", users[(size_t)i % user_count].token);
        sockets[i] = load_connect(l, path, NULL);
        while (run.ready < i - 200)
            load_turn(l, 100);
    }
    while (run.ready < count)
        load_turn(l, 100);
    return sockets;
}

static void report_rate(int count, double rate, double bare)
{
    char what[80], value[64], bare_text[64], ratio[32];
    snprintf(what, sizeof(what), "fan-out to %d sockets, one message at a time", count);
    snprintf(value, sizeof(value), "%.0f deliveries/s", rate);
    snprintf(bare_text, sizeof(bare_text), "%.0f/s (bare epoll loop)", bare);
    snprintf(ratio, sizeof(ratio), "%.0f %%", 100 * rate / bare);
    figure(what, ">= 90 % of bare", value, bare_text, ratio);
}

static void report_burst(const struct outcome *o, const struct outcome *bare)
{
    char what[96], value[128], bare_text[128], ratio[32];
    snprintf(what, sizeof(what), "fan-out under a burst, %d msg/s into %d sockets", BURST_RATE,
             BURST_SOCKETS);
    snprintf(value, sizeof(value), "%.0f deliveries/s, p50 %.1f ms, p99 %.1f ms", o->burst,
             o->p50_ms, o->p99_ms);
    snprintf(bare_text, sizeof(bare_text), "%.0f/s, p99 %.1f ms (bare epoll loop)", bare->burst,
             bare->p99_ms);
    snprintf(ratio, sizeof(ratio), "%.0f %%", 100 * o->burst / bare->burst);
    figure(what, ">= 450,000/s, p99 <= 80 ms", value, bare_text, ratio);
}

static void report_memory(int count, long before_kb, long after_kb)
{
    char what[64], value[64];
    snprintf(what, sizeof(what), "idle WebSocket, of %d", count);
    snprintf(value, sizeof(value), "%.1f KB of gateway memory each",
             (double)(after_kb - before_kb) / count);
    figure(what, "<= 4 KB", value, NULL, NULL);
}

static void measure(const struct world_user *users, size_t user_count, int count)
{
    char during[64];
    int gateway = process_pid("gateway-1");
    struct load *l = load_new("127.0.0.1", (int)need_env_int("GATEWAY_PORT"), on_frame);
    long before_kb = process_pss_kb(gateway);
    struct load_socket **sockets = connect_all(l, users, user_count, count);
    long after_kb = process_pss_kb(gateway);
    publish();
    wait_delivered(l, count);
    struct cpu_share *cpu = cpu_share_start();
    struct outcome o = load_run(l, count, publish);
    snprintf(during, sizeof(during), "fan-out to %d sockets", count);
    cpu_share_report(cpu, during, o.deliveries);
    for (int i = 0; i < count; i++)
        load_close(sockets[i]);
    load_free(l);
    struct outcome bare = bare_outcome(count);
    report_rate(count, o.one_at_a_time, bare.one_at_a_time);
    if (count == BURST_SOCKETS)
        report_burst(&o, &bare);
    report_memory(count, before_kb, after_kb);
}

int main(int argc, char **argv)
{
    size_t user_count;
    struct world_user *users = world_read(&user_count);
    run.user = &users[0];
    struct bus_settings settings = {.url = need_env("NATS_URL"), .name = "bench"};
    if (bus_open(&settings, &run.bus) != OK || bus_ping(run.bus, 3000) != OK) {
        fprintf(stderr, "no bus\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        measure(users, user_count, atoi(argv[i]));
    bus_close(run.bus);
    return 0;
}
