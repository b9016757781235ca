/* SPDX-License-Identifier: MIT */
#ifndef SHARED_STORE_DB_H
#define SHARED_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/domain/snowflake.h"
#include "shared/store/param.h"
#include "shared/wire/field.h"
#include "shared/wire/req.h"

/* PostgreSQL through libpq. A struct db is one connection and belongs to one thread. It connects
 * at first use, reconnects by itself after a loss (what was in flight answers ERR_UNAVAILABLE), and
 * prepares each statement the first time it runs it. Every wait ends at the request's deadline. */
struct db;

/* Constraint names that mean something to a client; every other violation is ERR_INTERNAL. */
struct db_constraint {
    const char *name; /* "users_username_key" */
    enum err err;
};

/* Called after each round trip, on the connection's thread; for metrics. */
typedef void db_observe_fn(void *arg, int64_t took_us, enum err e);

struct db_settings {
    const char *url;                         /* libpq connection string */
    const char *name;                        /* application_name */
    const struct db_constraint *constraints; /* ended by a NULL name; may be NULL */
    int statement_timeout_ms;                /* 0: DB_STATEMENT_TIMEOUT_MS */
    db_observe_fn *observe;                  /* may be NULL */
    void *observe_arg;
};
enum { DB_STATEMENT_TIMEOUT_MS = 4000, DB_CONNECT_TIMEOUT_MS = 2000 };
struct db *db_new(const struct db_settings *s); /* settings must outlive it */
void db_free(struct db *db);
MUST_CHECK enum err db_ping(struct db *db, int timeout_ms);

/* A named statement. STMT lists itself in a linker section so that a test can prepare them all. It
 * has one plan a connection, made without knowing its parameters: each table it looks into needs an
 * index for it, and a page of rows is joined row by row (LATERAL ... OFFSET 0). */
struct stmt {
    const char *name;
    const char *sql;
    unsigned short index; /* set at start by stmt_number_all */
};
#define STMT(id, text)                                    \
    static struct stmt id = {.name = #id, .sql = (text)}; \
    static struct stmt *id##_listed __attribute__((section("parley_stmts"), used)) = &id

/* The registered statements; stops at the first false. Numbers them on the first call. */
size_t stmt_count(void);
const struct stmt *stmt_at(size_t i);

/* The four verbs. Columns fill the fields of the same name, those of an object as "author.id"; a
 * field without a column stays zero. `none` is the error when there is no row. ret_* are untouched
 * on failure, except that strings of a row live in rq's arena. */
MUST_CHECK enum err db_one(struct req *rq, const struct stmt *st, struct params p,
                           const struct shape *sh, void *ret_row, enum err none);
MUST_CHECK enum err db_many(struct req *rq, const struct stmt *st, struct params p,
                            const struct shape *sh, struct list *ret_rows);
MUST_CHECK enum err db_exec(struct req *rq, const struct stmt *st, struct params p,
                            int *ret_changed); /* NULL: do not care */
MUST_CHECK enum err db_scalar(struct req *rq, const struct stmt *st, struct params p,
                              int64_t *ret_value, enum err none);
/* One text column of one row (JSON built by the database), in the arena. */
MUST_CHECK enum err db_text(struct req *rq, const struct stmt *st, struct params p,
                            const char **ret_text, enum err none);

/* A statement whose result nobody reads: it travels with the next one, or with COMMIT, without a
 * round trip of its own. Its failure shows there. Only inside a transaction. */
void db_later(struct req *rq, const struct stmt *st, struct params p);

/* For the dispatcher and jobs. BEGIN travels with the first statement; a transaction without any
 * costs nothing. One that met an error only rolls back. */
void db_begin(struct req *rq);
MUST_CHECK enum err db_commit(struct req *rq);
void db_rollback(struct req *rq);
/* The last failure was a deadlock or a serialization conflict: the transaction may be repeated. */
bool db_may_retry(const struct req *rq);

#endif
