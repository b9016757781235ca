/* SPDX-License-Identifier: MIT */
/* One connection to PostgreSQL, always in libpq's pipeline mode: what can travel together does.
 * BEGIN and PREPARE go with the statement that needs them, a statement nobody reads (db_later) with
 * the next one. The invariant: `waiting` lists, in order, exactly the commands sent since the last
 * sync, and settle() reads exactly their results. After any trouble that leaves this in doubt the
 * connection is closed and made anew by the next request. */

#include "shared/store/db.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/store/db_private.h"

enum { WAITING_MAX = 32, RETRY_US = 200000, DEFAULT_DEADLINE_US = 30000000 };

/* A statement has one plan, by indexes, which a walk over all of them proves to be there. Left to
 * itself PostgreSQL finds a new one for every call where LIMIT is a parameter, which takes several
 * times as long as the call; reads a small table whole for each row of a page; and compiles what
 * looks expensive, which takes 20 ms. */
#define SESSION_OPTIONS                                                      \
    "-c timezone=UTC -c datestyle=ISO -c plan_cache_mode=force_generic_plan" \
    " -c enable_seqscan=off -c jit=off"

enum command { COMMAND_BEGIN, COMMAND_PREPARE, COMMAND_LATER, COMMAND_MAIN, COMMAND_END };

struct waiting {
    enum command command;
    const struct stmt *st;
};

struct db {
    const struct db_settings *settings;
    PGconn *conn;
    bool *prepared;        /* by statement index, of this connection */
    struct db_plan *plans; /* by statement index */
    struct waiting waiting[WAITING_MAX];
    int waiting_count;
    bool is_begin_due; /* BEGIN goes with the next statement */
    bool is_open;      /* the server is inside our transaction */
    bool is_broken;    /* a db_later of this transaction could not be sent */
    bool may_retry;
    int64_t retry_us; /* no attempt to connect before this monotonic time */
};

static void result_clear_p(PGresult **res)
{
    PQclear(*res);
}
#define auto_result __attribute__((cleanup(result_clear_p)))

struct db *db_new(const struct db_settings *s)
{
    struct db *db = heap_alloc(sizeof(*db));
    db->settings = s;
    db->prepared = heap_alloc_n(stmt_count() + 1, sizeof(*db->prepared));
    db->plans = heap_alloc_n(stmt_count() + 1, sizeof(*db->plans));
    return db;
}

static void disconnect(struct db *db)
{
    PQfinish(db->conn);
    db->conn = NULL;
    db->waiting_count = 0;
    db->is_open = false;
    memset(db->prepared, 0, stmt_count() * sizeof(*db->prepared));
}

void db_free(struct db *db)
{
    if (db == NULL)
        return;
    disconnect(db);
    free(db->prepared);
    for (size_t i = 0; i < stmt_count(); i++)
        free(db->plans[i].cells);
    free(db->plans);
    free(db);
}

static int64_t deadline_of(const struct req *rq)
{
    return rq->deadline_us != 0 ? rq->deadline_us : mono_us() + DEFAULT_DEADLINE_US;
}

/* False past the deadline. */
static bool wait_socket(PGconn *conn, short events, int64_t deadline_us)
{
    struct pollfd p = {.fd = PQsocket(conn), .events = events};
    for (;;) {
        int64_t left_us = deadline_us - mono_us();
        if (left_us <= 0)
            return false;
        if (poll(&p, 1, (int)(left_us / 1000) + 1) > 0)
            return true;
    }
}

static enum err connect_finish(struct req *rq, PGconn *conn)
{
    int64_t deadline_us = mono_us() + DB_CONNECT_TIMEOUT_MS * 1000L;
    if (deadline_of(rq) < deadline_us)
        deadline_us = deadline_of(rq);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        if (!wait_socket(conn, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_us))
            return fail(rq, ERR_UNAVAILABLE, "database: connecting took too long");
        state = PQconnectPoll(conn);
    }
    if (state == PGRES_POLLING_FAILED)
        return fail(rq, ERR_UNAVAILABLE, "database: %s", PQerrorMessage(conn));
    return OK;
}

static enum err connect_now(struct req *rq)
{
    struct db *db = rq->db;
    int timeout_ms = db->settings->statement_timeout_ms;
    const char *options = arena_printf(&rq->arena, SESSION_OPTIONS " -c statement_timeout=%d",
                                       timeout_ms != 0 ? timeout_ms : DB_STATEMENT_TIMEOUT_MS);
    const char *keys[] = {"dbname", "application_name", "options", "client_encoding", NULL};
    const char *values[] = {db->settings->url, db->settings->name, options, "UTF8", NULL};
    PGconn *conn = PQconnectStartParams(keys, values, 1);
    if (conn == NULL)
        return fail(rq, ERR_UNAVAILABLE, "database: no memory for a connection");
    enum err e = PQstatus(conn) == CONNECTION_BAD
                     ? fail(rq, ERR_UNAVAILABLE, "database: %s", PQerrorMessage(conn))
                     : connect_finish(rq, conn);
    if (e == OK && (PQsetnonblocking(conn, 1) != 0 || PQenterPipelineMode(conn) != 1))
        e = fail(rq, ERR_UNAVAILABLE, "database: %s", PQerrorMessage(conn));
    if (e != OK) {
        PQfinish(conn);
        return e;
    }
    db->conn = conn;
    return OK;
}

/* Nothing was asked, so whatever the server says is that it has ended the connection. */
static bool ended_while_idle(const struct db *db)
{
    struct pollfd p = {.fd = PQsocket(db->conn), .events = POLLIN};
    return !db->is_open && db->waiting_count == 0 && poll(&p, 1, 0) != 0;
}

static enum err connected(struct req *rq)
{
    struct db *db = rq->db;
    assert(db != NULL);
    if (db->conn != NULL && ended_while_idle(db))
        disconnect(db);
    if (db->conn != NULL)
        return OK;
    if (mono_us() < db->retry_us)
        return fail(rq, ERR_UNAVAILABLE, "database: not connected");
    enum err e = connect_now(rq);
    db->retry_us = e == OK ? 0 : mono_us() + RETRY_US;
    return e;
}

/* The connection is of no more use: what the transaction did is the server's to undo. */
static enum err lost(struct req *rq, const char *why)
{
    enum err e = fail(rq, ERR_UNAVAILABLE, "database: %s: %s", why, PQerrorMessage(rq->db->conn));
    disconnect(rq->db);
    return e;
}

static enum err sent(struct req *rq, int is_sent, enum command command, const struct stmt *st)
{
    struct db *db = rq->db;
    assert(db->waiting_count < WAITING_MAX);
    if (is_sent != 1)
        return lost(rq, "send");
    db->waiting[db->waiting_count++] = (struct waiting){command, st};
    return OK;
}

static enum err send_text(struct req *rq, const char *sql, enum command command)
{
    return sent(rq, PQsendQueryParams(rq->db->conn, sql, 0, NULL, NULL, NULL, NULL, 0), command,
                NULL);
}

static enum err send_begin(struct req *rq)
{
    if (!rq->db->is_begin_due)
        return OK;
    TRY(send_text(rq, "BEGIN", COMMAND_BEGIN));
    rq->db->is_begin_due = false;
    rq->db->is_open = true;
    return OK;
}

static enum err send_stmt(struct req *rq, const struct stmt *st, struct params p,
                          enum command command)
{
    struct db *db = rq->db;
    /* In a transaction the connection must be the one it began on. */
    if (rq->in_tx && (db->is_broken || (db->conn == NULL && !db->is_begin_due)))
        return fail(rq, ERR_UNAVAILABLE, "database: the transaction's connection is gone");
    TRY(connected(rq));
    TRY(send_begin(rq));
    if (!db->prepared[st->index]) {
        TRY(sent(rq, PQsendPrepare(db->conn, st->name, st->sql, 0, NULL), COMMAND_PREPARE, st));
        db->prepared[st->index] = true;
    }
    struct db_values v;
    db_values_fill(&rq->arena, p, &v);
    return sent(rq, PQsendQueryPrepared(db->conn, st->name, v.n, v.text, v.length, v.format, 0),
                command, st);
}

static enum err constraint_error(const struct db *db, const PGresult *res)
{
    const char *name = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
    const struct db_constraint *c = db->settings->constraints;
    for (; name != NULL && c != NULL && c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c->err;
    return ERR_INTERNAL;
}

/* What a failed command means, by SQLSTATE (PostgreSQL manual, appendix A). */
static enum err state_error(struct req *rq, const struct waiting *w, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (state == NULL)
        state = "";
    enum err e = ERR_INTERNAL;
    if (strncmp(state, "23", 2) == 0)
        e = constraint_error(rq->db, res);
    else if (strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0 ||
             strncmp(state, "53", 2) == 0)
        e = ERR_UNAVAILABLE;
    else if (strcmp(state, "57014") == 0)
        e = ERR_TIMEOUT;
    rq->db->may_retry = strcmp(state, "40P01") == 0 || strcmp(state, "40001") == 0;
    return fail(rq, rq->db->may_retry ? ERR_UNAVAILABLE : e, "%s: %s %s",
                w->st != NULL ? w->st->name : "transaction", state,
                PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
}

/* The next result within the deadline; *ret is NULL where libpq says "end of this command". */
static enum err next_result(struct req *rq, int64_t deadline_us, PGresult **ret)
{
    PGconn *conn = rq->db->conn;
    for (;;) {
        int flushed = PQflush(conn);
        if (flushed < 0 || PQconsumeInput(conn) != 1)
            return lost(rq, "connection");
        if (!PQisBusy(conn))
            break;
        if (!wait_socket(conn, flushed == 1 ? POLLIN | POLLOUT : POLLIN, deadline_us)) {
            (void)lost(rq, "deadline");
            return fail(rq, ERR_TIMEOUT, "database: no answer within the deadline");
        }
    }
    *ret = PQgetResult(conn);
    return OK;
}

static bool is_good(ExecStatusType status)
{
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* Reads the result of one waiting command. The first failure of the batch is kept in *first. */
static enum err settle_one(struct req *rq, const struct waiting *w, int64_t deadline_us,
                           PGresult **ret_main, enum err *first)
{
    auto_result PGresult *res = NULL;
    TRY(next_result(rq, deadline_us, &res));
    if (res == NULL)
        return lost(rq, "no result");
    ExecStatusType status = PQresultStatus(res);
    if (!is_good(status)) {
        if (w->command == COMMAND_PREPARE)
            rq->db->prepared[w->st->index] = false;
        if (*first == OK && status != PGRES_PIPELINE_ABORTED)
            *first = state_error(rq, w, res);
    } else if (w->command == COMMAND_MAIN || w->command == COMMAND_END) {
        *ret_main = res;
        res = NULL;
    }
    PGresult *end = NULL;
    TRY(next_result(rq, deadline_us, &end));
    if (end != NULL) {
        PQclear(end);
        return lost(rq, "more than one result");
    }
    return OK;
}

static enum err settle_sync(struct req *rq, int64_t deadline_us)
{
    auto_result PGresult *res = NULL;
    TRY(next_result(rq, deadline_us, &res));
    if (res == NULL || PQresultStatus(res) != PGRES_PIPELINE_SYNC)
        return lost(rq, "no sync");
    return OK;
}

/* Sends a sync and reads everything that waits. *ret_main is the result of the last MAIN or END. */
static enum err settle(struct req *rq, PGresult **ret_main)
{
    struct db *db = rq->db;
    int64_t deadline_us = deadline_of(rq);
    int64_t began_us = mono_us();
    enum err first = OK;
    enum err e = OK;
    if (PQpipelineSync(db->conn) != 1)
        return lost(rq, "sync");
    for (int i = 0; e == OK && i < db->waiting_count; i++)
        e = settle_one(rq, &db->waiting[i], deadline_us, ret_main, &first);
    if (e == OK)
        e = settle_sync(rq, deadline_us);
    db->waiting_count = 0;
    if (e == OK && PQstatus(db->conn) != CONNECTION_OK)
        e = lost(rq, "closed");
    if (e == OK)
        e = first;
    if (db->settings->observe != NULL)
        db->settings->observe(db->settings->observe_arg, mono_us() - began_us, e);
    return e;
}

static enum err run(struct req *rq, const struct stmt *st, struct params p, PGresult **ret)
{
    rq->db->may_retry = false;
    TRY(send_stmt(rq, st, p, COMMAND_MAIN));
    PGresult *res = NULL;
    enum err e = settle(rq, &res);
    if (e == OK && res == NULL)
        e = fail(rq, ERR_INTERNAL, "%s: no result", st->name);
    if (e != OK) {
        PQclear(res);
        return e;
    }
    *ret = res;
    return OK;
}

static const struct db_plan *plan_of(struct db *db, const struct stmt *st, const struct shape *sh,
                                     const PGresult *res)
{
    struct db_plan *plan = &db->plans[st->index];
    if (plan->shape != sh)
        db_plan_make(sh, res, plan);
    return plan;
}

enum err db_one(struct req *rq, const struct stmt *st, struct params p, const struct shape *sh,
                void *ret_row, enum err none)
{
    auto_result PGresult *res = NULL;
    TRY(run(rq, st, p, &res));
    if (PQntuples(res) == 0)
        return none;
    void *row = arena_alloc(&rq->arena, sh->size);
    if (!db_row_fill(&rq->arena, plan_of(rq->db, st, sh, res), res, 0, row))
        return fail(rq, ERR_INTERNAL, "%s: a column does not fit %s", st->name, sh->name);
    memcpy(ret_row, row, sh->size);
    return OK;
}

enum err db_many(struct req *rq, const struct stmt *st, struct params p, const struct shape *sh,
                 struct list *ret_rows)
{
    auto_result PGresult *res = NULL;
    TRY(run(rq, st, p, &res));
    int n = PQntuples(res);
    const struct db_plan *plan = plan_of(rq->db, st, sh, res);
    char *rows = arena_alloc_n(&rq->arena, (size_t)n + 1, sh->size);
    for (int i = 0; i < n; i++)
        if (!db_row_fill(&rq->arena, plan, res, i, rows + (size_t)i * sh->size))
            return fail(rq, ERR_INTERNAL, "%s: a column does not fit %s", st->name, sh->name);
    *ret_rows = (struct list){rows, (size_t)n};
    return OK;
}

enum err db_exec(struct req *rq, const struct stmt *st, struct params p, int *ret_changed)
{
    auto_result PGresult *res = NULL;
    TRY(run(rq, st, p, &res));
    if (ret_changed != NULL)
        *ret_changed = (int)strtol(PQcmdTuples(res), NULL, 10);
    return OK;
}

enum err db_scalar(struct req *rq, const struct stmt *st, struct params p, int64_t *ret_value,
                   enum err none)
{
    auto_result PGresult *res = NULL;
    TRY(run(rq, st, p, &res));
    if (PQntuples(res) == 0)
        return none;
    const char *text = PQgetvalue(res, 0, 0);
    if (PQgetisnull(res, 0, 0))
        *ret_value = FIELD_NO_INT;
    else
        *ret_value = text[0] == 't' ? 1 : strtoll(text, NULL, 10);
    return OK;
}

enum err db_text(struct req *rq, const struct stmt *st, struct params p, const char **ret_text,
                 enum err none)
{
    auto_result PGresult *res = NULL;
    TRY(run(rq, st, p, &res));
    if (PQntuples(res) == 0)
        return none;
    if (PQgetisnull(res, 0, 0))
        *ret_text = NULL;
    else
        *ret_text = arena_strdup(&rq->arena, PQgetvalue(res, 0, 0));
    return OK;
}

void db_later(struct req *rq, const struct stmt *st, struct params p)
{
    assert(rq->in_tx);
    if (send_stmt(rq, st, p, COMMAND_LATER) != OK)
        rq->db->is_broken = true;
}

void db_begin(struct req *rq)
{
    assert(!rq->in_tx);
    rq->in_tx = true;
    rq->db->may_retry = false;
    rq->db->is_broken = false;
    rq->db->is_begin_due = true;
}

/* On failure the caller rolls back: the transaction is still open as far as we know. */
enum err db_commit(struct req *rq)
{
    struct db *db = rq->db;
    assert(rq->in_tx);
    if (db->is_broken || (db->conn == NULL && !db->is_begin_due))
        return fail(rq, ERR_UNAVAILABLE, "database: the transaction's connection is gone");
    if (db->is_begin_due) {
        db->is_begin_due = false;
        rq->in_tx = false;
        return OK;
    }
    TRY(send_text(rq, "COMMIT", COMMAND_END));
    auto_result PGresult *res = NULL;
    TRY(settle(rq, &res));
    rq->in_tx = false;
    db->is_open = false;
    /* COMMIT of a transaction that had met an error answers ROLLBACK. */
    if (res == NULL || strcmp(PQcmdStatus(res), "COMMIT") != 0)
        return fail(rq, ERR_INTERNAL, "database: the transaction was rolled back");
    return OK;
}

void db_rollback(struct req *rq)
{
    struct db *db = rq->db;
    rq->in_tx = false;
    db->is_begin_due = false;
    bool may_retry = db->may_retry;
    if (db->conn != NULL && db->is_open) {
        const char *detail = rq->detail; /* the first reason is the one worth keeping */
        PGresult *res = NULL;
        /* Whatever still waits may fail and would swallow a ROLLBACK sent along with it. */
        enum err e = db->waiting_count > 0 ? settle(rq, &res) : OK;
        PQclear(res);
        res = NULL;
        if (db->conn != NULL && send_text(rq, "ROLLBACK", COMMAND_END) == OK)
            e = settle(rq, &res);
        PQclear(res);
        if (e != OK && db->conn != NULL)
            disconnect(db);
        rq->detail = detail;
    }
    db->is_open = false;
    db->may_retry = may_retry;
}

bool db_may_retry(const struct req *rq)
{
    return rq->db->may_retry;
}

STMT(db_ping_one, "SELECT 1");

enum err db_ping(struct db *db, int timeout_ms)
{
    struct req rq = {.db = db, .deadline_us = mono_us() + timeout_ms * INT64_C(1000)};
    db->retry_us = 0;
    enum err e = db_exec(&rq, &db_ping_one, NO_PARAMS, NULL);
    arena_release(&rq.arena);
    return e;
}
