/* SPDX-License-Identifier: MIT */
/* How long a message takes at a fixed rate, whatever the system does (open loop): from send to the
 * acknowledgement (committed), and from send to another member's socket. Each user of the world has
 * a server of their own and two sockets in it: one sends, the other receives. The bare limit is the
 * commit of one such row by libpq, alone on the machine. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/bench/lib/database.h"
#include "tests/bench/lib/figures.h"
#include "tests/bench/lib/socket.h"
#include "tests/bench/lib/world.h"

struct peer {
    const struct world_user *user;
    bool is_sender;
};

static struct {
    int ready;
    int64_t sent;
    int64_t acked;
    int64_t received;
    struct hist ack;
    struct hist receive;
} run;

static int64_t stamp_of(const char *payload, size_t len)
{
    const char *at = memmem(payload, len, "stamp=", 6);
    return at != NULL ? strtoll(at + 6, NULL, 10) : 0;
}

static void on_frame(struct load_socket *s, const char *payload, size_t len)
{
    const struct peer *peer = s->arg;
    if (payload == NULL) {
        fprintf(stderr, "a socket was disconnected\n");
        exit(1);
    }
    const char *op = json_find(payload, len < 64 ? len : 64, "op");
    if (op == NULL)
        return;
    if (strncmp(op + 1, "ready", 5) == 0) {
        run.ready++;
    } else if (strncmp(op + 1, "response", 8) == 0) {
        const char *status = json_find(payload, len, "status");
        if (status == NULL || atoi(status) != 201) {
            fprintf(stderr, "refused: %.*s\n", (int)len, payload);
            exit(1);
        }
        run.acked++;
        hist_add(&run.ack, mono_us() - stamp_of(payload, len));
    } else if (!peer->is_sender && strncmp(op + 1, "event", 5) == 0 &&
               stamp_of(payload, len) != 0) {
        run.received++;
        hist_add(&run.receive, mono_us() - stamp_of(payload, len));
    }
}

static void send_one(struct load_socket *s)
{
    const struct peer *peer = s->arg;
    char request[512];
    int n = snprintf(request, sizeof(request),
                     "{\"op\":\"request\",\"id\":\"1\",\"t\":\"message.create\",\"d\":{"
                     "\"channel_id\":\"%s\",\"content\":\"stamp=%lld %0150d\"}}",
                     peer->user->channel, (long long)mono_us(), 0);
    run.sent++;
    load_send(s, request, (size_t)n);
}

static void report(const char *what, int64_t rate, const struct hist *h, const struct hist *bare)
{
    char name[80], value[80], bare_text[80], ratio[32];
    snprintf(name, sizeof(name), "%s at %lld msg/s", what, (long long)rate);
    snprintf(value, sizeof(value), "p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms",
             (double)hist_quantile(h, 0.5) / 1e3, (double)hist_quantile(h, 0.99) / 1e3,
             (double)hist_quantile(h, 0.999) / 1e3);
    snprintf(bare_text, sizeof(bare_text), "p50 %.2f ms, p99 %.2f ms (libpq, one row)",
             (double)hist_quantile(bare, 0.5) / 1e3, (double)hist_quantile(bare, 0.99) / 1e3);
    snprintf(ratio, sizeof(ratio), "%.1f times at p50",
             (double)hist_quantile(h, 0.5) / (double)hist_quantile(bare, 0.5));
    figure(name, "p50 <= 2 ms, p99 <= 10 ms", value, bare_text, ratio);
}

static void measure(struct load *l, struct load_socket **senders, size_t count, int64_t rate,
                    const struct hist *bare)
{
    int64_t total = rate * need_env_int("SECONDS_EACH");
    memset(&run.ack, 0, sizeof(run.ack));
    memset(&run.receive, 0, sizeof(run.receive));
    run.sent = run.acked = run.received = 0;
    int64_t began_us = mono_us();
    while (run.sent < total) {
        int64_t due = (mono_us() - began_us) * rate / 1000000;
        while (run.sent < due && run.sent < total)
            send_one(senders[(size_t)run.sent % count]);
        /* Never busy: a generator that spins takes one of the processors it measures. */
        int64_t next_us = began_us + run.sent * 1000000 / rate - mono_us();
        load_turn_us(l, next_us > 0 ? next_us : 0);
    }
    int64_t until_us = mono_us() + 10000000;
    while ((run.acked < total || run.received < total) && mono_us() < until_us)
        load_turn(l, 100);
    if (run.acked < total || run.received < total) {
        fprintf(stderr, "%lld sent, %lld acknowledged, %lld received\n", (long long)run.sent,
                (long long)run.acked, (long long)run.received);
        exit(1);
    }
    report("send to acknowledged", rate, &run.ack, bare);
    report("send to received", rate, &run.receive, bare);
}

int main(void)
{
    size_t count;
    struct world_user *users = world_read(&count);
    struct load *l = load_new("127.0.0.1", (int)need_env_int("GATEWAY_PORT"), on_frame);
    struct load_socket **senders = calloc(count, sizeof(struct load_socket *));
    struct peer *peers = calloc(2 * count, sizeof(*peers));
    for (size_t i = 0; i < 2 * count; i++) {
        char path[1500];
        peers[i] = (struct peer){&users[i / 2], i % 2 == 0};
        snprintf(path, sizeof(path), "/ws?token=%s", users[i / 2].token);
        struct load_socket *s = load_connect(l, path, &peers[i]);
        if (peers[i].is_sender)
            senders[i / 2] = s;
    }
    while (run.ready < (int)(2 * count))
        load_turn(l, 100);
    struct hist bare;
    (void)bare_commits(1, 1, &bare);
    measure(l, senders, count, 200, &bare);
    measure(l, senders, count, 5000, &bare);
    return 0;
}
