/* SPDX-License-Identifier: MIT
 *
 * Questions over the bus per second: ours (bus_ask, with and without the caller's headers), and as
 * the bare limit natsConnection_Request from one thread per question in flight. The responder is an
 * echo in this process, on connections of its own; it costs all of them the same. */

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "tests/bench/lib/figures.h"

enum { IN_FLIGHT = 64, BODY = 200, SECONDS = 3, DEADLINE_US = 10 * 1000000 };

static const char subject[] = "rpc.bench.echo";
static const char body[BODY];

static const struct caller caller = {
    .user = 1234567890123456789,
    .app = 1,
    .session = 1234567890123456788,
    .ip = "192.0.2.1",
    .agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    .locale = "en",
    .request_id = "0123456789abcdef",
    .trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
};

static void must(enum err e, const char *what)
{
    if (e == OK)
        return;
    fprintf(stderr, "%s: %s\n", what, err_text(e));
    exit(1);
}

static void echo(void *arg, natsMsg *msg)
{
    const struct bus_out out = {
        .subject = natsMsg_GetReply(msg),
        .body = natsMsg_GetData(msg),
        .body_len = (size_t)natsMsg_GetDataLength(msg),
    };
    must(bus_send(arg, &out), "answer");
    natsMsg_Destroy(msg);
}

/* ---- ours: each answer asks the next question ---- */

struct run {
    struct bus *bus;
    bool has_heads;
    int64_t until_us;
    atomic_long done;
    sem_t ended;
    struct hist latency; /* answers come one at a time */
};

struct lane {
    struct run *run;
    int64_t asked_us;
};

static void ask(struct lane *lane);

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    struct lane *lane = arg;
    struct run *run = lane->run;
    must(e, "ask");
    natsMsg_Destroy(msg);
    hist_add(&run->latency, mono_us() - lane->asked_us);
    atomic_fetch_add(&run->done, 1);
    if (mono_us() < run->until_us)
        ask(lane);
    else
        sem_post(&run->ended);
}

static void ask(struct lane *lane)
{
    auto_arena struct arena a = {0};
    struct bus_head heads[BUS_HEADS_MAX];
    lane->asked_us = mono_us();
    int64_t deadline_us = lane->asked_us + DEADLINE_US;
    const struct bus_out out = {
        .subject = subject,
        .heads = heads,
        .head_count = lane->run->has_heads ? bus_caller_heads(&caller, deadline_us, &a, heads) : 0,
        .body = body,
        .body_len = BODY,
    };
    must(bus_ask(lane->run->bus, &out, deadline_us, on_answer, lane), "ask");
}

static double measure_ours(struct bus *bus, bool has_heads, struct hist *ret_latency)
{
    static struct run run;
    static struct lane lanes[IN_FLIGHT];
    run = (struct run){.bus = bus, .has_heads = has_heads};
    sem_init(&run.ended, 0, 0);
    run.until_us = mono_us() + SECONDS * 1000000;
    for (int i = 0; i < IN_FLIGHT; i++) {
        lanes[i] = (struct lane){.run = &run};
        ask(&lanes[i]);
    }
    for (int i = 0; i < IN_FLIGHT; i++)
        while (sem_wait(&run.ended) != 0)
            continue;
    *ret_latency = run.latency;
    return (double)atomic_load(&run.done) / SECONDS;
}

/* ---- theirs ---- */

struct requester {
    natsConnection *nc;
    int64_t until_us;
    atomic_long *done;
};

static void *request_on(void *arg)
{
    const struct requester *r = arg;
    while (mono_us() < r->until_us) {
        natsMsg *msg = NULL;
        if (natsConnection_Request(&msg, r->nc, subject, body, BODY, 5000) != NATS_OK)
            exit(1);
        natsMsg_Destroy(msg);
        atomic_fetch_add(r->done, 1);
    }
    return NULL;
}

static double measure_theirs(const char *url)
{
    natsOptions *options = NULL;
    natsConnection *nc = NULL;
    pthread_t threads[IN_FLIGHT];
    atomic_long done = 0;
    bool ok = natsOptions_Create(&options) == NATS_OK &&
              natsOptions_SetURL(options, url) == NATS_OK &&
              natsOptions_SetSendAsap(options, true) == NATS_OK &&
              natsConnection_Connect(&nc, options) == NATS_OK;
    if (!ok)
        exit(1);
    struct requester r = {.nc = nc, .until_us = mono_us() + SECONDS * 1000000, .done = &done};
    for (int i = 0; i < IN_FLIGHT; i++)
        if (pthread_create(&threads[i], NULL, request_on, &r) != 0)
            exit(1);
    for (int i = 0; i < IN_FLIGHT; i++)
        pthread_join(threads[i], NULL);
    natsConnection_Destroy(nc);
    natsOptions_Destroy(options);
    return (double)atomic_load(&done) / SECONDS;
}

static void print(const char *what, double ours, const struct hist *latency, double theirs)
{
    char value[96];
    char bare[32];
    char ratio[32];
    (void)snprintf(value, sizeof(value), "%.0f/s, p50 %lld us, p99 %lld us", ours,
                   (long long)hist_quantile(latency, 0.5), (long long)hist_quantile(latency, 0.99));
    (void)snprintf(bare, sizeof(bare), "%.0f/s", theirs);
    (void)snprintf(ratio, sizeof(ratio), "%.2f", ours / theirs);
    figure(what, ">= 25000/s", value, bare, ratio);
}

int main(void)
{
    const char *url = need_env("NATS_URL_OPERATOR");
    struct bus *asker = NULL;
    struct bus *answerer = NULL;
    struct bus_sub *sub = NULL;
    static struct hist plain;
    static struct hist full;
    must(bus_open(&(struct bus_settings){.url = url, .name = "bench"}, &asker), "open");
    must(bus_open(&(struct bus_settings){.url = url, .name = "bench"}, &answerer), "open");
    must(bus_hear(answerer, subject, "bench", echo, answerer, &sub), "hear");
    must(bus_flush(answerer, 5000), "flush");

    double theirs = measure_theirs(url);
    double without = measure_ours(asker, false, &plain);
    double with = measure_ours(asker, true, &full);
    print("questions over the bus, 64 in flight", without, &plain, theirs);
    print("the same with the caller's headers", with, &full, theirs);
    bus_unhear(sub);
    bus_close(answerer);
    bus_close(asker);
    return 0;
}
