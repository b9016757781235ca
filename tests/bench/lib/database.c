/* SPDX-License-Identifier: MIT */
#include "tests/bench/lib/database.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

PGresult *database_checked(PGconn *conn, PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return res;
    fprintf(stderr, "database: %s\n", PQerrorMessage(conn));
    exit(2);
}

PGresult *database_query(PGconn *conn, const char *sql)
{
    return database_checked(conn, PQexec(conn, sql));
}

void database_do(PGconn *conn, const char *format, ...)
{
    char sql[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(sql, sizeof(sql), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(sql)) {
        fprintf(stderr, "database: a statement is too long\n");
        exit(2);
    }
    PQclear(database_query(conn, sql));
}

PGconn *database_open(void)
{
    PGconn *conn = PQconnectdb(need_env("DATABASE_URL_OWNER"));
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "database: %s\n", PQerrorMessage(conn));
        exit(2);
    }
    database_do(conn, "SET search_path = messaging");
    database_do(conn, "SET client_min_messages = warning");
    /* As ours. */
    database_do(conn, "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                      " SET jit = off");
    return conn;
}

char *statement_text(const char *name)
{
    json_t *all = json_load_file(need_env("STATEMENTS"), 0, NULL);
    char *text = NULL;
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
            text = strdup(json_string_value(json_object_get(one, "sql")));
    }
    if (text == NULL) {
        fprintf(stderr, "messaging has no statement %s\n", name);
        exit(2);
    }
    json_decref(all);
    return text;
}

enum { CHANNELS = 64, TEXT = 200, NUMBER = 21, BATCH_MAX = 1024 };

static void make_tables(PGconn *conn)
{
    database_do(conn, "DROP TABLE IF EXISTS public.bench_rows, public.bench_channels");
    database_do(conn, "CREATE TABLE public.bench_rows (id bigint PRIMARY KEY, channel_id bigint,"
                      " seq bigint, content text, UNIQUE (channel_id, seq))");
    database_do(conn, "CREATE TABLE public.bench_channels (id bigint PRIMARY KEY, seq bigint)"
                      " WITH (fillfactor = 50)");
    database_do(conn,
                "INSERT INTO public.bench_channels"
                " SELECT n, 0 FROM generate_series(0, %d) AS n",
                CHANNELS - 1);
    PGresult *res = PQprepare(
        conn, "batch",
        "WITH input AS MATERIALIZED ("
        "  SELECT *, row_number() OVER (PARTITION BY channel_id ORDER BY id) AS turn"
        "    FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS i (id, channel_id, content)),"
        " counted AS ("
        "  UPDATE public.bench_channels c SET seq = c.seq + own.count"
        "    FROM (SELECT channel_id, count(*) FROM input GROUP BY channel_id) AS own"
        "   WHERE c.id = own.channel_id RETURNING c.id, c.seq - own.count AS base)"
        " INSERT INTO public.bench_rows (id, channel_id, seq, content)"
        " SELECT i.id, i.channel_id, c.base + i.turn, i.content"
        "   FROM input i JOIN counted c ON c.id = i.channel_id",
        3, NULL);
    PQclear(database_checked(conn, res));
}

/* The next rows, as arrays. */
struct rows {
    char ids[BATCH_MAX * NUMBER + 3];
    char channels[BATCH_MAX * NUMBER + 3];
    char contents[BATCH_MAX * (TEXT + 1) + 3];
};

static void add_number(char **at, int i, int64_t number)
{
    *at += snprintf(*at, NUMBER + 1, "%c%lld", i == 0 ? '{' : ',', (long long)number);
}

static void fill_rows(struct rows *r, int batch, int64_t first)
{
    char *id = r->ids, *channel = r->channels, *content = r->contents;
    for (int i = 0; i < batch; i++) {
        add_number(&id, i, first + i);
        add_number(&channel, i, (first + i) % CHANNELS);
        *content++ = i == 0 ? '{' : ',';
        memset(content, 'x', TEXT);
        content += TEXT;
    }
    memcpy(id, "}", 2);
    memcpy(channel, "}", 2);
    memcpy(content, "}", 2);
}

double bare_commits(int batch, double seconds, struct hist *h)
{
    static struct rows rows;
    PGconn *conn = database_open();
    int64_t written = 0;
    memset(h, 0, sizeof(*h));
    make_tables(conn);
    int64_t began_us = mono_us();
    while ((double)(mono_us() - began_us) < seconds * 1e6) {
        const char *values[] = {rows.ids, rows.channels, rows.contents};
        fill_rows(&rows, batch, written);
        int64_t sent_us = mono_us();
        PQclear(database_checked(conn, PQexecPrepared(conn, "batch", 3, values, NULL, NULL, 0)));
        hist_add(h, mono_us() - sent_us);
        written += batch;
    }
    double rate = (double)written * 1e6 / (double)(mono_us() - began_us);
    database_do(conn, "DROP TABLE public.bench_rows, public.bench_channels");
    PQfinish(conn);
    return rate;
}
