/* SPDX-License-Identifier: MIT */
/* A gateway dies under ten thousand clients, all of which come back at once to another one, with
 * their cursors and LAG messages behind in each of their channels. In sync is who has been told
 * `resumed` and received exactly what it missed, each channel in order, once; or, if it was sent to
 * begin anew, who is ready again. What it costs the database is counted by messaging itself.
 *
 * CLIENTS in the environment says how many.
 *
 *   storm 1     all of them lived on the gateway that dies; the other one is cold
 *   storm 2     they lived on both */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/bench/lib/database.h"
#include "tests/bench/lib/plant.h"
#include "tests/bench/lib/process.h"
#include "tests/bench/lib/socket.h"

enum {
    CLIENTS_MAX = 19000,
    SERVERS = 500,
    SERVERS_EACH = 5,
    CHANNELS = 4,
    MESSAGES = 50,
    LAG = 2,
    MISSED = SERVERS_EACH * CHANNELS * LAG,
    CONNECTING_MAX = 200,
    PATIENCE_US = 120 * 1000000,
    AWAY_US =
        500 * 1000 /* whoever is told to try later does so after this, and up to as much more */
};

enum client_state { CLIENT_NEW, CLIENT_LIVE, CLIENT_BACK, CLIENT_ANEW };

struct client {
    struct load_socket *socket;
    int number;
    enum client_state state;
    int received;
    int64_t back_us; /* when it tries again; 0: it does not wait */
    char session[40];
    int seqs[SERVERS_EACH * CHANNELS];
};

static struct {
    struct plant plant;
    struct load *load;
    struct client *clients;
    int count;
    int ports[2];
    int live;
    bool is_storm;
    int64_t in_sync_us[CLIENTS_MAX];
    int64_t began_us;
    int to_return, in_sync, anew, refused;
} run;

/* ---- frames out ---- */

static void connect_client(struct client *c, int port)
{
    char path[2048] = "/ws";
    load_aim(run.load, port);
    if (c->state == CLIENT_NEW)
        snprintf(path, sizeof(path), "/ws?token=%s", run.plant.tokens[c->number]);
    c->socket = load_connect(run.load, path, c);
}

static void send_identify(struct client *c)
{
    char frame[2048];
    int n = snprintf(frame, sizeof(frame), "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}",
                     run.plant.tokens[c->number]);
    load_send(c->socket, frame, (size_t)n);
}

static void send_resume(struct client *c)
{
    char frame[8192];
    size_t at = (size_t)snprintf(frame, sizeof(frame),
                                 "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"session_id\":\"%s\","
                                 "\"received\":0,\"cursors\":{",
                                 run.plant.tokens[c->number], c->session);
    for (int i = 0; i < SERVERS_EACH; i++) {
        int server = plant_server(&run.plant, c->number, i);
        at += (size_t)snprintf(frame + at, sizeof(frame) - at, "%s\"%llu\":1", i > 0 ? "," : "",
                               (unsigned long long)run.plant.servers + (unsigned)server);
        for (int k = 0; k < CHANNELS; k++)
            at += (size_t)snprintf(frame + at, sizeof(frame) - at, ",\"%llu\":%d",
                                   (unsigned long long)plant_channel(&run.plant, server, k),
                                   MESSAGES - LAG);
    }
    at += (size_t)snprintf(frame + at, sizeof(frame) - at, "}}}");
    for (int i = 0; i < SERVERS_EACH * CHANNELS; i++)
        c->seqs[i] = MESSAGES - LAG;
    c->received = 0;
    load_send(c->socket, frame, at);
}

/* ---- frames in ---- */

static void be_in_sync(struct client *c)
{
    c->state = CLIENT_LIVE;
    run.in_sync_us[run.in_sync++] = mono_us() - run.began_us;
}

/* Which of the client's channels this is, in the order of its cursors. */
static int slot_of(const struct client *c, snowflake channel)
{
    int number = (int)(channel - run.plant.channels);
    for (int i = 0; i < SERVERS_EACH; i++)
        if (plant_server(&run.plant, c->number, i) == number / CHANNELS)
            return i * CHANNELS + number % CHANNELS;
    fprintf(stderr, "a client was told of a channel that is not its own\n");
    exit(1);
}

static void on_message(struct client *c, const char *payload, size_t len)
{
    const char *channel = json_find(payload, len, "channel_id");
    const char *seq = json_find(payload, len, "seq");
    if (channel == NULL || seq == NULL)
        return;
    int *at = &c->seqs[slot_of(c, strtoull(channel + 1, NULL, 10))];
    if (atoi(seq) != *at + 1) {
        fprintf(stderr, "after message %d of a channel came %d\n", *at, atoi(seq));
        exit(1);
    }
    *at = atoi(seq);
    if (++c->received == MISSED && c->state == CLIENT_BACK)
        be_in_sync(c);
}

static void on_ready(struct client *c, const char *payload, size_t len)
{
    const char *session = json_find(payload, len, "session_id");
    snprintf(c->session, sizeof(c->session), "%.*s", (int)strcspn(session + 1, "\""), session + 1);
    if (c->state == CLIENT_ANEW) {
        be_in_sync(c);
        return;
    }
    c->state = CLIENT_LIVE;
    run.live++;
}

static void on_hello(struct client *c)
{
    if (c->state == CLIENT_BACK)
        send_resume(c);
    else if (c->state == CLIENT_ANEW)
        send_identify(c);
}

/* Cut off: by the gateway's death, after which all come back at once, or asked to try later. */
static void on_end(struct client *c)
{
    if (!run.is_storm) {
        fprintf(stderr, "a socket was closed, code %d\n", c->socket->close_code);
        exit(1);
    }
    if (c->state != CLIENT_LIVE) {
        run.refused++;
        c->back_us = mono_us() + AWAY_US + random() % AWAY_US;
        return;
    }
    c->state = CLIENT_BACK;
    connect_client(c, run.ports[1]);
}

static void let_back_in(void)
{
    int64_t now_us = mono_us();
    for (int i = 0; i < run.count; i++) {
        struct client *c = &run.clients[i];
        if (c->back_us == 0 || c->back_us > now_us)
            continue;
        c->back_us = 0;
        connect_client(c, run.ports[1]);
    }
}

static void on_frame(struct load_socket *s, const char *payload, size_t len)
{
    struct client *c = s->arg;
    if (payload == NULL) {
        on_end(c);
        return;
    }
    const char *op = json_find(payload, len < 64 ? len : 64, "op");
    if (op == NULL)
        return;
    if (strncmp(op, "\"event\",\"t\":\"message.create\"", 28) == 0) {
        on_message(c, payload, len);
    } else if (strncmp(op, "\"ready\"", 7) == 0) {
        on_ready(c, payload, len);
    } else if (strncmp(op, "\"hello\"", 7) == 0) {
        on_hello(c);
    } else if (strncmp(op, "\"invalid_session\"", 17) == 0) {
        run.anew++;
        c->state = CLIENT_ANEW;
        send_identify(c);
    }
}

/* ---- the storm ---- */

static void wait_until(const int *count, int want, const char *what)
{
    int64_t until_us = mono_us() + PATIENCE_US;
    while (*count < want && mono_us() < until_us) {
        load_turn(run.load, 100);
        let_back_in();
    }
    if (*count >= want)
        return;
    fprintf(stderr, "only %d of %d clients %s\n", *count, want, what);
    exit(1);
}

static void connect_all(int gateways)
{
    for (int i = 0; i < run.count; i++) {
        struct client *c = &run.clients[i];
        c->number = i;
        connect_client(c, run.ports[i % gateways]);
        wait_until(&run.live, i - CONNECTING_MAX, "became ready");
        run.to_return += i % gateways == 0;
    }
    wait_until(&run.live, run.count, "became ready");
}

struct asked {
    double syncs, states;
};

static struct asked asked_so_far(void)
{
    return (struct asked){
        process_count("MESSAGING_1", "rpc_requests_total", "messaging.channel.sync"),
        process_count("MESSAGING_1", "rpc_requests_total", "messaging.session.ready"),
    };
}

static void report(int gateways, double ready_s, struct asked before)
{
    char what[96], value[256], ratio[64];
    struct asked after = asked_so_far();
    const double channels = SERVERS * CHANNELS;
    const int half = run.to_return / 2;
    snprintf(what, sizeof(what), "reconnect storm of %d clients, %d gateway%s before",
             run.to_return, gateways, gateways == 1 ? "" : "s");
    snprintf(value, sizeof(value),
             "%.1f s until all are in sync (half after %.1f s; %d began anew, sent away %d times;"
             " %.2f states a client; their first connection took %.1f s)",
             (double)run.in_sync_us[run.in_sync - 1] / 1e6, (double)run.in_sync_us[half] / 1e6,
             run.anew, run.refused, (after.states - before.states) / run.to_return, ready_s);
    snprintf(ratio, sizeof(ratio), "%.2f queries a distinct channel",
             (after.syncs - before.syncs) / channels);
    figure(what, "<= 10 s, <= 1 query a distinct channel", value, NULL, ratio);
}

static int port_of(const char *urls, int which)
{
    for (; which > 0 && urls != NULL; which--)
        urls = strchr(urls, ',') != NULL ? strchr(urls, ',') + 1 : NULL;
    if (urls == NULL) {
        fprintf(stderr, "a storm needs two gateways\n");
        exit(2);
    }
    return atoi(strchr(strstr(urls, "//"), ':') + 1);
}

int main(int argc, char **argv)
{
    int gateways = argc > 1 ? atoi(argv[1]) : 1;
    run.count = (int)need_env_int("CLIENTS");
    if (run.count > CLIENTS_MAX)
        return 2;
    PGconn *conn = database_open();
    plant_make(&run.plant, conn,
               (struct plan){.users = run.count,
                             .servers = SERVERS,
                             .servers_each = SERVERS_EACH,
                             .channels = CHANNELS,
                             .messages = MESSAGES});
    PQfinish(conn);
    run.clients = calloc((size_t)run.count, sizeof(run.clients[0]));
    for (int i = 0; i < 2; i++)
        run.ports[i] = port_of(need_env("PARLEY_URLS"), i);
    run.load = load_new("127.0.0.1", run.ports[0], on_frame);
    int64_t began_us = mono_us();
    connect_all(gateways);
    double ready_s = (double)(mono_us() - began_us) / 1e6;

    struct asked before = asked_so_far();
    struct cpu_share *cpu = cpu_share_start();
    run.is_storm = true;
    run.began_us = mono_us();
    kill(process_pid("gateway-1"), SIGKILL);
    wait_until(&run.in_sync, run.to_return, "came back");
    cpu_share_report(cpu, gateways == 1 ? "storm, one gateway before" : "storm, two before",
                     run.to_return);
    report(gateways, ready_s, before);
    return 0;
}
