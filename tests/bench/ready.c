/* SPDX-License-Identifier: MIT */
/* From the connection to `ready` for a user in many servers with many channels each: the gateway
 * fetches the whole state for every new session. The bare limit is the five statements that read
 * that state, by libpq, one after the other. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/bench/lib/database.h"
#include "tests/bench/lib/plant.h"
#include "tests/bench/lib/process.h"
#include "tests/bench/lib/socket.h"

enum { SERVERS = 100, CHANNELS = 20, ROUNDS = 200, IDS_SIZE = 24 };

static struct {
    bool is_ready;
    size_t bytes;
} run;

static void on_frame(struct load_socket *s, const char *payload, size_t len)
{
    (void)s;
    if (payload == NULL) {
        fprintf(stderr, "a socket was disconnected\n");
        exit(1);
    }
    const char *op = json_find(payload, len < 64 ? len : 64, "op");
    if (op == NULL || strncmp(op + 1, "ready", 5) != 0)
        return;
    run.is_ready = true;
    run.bytes = len;
}

static int64_t connect_once(struct load *l, const char *path)
{
    run.is_ready = false;
    int64_t began_us = mono_us();
    struct load_socket *s = load_connect(l, path, NULL);
    while (!run.is_ready)
        load_turn(l, 100);
    int64_t took_us = mono_us() - began_us;
    load_close(s);
    return took_us;
}

/* ---- the bare limit ---- */

struct question {
    const char *name;
    char *sql;
    int count;
    const char *params[3];
};

static char *ids_from(snowflake first, int count)
{
    char *text = malloc((size_t)count * IDS_SIZE + 3);
    size_t at = 0;
    for (int i = 0; i < count; i++)
        at += (size_t)sprintf(text + at, "%c%llu", i == 0 ? '{' : ',',
                              (unsigned long long)first + (unsigned long long)i);
    strcpy(text + at, "}");
    return text;
}

static void bare(PGconn *conn, const struct plant *p, struct hist *h)
{
    char user[IDS_SIZE];
    snprintf(user, sizeof(user), "%llu", (unsigned long long)p->users);
    char *servers = ids_from(p->servers, SERVERS);
    char *channels = ids_from(p->channels, SERVERS * CHANNELS);
    struct question all[] = {
        {"state_servers",  NULL, 3, {user, "1", "0"}        },
        {"state_members",  NULL, 2, {user, servers}         },
        {"state_roles",    NULL, 1, {servers}               },
        {"state_channels", NULL, 1, {servers}               },
        {"reads_counted",  NULL, 3, {channels, user, "1000"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i].sql = statement_text(all[i].name);
        PQclear(database_checked(conn, PQprepare(conn, all[i].name, all[i].sql, 0, NULL)));
        free(all[i].sql);
    }
    for (int round = 0; round < ROUNDS; round++) {
        int64_t began_us = mono_us();
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            PQclear(database_checked(conn, PQexecPrepared(conn, all[i].name, all[i].count,
                                                          all[i].params, NULL, NULL, 0)));
        hist_add(h, mono_us() - began_us);
    }
    free(servers);
    free(channels);
}

static void report(int64_t first_us, const struct hist *h, const struct hist *limit)
{
    char what[80], value[128], bare_text[80], ratio[32];
    snprintf(what, sizeof(what), "connect to ready, a user in %d servers x %d channels", SERVERS,
             CHANNELS);
    snprintf(value, sizeof(value), "p50 %.1f ms, p99 %.1f ms (%zu KB; the very first %.0f ms)",
             (double)hist_quantile(h, 0.5) / 1e3, (double)hist_quantile(h, 0.99) / 1e3,
             run.bytes / 1024, (double)first_us / 1e3);
    snprintf(bare_text, sizeof(bare_text), "p50 %.1f ms, p99 %.1f ms (the statements, libpq)",
             (double)hist_quantile(limit, 0.5) / 1e3, (double)hist_quantile(limit, 0.99) / 1e3);
    snprintf(ratio, sizeof(ratio), "%.1f times at p50",
             (double)hist_quantile(h, 0.5) / (double)hist_quantile(limit, 0.5));
    figure(what, "<= 20 ms", value, bare_text, ratio);
}

int main(void)
{
    static struct hist ours, limit;
    char path[2048];
    struct plant p;
    PGconn *conn = database_open();
    plant_make(&p, conn,
               (struct plan){.users = 1,
                             .servers = SERVERS,
                             .servers_each = SERVERS,
                             .channels = CHANNELS,
                             .messages = 10});
    struct load *l = load_new("127.0.0.1", (int)need_env_int("GATEWAY_PORT"), on_frame);
    snprintf(path, sizeof(path), "/ws?token=%s", p.tokens[0]);
    int64_t first_us = connect_once(l, path);
    struct cpu_share *cpu = cpu_share_start();
    for (int i = 0; i < ROUNDS; i++)
        hist_add(&ours, connect_once(l, path));
    cpu_share_report(cpu, "connect to ready", ROUNDS);
    bare(conn, &p, &limit);
    report(first_us, &ours, &limit);
    load_free(l);
    PQfinish(conn);
    return 0;
}
