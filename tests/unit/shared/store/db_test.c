/* SPDX-License-Identifier: MIT */
/* Against a real PostgreSQL. Each test has a connection of its own and keeps its rows in a
 * temporary table, so that tests cannot see each other. */

#include "shared/store/db.h"

#include <string.h>

#include "shared/base/clock.h"
#include "tests/test.h"
#include "tests/unit/shared/store/world.h"

STMT(t_make, "CREATE TEMP TABLE thing (id bigint CONSTRAINT thing_key PRIMARY KEY, name text,"
             " size bigint, is_red boolean, at timestamptz, tags bigint[], parts json, owner json)");
STMT(t_insert, "INSERT INTO thing (id, name, size, is_red, at, tags)"
               " VALUES ($1, $2, $3, $4, $5, $6)");
STMT(t_one, "SELECT * FROM thing WHERE id = $1");
STMT(t_all, "SELECT * FROM thing ORDER BY id");
STMT(t_count, "SELECT count(*) FROM thing");
STMT(t_nest, "UPDATE thing SET owner = '{\"id\":\"7\",\"name\":\"seven\"}',"
             " parts = '[{\"id\":\"1\",\"name\":\"one\"},{\"id\":\"2\",\"name\":\"two\"}]'");
STMT(t_point, "INSERT INTO thing (id, size) VALUES ($1, $2)");
STMT(t_beside, "SELECT t.id, o.id AS \"owner.id\", o.name AS \"owner.name\","
               "       o.id AS \"owner.best.id\", NULL AS \"owner.best.name\""
               "  FROM thing t LEFT JOIN thing o ON o.id = t.size ORDER BY t.id");
STMT(t_many, "INSERT INTO thing (id, name)"
             " SELECT * FROM unnest($1::bigint[], $2::text[])");
STMT(t_sleep, "SELECT pg_sleep(5)");
STMT(t_divide, "SELECT 1 / $1::bigint");
STMT(t_pid, "SELECT pg_backend_pid()");
STMT(t_kill, "SELECT pg_terminate_backend($1::int)");
STMT(t_alive, "SELECT count(*) FROM pg_stat_activity WHERE pid = $1");
STMT(t_kill_and_wait, "SELECT pg_terminate_backend($1::int, 5000)");

struct part {
    snowflake id;
    const char *name;
};
static const struct field part_fields[] = {
    F_ID(part, id),
    F_STR(part, name),
};
static SHAPE(part);

struct thing {
    snowflake id;
    const char *name;
    int64_t size;
    bool is_red;
    int64_t at;
    struct list tags;
    struct list parts;
    struct part *owner;
};
static const struct field thing_fields[] = {
    F_ID(thing, id),
    F_STR(thing, name, NULLABLE),
    F_INT(thing, size, NULLABLE),
    F_BOOL(thing, is_red),
    F_TIME(thing, at),
    F_IDS(thing, tags),
    F_LIST(thing, parts, part),
    F_OBJ(thing, owner, part),
};
static SHAPE(thing);

static void make(struct world *w)
{
    world_open(w);
    CHECK_INT(db_exec(&w->rq, &t_make, NO_PARAMS, NULL), OK);
}

static enum err insert(struct req *rq, snowflake id)
{
    snowflake tags[] = {3, 5};
    return db_exec(
        rq, &t_insert,
        PARAMS(P(id), P("it's \"red\""), P(-9), P(true), P_TIME(1234567), P_IDS(tags, 2)), NULL);
}

static int64_t count(struct req *rq)
{
    int64_t n = -1;
    CHECK_INT(db_scalar(rq, &t_count, NO_PARAMS, &n, ERR_INTERNAL), OK);
    return n;
}

TEST(a_row_fills_the_struct_of_its_shape)
{
    struct world w;
    make(&w);
    CHECK_INT(insert(&w.rq, 41), OK);
    CHECK_INT(db_exec(&w.rq, &t_nest, NO_PARAMS, NULL), OK);
    struct thing t = {0};
    CHECK_INT(db_one(&w.rq, &t_one, PARAMS(P((snowflake)41)), &thing_shape, &t, ERR_INTERNAL), OK);
    CHECK_INT(t.id, 41);
    CHECK_STR(t.name, "it's \"red\"");
    CHECK_INT(t.size, -9);
    CHECK(t.is_red);
    CHECK_INT(t.at, 1234567);
    CHECK_INT(t.tags.count, 2);
    CHECK_INT(*LIST_AT(&t.tags, snowflake, 1), 5);
    CHECK_INT(t.parts.count, 2);
    CHECK_STR(LIST_AT(&t.parts, struct part, 1)->name, "two");
    CHECK(t.owner != NULL && t.owner->id == 7);
    world_close(&w);
}

struct owner {
    snowflake id;
    const char *name;
    struct part *best;
};
static const struct field owner_fields[] = {
    F_ID(owner, id),
    F_STR(owner, name),
    F_OBJ(owner, best, part),
};
static SHAPE(owner);

struct owned {
    snowflake id;
    struct owner *owner;
};
static const struct field owned_fields[] = {
    F_ID(owned, id),
    F_OBJ(owned, owner, owner),
};
static SHAPE(owned);

TEST(an_object_may_come_as_columns_named_after_its_fields)
{
    struct world w;
    struct list rows;
    make(&w);
    CHECK_INT(insert(&w.rq, 1), OK);
    CHECK_INT(db_exec(&w.rq, &t_point, PARAMS(P(2), P(1)), NULL), OK);
    CHECK_INT(db_many(&w.rq, &t_beside, NO_PARAMS, &owned_shape, &rows), OK);
    CHECK_INT(rows.count, 2);
    CHECK(LIST_AT(&rows, struct owned, 0)->owner == NULL);
    const struct owner *o = LIST_AT(&rows, struct owned, 1)->owner;
    if (!CHECK(o != NULL && o->best != NULL))
        return;
    CHECK(o->id == 1 && o->best->id == 1);
    CHECK_STR(o->name, "it's \"red\"");
    CHECK(o->best->name == NULL);
    world_close(&w);
}

TEST(null_columns_are_null_and_a_missing_row_is_the_callers_error)
{
    struct world w;
    make(&w);
    CHECK_INT(db_exec(&w.rq, &t_insert, PARAMS(P(1), P_NULL, P_NULL, P_NULL, P_NULL, P_NULL), NULL),
              OK);
    struct thing t = {0};
    CHECK_INT(db_one(&w.rq, &t_one, PARAMS(P(1)), &thing_shape, &t, ERR_UNKNOWN_ROLE), OK);
    CHECK(t.name == NULL && t.size == FIELD_NO_INT && t.at == 0 && t.owner == NULL);
    CHECK_INT(db_one(&w.rq, &t_one, PARAMS(P(2)), &thing_shape, &t, ERR_UNKNOWN_ROLE),
              ERR_UNKNOWN_ROLE);
    CHECK_INT(t.id, 1);
    world_close(&w);
}

TEST(arrays_carry_quotes_backslashes_and_nulls)
{
    struct world w;
    make(&w);
    snowflake ids[] = {1, 2, 3};
    const char *names[] = {"a\"b\\c", NULL, "{,}"};
    int changed = 0;
    CHECK_INT(db_exec(&w.rq, &t_many, PARAMS(P_IDS(ids, 3), P_STRS(names, 3)), &changed), OK);
    CHECK_INT(changed, 3);
    struct list rows;
    CHECK_INT(db_many(&w.rq, &t_all, NO_PARAMS, &thing_shape, &rows), OK);
    CHECK_INT(rows.count, 3);
    CHECK_STR(LIST_AT(&rows, struct thing, 0)->name, "a\"b\\c");
    CHECK(LIST_AT(&rows, struct thing, 1)->name == NULL);
    CHECK_STR(LIST_AT(&rows, struct thing, 2)->name, "{,}");
    world_close(&w);
}

TEST(a_constraint_is_the_error_its_table_names)
{
    struct world w;
    make(&w);
    CHECK_INT(insert(&w.rq, 1), OK);
    CHECK_INT(insert(&w.rq, 1), ERR_CONFLICT);
    CHECK_INT(count(&w.rq), 1);
    world_close(&w);
}

TEST(a_transaction_is_all_or_nothing)
{
    struct world w;
    make(&w);
    db_begin(&w.rq);
    CHECK_INT(insert(&w.rq, 1), OK);
    CHECK_INT(insert(&w.rq, 2), OK);
    db_rollback(&w.rq);
    CHECK_INT(count(&w.rq), 0);
    db_begin(&w.rq);
    CHECK_INT(insert(&w.rq, 1), OK);
    CHECK_INT(db_commit(&w.rq), OK);
    CHECK(!w.rq.in_tx);
    CHECK_INT(count(&w.rq), 1);
    world_close(&w);
}

TEST(a_failed_statement_spoils_its_transaction_only)
{
    struct world w;
    make(&w);
    db_begin(&w.rq);
    CHECK_INT(insert(&w.rq, 1), OK);
    CHECK_INT(db_exec(&w.rq, &t_divide, PARAMS(P(0)), NULL), ERR_INTERNAL);
    CHECK(insert(&w.rq, 2) != OK);
    db_rollback(&w.rq);
    CHECK_INT(count(&w.rq), 0);
    CHECK_INT(insert(&w.rq, 3), OK);
    world_close(&w);
}

TEST(what_is_sent_later_is_committed_and_its_failure_shows_at_commit)
{
    struct world w;
    make(&w);
    db_begin(&w.rq);
    CHECK_INT(insert(&w.rq, 1), OK);
    db_later(&w.rq, &t_insert, PARAMS(P(2), P("b"), P_NULL, P_NULL, P_NULL, P_NULL));
    CHECK_INT(db_commit(&w.rq), OK);
    CHECK_INT(count(&w.rq), 2);
    db_begin(&w.rq);
    CHECK_INT(insert(&w.rq, 3), OK);
    db_later(&w.rq, &t_insert, PARAMS(P(1), P("again"), P_NULL, P_NULL, P_NULL, P_NULL));
    CHECK_INT(db_commit(&w.rq), ERR_CONFLICT);
    db_rollback(&w.rq);
    CHECK_INT(count(&w.rq), 2);
    world_close(&w);
}

TEST(a_transaction_that_is_only_later_statements_commits_them)
{
    struct world w;
    make(&w);
    db_begin(&w.rq);
    db_later(&w.rq, &t_insert, PARAMS(P(2), P("b"), P_NULL, P_NULL, P_NULL, P_NULL));
    CHECK_INT(db_commit(&w.rq), OK);
    CHECK_INT(count(&w.rq), 1);
    db_begin(&w.rq);
    CHECK_INT(db_commit(&w.rq), OK);
    world_close(&w);
}

TEST(waiting_ends_at_the_deadline)
{
    struct world w;
    make(&w);
    int64_t began_us = mono_us();
    w.rq.deadline_us = began_us + 150000;
    CHECK_INT(db_exec(&w.rq, &t_sleep, NO_PARAMS, NULL), ERR_TIMEOUT);
    CHECK(mono_us() - began_us < 2000000);
    w.rq.deadline_us = 0;
    CHECK_INT(db_exec(&w.rq, &t_pid, NO_PARAMS, NULL), OK);
    world_close(&w);
}

static void wait_ended(struct world *w, int64_t pid)
{
    int64_t left = 1;
    int64_t until_us = mono_us() + 5000000;
    while (left > 0 && mono_us() < until_us)
        CHECK_INT(db_scalar(&w->rq, &t_alive, PARAMS(P(pid)), &left, ERR_INTERNAL), OK);
    CHECK_INT(left, 0);
}

TEST(a_connection_killed_while_idle_is_replaced_unnoticed)
{
    struct world w, other;
    make(&w);
    world_open(&other);
    int64_t pid = 0;
    int64_t next = 0;
    CHECK_INT(db_scalar(&w.rq, &t_pid, NO_PARAMS, &pid, ERR_INTERNAL), OK);
    CHECK_INT(db_exec(&other.rq, &t_kill, PARAMS(P(pid)), NULL), OK);
    wait_ended(&other, pid);
    CHECK_INT(db_scalar(&w.rq, &t_pid, NO_PARAMS, &next, ERR_INTERNAL), OK);
    CHECK(next != pid);
    world_close(&other);
    world_close(&w);
}

TEST(a_connection_lost_inside_a_transaction_fails_all_of_it)
{
    struct world w, other;
    make(&w);
    world_open(&other);
    int64_t pid = 0;
    db_begin(&w.rq);
    CHECK_INT(db_scalar(&w.rq, &t_pid, NO_PARAMS, &pid, ERR_INTERNAL), OK);
    CHECK_INT(db_exec(&other.rq, &t_kill, PARAMS(P(pid)), NULL), OK);
    CHECK_INT(db_exec(&w.rq, &t_pid, NO_PARAMS, NULL), ERR_UNAVAILABLE);
    CHECK_INT(db_exec(&w.rq, &t_pid, NO_PARAMS, NULL), ERR_UNAVAILABLE);
    CHECK(db_commit(&w.rq) != OK);
    db_rollback(&w.rq);
    CHECK_INT(db_exec(&w.rq, &t_pid, NO_PARAMS, NULL), OK);
    world_close(&other);
    world_close(&w);
}

TEST(a_database_that_is_not_there_is_unavailable_at_once)
{
    struct db_settings nowhere = {.url = "host=/nonexistent dbname=x", .name = "test"};
    struct db *db = db_new(&nowhere);
    int64_t began_us = mono_us();
    CHECK_INT(db_ping(db, 1000), ERR_UNAVAILABLE);
    CHECK(mono_us() - began_us < 900000);
    db_free(db);
}
