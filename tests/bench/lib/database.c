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

static void make_table(PGconn *conn)
{
    database_do(conn, "DROP TABLE IF EXISTS public.bench_bare");
    database_do(conn, "CREATE TABLE public.bench_bare (id bigserial PRIMARY KEY, channel bigint,"
                      " seq bigint, content text, UNIQUE (channel, seq))");
    PGresult *res = PQprepare(conn, "batch",
                              "INSERT INTO public.bench_bare (channel, seq, content)"
                              " SELECT 1, $1::bigint + n, repeat('x', 200)"
                              " FROM generate_series(1, $2::int) AS n",
                              2, NULL);
    PQclear(database_checked(conn, res));
}

double bare_commits(int batch, double seconds, struct hist *h)
{
    PGconn *conn = database_open();
    int64_t rows = 0;
    memset(h, 0, sizeof(*h));
    make_table(conn);
    int64_t began_us = mono_us();
    while ((double)(mono_us() - began_us) < seconds * 1e6) {
        char base[24], count[16];
        const char *values[] = {base, count};
        snprintf(base, sizeof(base), "%lld", (long long)rows);
        snprintf(count, sizeof(count), "%d", batch);
        int64_t sent_us = mono_us();
        PQclear(database_checked(conn, PQexecPrepared(conn, "batch", 2, values, NULL, NULL, 0)));
        hist_add(h, mono_us() - sent_us);
        rows += batch;
    }
    double rate = (double)rows * 1e6 / (double)(mono_us() - began_us);
    database_do(conn, "DROP TABLE public.bench_bare");
    PQfinish(conn);
    return rate;
}
