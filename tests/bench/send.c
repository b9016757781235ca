/* SPDX-License-Identifier: MIT */
/* Durable, acknowledged messages per second, end to end over WebSocket, as many senders as the
 * world has users, each with WINDOW requests outstanding; every message is one PostgreSQL has
 * committed. The bare limit is one libpq connection that commits the same rows in batches of what
 * would have queued, in the same run (bare_commits). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/bench/lib/database.h"
#include "tests/bench/lib/figures.h"
#include "tests/bench/lib/process.h"
#include "tests/bench/lib/socket.h"
#include "tests/bench/lib/world.h"

enum { BATCH = 256, TEXT = 200, WINDOW_MAX = 64 };

static struct {
    int64_t window;
    int64_t began_us;
    int64_t until_us;
    int64_t sent;
    int64_t acked;
    int64_t refused;
    int ready;
    struct hist latency;
} run;

struct sender {
    const struct world_user *user;
    int64_t sent_us[WINDOW_MAX];
};

static void send_one(struct load_socket *s, int slot)
{
    struct sender *sender = s->arg;
    char request[512];
    static char text[TEXT + 1];
    if (text[0] == '\0')
        memset(text, 'x', TEXT);
    int n = snprintf(request, sizeof(request),
                     "{\"op\":\"request\",\"id\":\"%d\",\"t\":\"message.create\",\"d\":{"
                     "\"channel_id\":\"%s\",\"content\":\"%s\"}}",
                     slot, sender->user->channel, text);
    sender->sent_us[slot] = mono_us();
    run.sent++;
    load_send(s, request, (size_t)n);
}

static void on_response(struct load_socket *s, const char *payload, size_t len)
{
    struct sender *sender = s->arg;
    const char *id = json_find(payload, len, "id");
    const char *status = json_find(payload, len, "status");
    if (id == NULL || status == NULL)
        return;
    int slot = atoi(id + 1);
    if (atoi(status) == 201) {
        run.acked++;
        hist_add(&run.latency, mono_us() - sender->sent_us[slot]);
    } else {
        run.refused++;
    }
    if (mono_us() < run.until_us)
        send_one(s, slot);
}

static bool is_op(const char *payload, size_t len, const char *op)
{
    const char *at = json_find(payload, len < 64 ? len : 64, "op");
    return at != NULL && strncmp(at + 1, op, strlen(op)) == 0;
}

static void on_frame(struct load_socket *s, const char *payload, size_t len)
{
    if (payload == NULL) {
        fprintf(stderr, "a sender was disconnected\n");
        exit(1);
    }
    if (is_op(payload, len, "ready"))
        run.ready++;
    else if (is_op(payload, len, "response"))
        on_response(s, payload, len);
}

static void load_run(struct load *l, struct load_socket **sockets, size_t count, int64_t seconds)
{
    run.began_us = mono_us();
    run.until_us = run.began_us + seconds * 1000000;
    for (size_t i = 0; i < count; i++)
        for (int slot = 0; slot < run.window; slot++)
            send_one(sockets[i], slot);
    while (run.acked + run.refused < run.sent && mono_us() < run.until_us + 10000000)
        load_turn(l, 100);
}

static void report(double seconds, double cpu, double bare)
{
    char value[200], bare_text[64], ratio[64];
    double rate = (double)run.acked / seconds;
    snprintf(value, sizeof(value),
             "%.0f/s (%lld refused, p50 %.1f ms, p99 %.1f ms, load generator %.0f %% of a core)",
             rate, (long long)run.refused, (double)hist_quantile(&run.latency, 0.5) / 1e3,
             (double)hist_quantile(&run.latency, 0.99) / 1e3, 100 * cpu / seconds);
    snprintf(bare_text, sizeof(bare_text), "%.0f rows/s (libpq, batches of %d)", bare, BATCH);
    snprintf(ratio, sizeof(ratio), "%.1f %%", 100 * rate / bare);
    figure("durable acknowledged messages, 64 senders", ">= 20,000/s and >= 12 % of bare", value,
           bare_text, ratio);
}

int main(void)
{
    size_t count;
    struct world_user *users = world_read(&count);
    struct load *l = load_new("127.0.0.1", (int)need_env_int("GATEWAY_PORT"), on_frame);
    struct load_socket **sockets = calloc(count, sizeof(struct load_socket *));
    struct sender *senders = calloc(count, sizeof(*senders));
    int64_t seconds = need_env_int("SECONDS_EACH");
    run.window = need_env_int("WINDOW");
    for (size_t i = 0; i < count; i++) {
        char path[1500];
        senders[i].user = &users[i];
        snprintf(path, sizeof(path), "/ws?token=%s", users[i].token);
        sockets[i] = load_connect(l, path, &senders[i]);
    }
    while (run.ready < (int)count)
        load_turn(l, 100);
    struct cpu_share *share = cpu_share_start();
    double cpu = cpu_self();
    load_run(l, sockets, count, seconds);
    cpu = cpu_self() - cpu;
    double took = (double)(mono_us() - run.began_us) / 1e6;
    cpu_share_report(share, "durable acknowledged messages", (double)run.acked);
    struct hist bare;
    report(took, cpu, bare_commits(BATCH, (double)seconds, &bare));
    return run.refused == 0 && run.acked > 0 ? 0 : 1;
}
