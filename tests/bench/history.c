/* SPDX-License-Identifier: MIT */
/* The latest page of a channel when the database holds ten million messages: CHANNELS channels of a
 * million each, warm, one reader and READERS_MAX at a time, over the channels in turn. The bare
 * limit is the statement behind it, by as many libpq connections at a time in the same run.
 * MESSAGES in the environment makes the table smaller, to try the program itself. */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/bench/lib/database.h"
#include "tests/bench/lib/http.h"
#include "tests/bench/lib/plant.h"
#include "tests/bench/lib/process.h"

enum { CHANNELS = 10, AUTHORS = 50, READERS_MAX = 8 };

struct turns {
    const struct plant *plant;
    int next;
};

static snowflake next_channel(struct turns *t)
{
    return plant_channel(t->plant, 0, t->next++ % CHANNELS);
}

static void next_path(void *arg, char *path, size_t size)
{
    snprintf(path, size, "/api/v1/channels/%llu/messages", (unsigned long long)next_channel(arg));
}

/* ---- the bare limit ---- */

struct asker {
    PGconn *conn;
    int64_t asked_us;
};

static void ask(struct asker *a, struct turns *t)
{
    char channel[24];
    const char *params[] = {channel, "9223372036854775807", "50", "1"};
    snprintf(channel, sizeof(channel), "%llu", (unsigned long long)next_channel(t));
    a->asked_us = mono_us();
    if (PQsendQueryPrepared(a->conn, "page", 4, params, NULL, NULL, 0) != 1) {
        fprintf(stderr, "database: %s\n", PQerrorMessage(a->conn));
        exit(2);
    }
}

/* True when the answer was whole. */
static bool take(struct asker *a)
{
    PGresult *res;
    if (PQconsumeInput(a->conn) != 1)
        exit(2);
    if (PQisBusy(a->conn))
        return false;
    while ((res = PQgetResult(a->conn)) != NULL)
        PQclear(database_checked(a->conn, res));
    return true;
}

static void bare(struct turns *t, int readers, double seconds, struct hist *h)
{
    struct asker askers[READERS_MAX];
    struct pollfd fds[READERS_MAX];
    char *sql = statement_text("messages_before");
    for (int i = 0; i < readers; i++) {
        askers[i].conn = database_open();
        PGresult *res = PQprepare(askers[i].conn, "page", sql, 0, NULL);
        PQclear(database_checked(askers[i].conn, res));
        fds[i] = (struct pollfd){.fd = PQsocket(askers[i].conn), .events = POLLIN};
        ask(&askers[i], t);
    }
    int64_t began_us = mono_us();
    while ((double)(mono_us() - began_us) < seconds * 1e6) {
        poll(fds, readers, 1000);
        for (int i = 0; i < readers; i++) {
            if (fds[i].revents == 0 || !take(&askers[i]))
                continue;
            hist_add(h, mono_us() - askers[i].asked_us);
            ask(&askers[i], t);
        }
    }
    for (int i = 0; i < readers; i++)
        PQfinish(askers[i].conn);
    free(sql);
}

/* ---- both ---- */

static void report(int messages, int readers, const struct hist *h, const struct hist *limit)
{
    char what[80], value[80], bare_text[80], ratio[32];
    snprintf(what, sizeof(what), "latest 50 of a channel, %.1f million messages stored",
             (double)messages * CHANNELS / 1e6);
    snprintf(value, sizeof(value), "p50 %.2f ms, p99 %.2f ms, %d at a time",
             (double)hist_quantile(h, 0.5) / 1e3, (double)hist_quantile(h, 0.99) / 1e3, readers);
    snprintf(bare_text, sizeof(bare_text), "p50 %.2f ms, p99 %.2f ms (the statement, libpq)",
             (double)hist_quantile(limit, 0.5) / 1e3, (double)hist_quantile(limit, 0.99) / 1e3);
    snprintf(ratio, sizeof(ratio), "%.1f times at p99",
             (double)hist_quantile(h, 0.99) / (double)hist_quantile(limit, 0.99));
    figure(what, "p99 <= 5 ms", value, bare_text, ratio);
}

static void measure(const struct plant *p, int messages, int readers, double seconds)
{
    static struct hist warm, ours, limit;
    char name[64];
    struct turns turns = {.plant = p};
    struct http_load load = {
        .port = (int)need_env_int("GATEWAY_PORT"),
        .connections = readers,
        .seconds = 1,
        .next = next_path,
        .arg = &turns,
        .token = p->tokens[0],
    };
    memset(&ours, 0, sizeof(ours));
    memset(&limit, 0, sizeof(limit));
    (void)http_run(&load, &warm);
    load.seconds = seconds;
    struct cpu_share *cpu = cpu_share_start();
    (void)http_run(&load, &ours);
    snprintf(name, sizeof(name), "latest 50 of a channel, %d at a time", readers);
    cpu_share_report(cpu, name, (double)ours.count);
    bare(&turns, readers, seconds, &limit);
    report(messages, readers, &ours, &limit);
}

int main(void)
{
    struct plant p;
    PGconn *conn = database_open();
    int messages = (int)need_env_int("MESSAGES") / CHANNELS;
    double seconds = (double)need_env_int("SECONDS_EACH");
    int64_t began_us = mono_us();
    plant_make(&p, conn,
               (struct plan){.users = AUTHORS,
                             .servers = 1,
                             .servers_each = 1,
                             .channels = CHANNELS,
                             .messages = messages});
    /* What follows a bulk load, tidying up and a checkpoint, is not what is measured. */
    database_do(conn, "VACUUM (ANALYZE) messages");
    database_do(conn, "CHECKPOINT");
    fprintf(stderr, "filled in %.0f s\n", (double)(mono_us() - began_us) / 1e6);
    measure(&p, messages, 1, seconds);
    measure(&p, messages, READERS_MAX, seconds);
    PQfinish(conn);
    return 0;
}
