/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LIB_DATABASE_H
#define TESTS_BENCH_LIB_DATABASE_H

/* The database without Parley: bare libpq, the limit that figures are compared with, on the same
 * server in the same run. Every failure ends the benchmark. */

#include <libpq-fe.h>

#include "shared/base/macros.h"
#include "tests/bench/lib/figures.h"

/* A connection as the owner, looking into messaging's schema. */
PGconn *database_open(void);
PGresult *database_query(PGconn *conn, const char *sql);
PRINTF_LIKE(2, 3) void database_do(PGconn *conn, const char *format, ...);
PGresult *database_checked(PGconn *conn, PGresult *res);

/* The text of one of messaging's statements, which the program printed into the file STATEMENTS; to
 * be freed. */
char *statement_text(const char *name);

/* Commits batches of so many rows like a message's into a table of its own, with full durability,
 * one after the other; rows per second, and how long each COMMIT took. */
double bare_commits(int batch, double seconds, struct hist *h);

#endif
