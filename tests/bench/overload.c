/* SPDX-License-Identifier: MIT */
/* More than can be served. First a full ring: the database stands still, so requests pile up until
 * there is no more room, and from then on each must be refused at once, with a time to come back.
 * Then ten times what the system can do, for OVERLOAD_SECONDS: what it serves meanwhile, what
 * memory it takes, and how soon afterwards a request takes as long as before. What is asked for is
 * the latest page of a channel, by WebSocket. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/bench/lib/database.h"
#include "tests/bench/lib/http.h"
#include "tests/bench/lib/plant.h"
#include "tests/bench/lib/process.h"
#include "tests/bench/lib/socket.h"

enum {
    USERS = 200,
    MESSAGES = 200,
    AT_EASE = 4,      /* requests at a time that every worker can take at once */
    RUNNING_MAX = 64, /* of one WebSocket; the gateway refuses more itself */
    SERVE_WAIT_US = 10 * 1000000,
    QUIET_US = 200 * 1000 /* this long without a slow answer counts as normal again */
};

struct user {
    struct load_socket *socket;
    int running;
    int64_t sent_us[RUNNING_MAX]; /* 0: the slot is free */
};

static struct {
    struct plant plant;
    struct load *load;
    struct user users[USERS];
    int ready;
    int next;
    int running;
    int64_t sent, served, refused, without_time, failed;
    int64_t last_slow_us; /* when the last answer came that was refused or late */
    int64_t normal_us;    /* an answer that takes longer is late */
    struct hist served_us, refused_us;
    bool is_closed_loop;
} run;

/* ---- requests and answers ---- */

static bool ask(struct user *u)
{
    char frame[256];
    int slot = 0;
    while (slot < RUNNING_MAX && u->sent_us[slot] != 0)
        slot++;
    if (slot == RUNNING_MAX)
        return false;
    int n = snprintf(frame, sizeof(frame),
                     "{\"op\":\"request\",\"id\":%d,\"t\":\"message.list\",\"d\":{\"channel_id\":"
                     "\"%llu\"}}",
                     slot, (unsigned long long)run.plant.channels);
    u->sent_us[slot] = mono_us();
    run.running++;
    run.sent++;
    load_send(u->socket, frame, (size_t)n);
    return true;
}

/* From whoever has the fewest troubles: in turn. False: everybody waits for RUNNING_MAX answers. */
static bool ask_next(void)
{
    for (int i = 0; i < USERS; i++)
        if (ask(&run.users[run.next++ % USERS]))
            return true;
    return false;
}

static void count(int status, int64_t took_us, const char *payload, size_t len)
{
    if (status == 200) {
        run.served++;
        hist_add(&run.served_us, took_us);
    } else if (status == 503) {
        run.refused++;
        hist_add(&run.refused_us, took_us);
        run.without_time += json_find(payload, len, "retry_after") == NULL;
    } else {
        run.failed++;
    }
    if (status != 200 || took_us > run.normal_us)
        run.last_slow_us = mono_us();
}

static void on_response(struct user *u, const char *payload, size_t len)
{
    const char *id = json_find(payload, len < 64 ? len : 64, "id");
    const char *status = json_find(payload, len < 64 ? len : 64, "status");
    if (id == NULL || status == NULL)
        return;
    int slot = atoi(id) % RUNNING_MAX;
    int64_t took_us = mono_us() - u->sent_us[slot];
    u->sent_us[slot] = 0;
    run.running--;
    count(atoi(status), took_us, payload, len);
    if (run.is_closed_loop)
        (void)ask(u);
}

static void on_frame(struct load_socket *s, const char *payload, size_t len)
{
    if (payload == NULL) {
        fprintf(stderr, "a socket was closed, code %d\n", s->close_code);
        exit(1);
    }
    const char *op = json_find(payload, len < 64 ? len : 64, "op");
    if (op != NULL && strncmp(op, "\"ready\"", 7) == 0)
        run.ready++;
    else if (op != NULL && strncmp(op, "\"response\"", 10) == 0)
        on_response(s->arg, payload, len);
}

static void forget_counts(void)
{
    run.sent = run.served = run.refused = run.without_time = run.failed = 0;
    memset(&run.served_us, 0, sizeof(run.served_us));
    memset(&run.refused_us, 0, sizeof(run.refused_us));
}

/* Open loop: so many a second, whatever comes back. */
static void ask_steadily(double rate, double seconds)
{
    int64_t began_us = mono_us();
    int64_t asked = 0;
    double passed_s;
    while ((passed_s = (double)(mono_us() - began_us) / 1e6) < seconds) {
        bool has_room = true;
        for (int64_t due = (int64_t)(passed_s * rate); asked < due && has_room; asked++)
            has_room = ask_next();
        load_turn(run.load, 1);
    }
}

static void wait_answered(void)
{
    int64_t until_us = mono_us() + SERVE_WAIT_US;
    while (run.running > 0 && mono_us() < until_us)
        load_turn(run.load, 10);
    if (run.running > 0) {
        fprintf(stderr, "%d requests were never answered\n", run.running);
        exit(1);
    }
}

/* What can be served, and how long an answer takes with no more asked than that. */
static double capacity(void)
{
    forget_counts();
    run.is_closed_loop = true;
    int64_t began_us = mono_us();
    for (int i = 0; i < AT_EASE; i++)
        (void)ask(&run.users[i]);
    while (mono_us() - began_us < 3000000)
        load_turn(run.load, 100);
    double rate = (double)run.served * 1e6 / (double)(mono_us() - began_us);
    run.is_closed_loop = false;
    wait_answered();
    return rate;
}

/* ---- a full ring ---- */

/* Until the first refusal everything is swallowed; then they come at a calm rate. */
static void fill_ring(void)
{
    int64_t until_us = mono_us() + 3000000;
    while (run.refused == 0 && mono_us() < until_us) {
        for (int i = 0; i < 100 && run.refused == 0; i++)
            (void)ask_next();
        load_turn(run.load, 1);
    }
    if (run.refused == 0) {
        fprintf(stderr, "%lld requests wait and none was refused\n", (long long)run.sent);
        exit(1);
    }
}

/* What the filling asked for beyond the room is refused first: it came all at once. */
static void settle(void)
{
    int64_t answers = 0;
    int64_t until_us = mono_us() + QUIET_US;
    while (mono_us() < until_us) {
        load_turn(run.load, 10);
        if (run.refused > answers)
            until_us = mono_us() + QUIET_US;
        answers = run.refused;
    }
}

static bool http_says_when(void)
{
    char path[128];
    snprintf(path, sizeof(path), "/api/v1/channels/%llu/messages",
             (unsigned long long)run.plant.channels);
    char *answer = http_get_whole((int)need_env_int("GATEWAY_PORT"), path, run.plant.tokens[0]);
    bool is_right =
        strncmp(answer, "HTTP/1.1 503", 12) == 0 && strstr(answer, "\r\nRetry-After: ") != NULL;
    free(answer);
    return is_right;
}

static void report_refusals(const struct hist *refused, const struct hist *at_ease,
                            const char *value)
{
    char bare[96], ratio[64];
    snprintf(bare, sizeof(bare), "p50 %.2f ms, p99 %.2f ms (to be served, %d at a time)",
             (double)hist_quantile(at_ease, 0.5) / 1e3, (double)hist_quantile(at_ease, 0.99) / 1e3,
             AT_EASE);
    snprintf(ratio, sizeof(ratio), "%.1f times at p50",
             (double)hist_quantile(refused, 0.5) / (double)hist_quantile(at_ease, 0.5));
    figure("full ring: to be refused", "503 with Retry-After in < 5 ms", value, bare, ratio);
}

static void full_ring(PGconn *conn, const struct hist *at_ease)
{
    char value[160];
    forget_counts();
    database_do(conn, "BEGIN");
    database_do(conn, "LOCK TABLE messages IN ACCESS EXCLUSIVE MODE");
    fill_ring();
    settle();
    int64_t waiting = run.running;
    forget_counts();
    ask_steadily(200, 1);
    bool says_when = http_says_when() && run.without_time == 0;
    int64_t refused = run.refused;
    struct hist took = run.refused_us;
    database_do(conn, "COMMIT");
    wait_answered();
    snprintf(value, sizeof(value),
             "p50 %.2f ms, p99 %.2f ms (%lld refused while %lld waited; Retry-After %s)",
             (double)hist_quantile(&took, 0.5) / 1e3, (double)hist_quantile(&took, 0.99) / 1e3,
             (long long)refused, (long long)waiting, says_when ? "always" : "MISSING");
    report_refusals(&took, at_ease, value);
}

/* ---- ten times too much ---- */

struct memory {
    long messaging_kb, gateway_kb;
};

static struct memory memory_now(void)
{
    return (struct memory){process_pss_kb(process_pid("messaging-1")),
                           process_pss_kb(process_pid("gateway-1"))};
}

static void report_overload(double able, double seconds, struct memory before, struct memory peak)
{
    char what[96], value[320], bare[64], ratio[64];
    snprintf(what, sizeof(what), "%.0f s of overload: what is served meanwhile", seconds);
    snprintf(value, sizeof(value),
             "%.0f/s of %.0f/s asked for; %lld refused (p50 %.1f ms, p99 %.1f ms), %lld late;"
             " memory, messaging %ld to %ld MB, gateway %ld to %ld MB",
             (double)run.served / seconds, (double)run.sent / seconds, (long long)run.refused,
             (double)hist_quantile(&run.refused_us, 0.5) / 1e3,
             (double)hist_quantile(&run.refused_us, 0.99) / 1e3, (long long)run.failed,
             before.messaging_kb / 1024, peak.messaging_kb / 1024, before.gateway_kb / 1024,
             peak.gateway_kb / 1024);
    snprintf(bare, sizeof(bare), "%.0f/s with %d at a time", able, AT_EASE);
    snprintf(ratio, sizeof(ratio), "%.0f %% of it", 100 * (double)run.served / seconds / able);
    figure(what, "memory bounded", value, bare, ratio);
}

static void report_recovery(int64_t normal_us, double seconds)
{
    char value[128];
    snprintf(value, sizeof(value), "%.1f s until every answer took <= %.1f ms again", seconds,
             (double)normal_us / 1e3);
    figure("after the overload", "normal within 2 s", value, NULL, NULL);
}

static void overload(double able, const struct hist *at_ease)
{
    double seconds = (double)need_env_int("OVERLOAD_SECONDS");
    /* Normal is what a calm system does, with room for the spread of its answers. */
    int64_t normal_us = 3 * hist_quantile(at_ease, 0.99);
    struct memory before = memory_now();
    forget_counts();
    struct cpu_share *cpu = cpu_share_start();
    ask_steadily(10 * able, seconds);
    cpu_share_report(cpu, "overload", (double)run.sent);
    struct memory peak = memory_now();
    report_overload(able, seconds, before, peak);

    int64_t ended_us = mono_us();
    run.normal_us = normal_us;
    run.last_slow_us = ended_us;
    while (mono_us() - run.last_slow_us < QUIET_US || run.running > AT_EASE)
        ask_steadily(able / 10, 0.05);
    report_recovery(normal_us, (double)(run.last_slow_us - ended_us) / 1e6);
    wait_answered();
}

int main(void)
{
    PGconn *conn = database_open();
    plant_make(
        &run.plant, conn,
        (struct plan){
            .users = USERS, .servers = 1, .servers_each = 1, .channels = 1, .messages = MESSAGES});
    run.load = load_new("127.0.0.1", (int)need_env_int("GATEWAY_PORT"), on_frame);
    for (int i = 0; i < USERS; i++) {
        char path[2048];
        snprintf(path, sizeof(path), "/ws?token=%s", run.plant.tokens[i]);
        run.users[i].socket = load_connect(run.load, path, &run.users[i]);
    }
    while (run.ready < USERS)
        load_turn(run.load, 100);
    double able = capacity();
    struct hist at_ease = run.served_us;
    full_ring(conn, &at_ease);
    overload(able, &at_ease);
    PQfinish(conn);
    return 0;
}
