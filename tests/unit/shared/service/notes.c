/* SPDX-License-Identifier: MIT
 *
 * The test service. It keeps its rows in the public schema of the test database; that is what the
 * role of these tests finds without a schema of its own.
 */
#include "tests/unit/shared/service/notes.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/wire/event.h"
#include "tests/kit.h"

#define API_DEF "tests/unit/shared/service/notes.def"
#include "shared/service/api_prototypes.h"
#undef API_DEF

extern const struct rpc_table notes_api;

enum { CLEAR_MS = 20, PEOPLE = 1000 /* ids below are of members, not of channels */ };

STMT(note_insert, "INSERT INTO notes (id, channel_id, author_id, text) VALUES ($1, $2, $3, $4)");
STMT(note_insert_many, "INSERT INTO notes (id, channel_id, author_id, text)"
                       " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])");
STMT(note_of_channel, "SELECT id, channel_id, text FROM notes WHERE channel_id = $1 ORDER BY id");
STMT(note_delete, "DELETE FROM notes WHERE channel_id = $1");
/* Fails with a serialization error the first time a channel sees it: a sequence outlives the
 * transaction that failed. */
STMT(note_conflict, "SELECT notes_conflict_once($1)");

struct note {
    snowflake id;
    snowflake channel_id;
    snowflake server_id;
    const char *text;
};
static const struct field note_fields[] = {
    F_ID(note, id),
    F_ID(note, channel_id),
    F_ID(note, server_id),
    F_STR(note, text),
};
SHAPE(note);

struct note_args {
    snowflake channel_id;
    const char *text;
};
static const struct field note_args_fields[] = {
    F_ID(note_args, channel_id),
    F_STR(note_args, text, RANGE(1, 20)),
};
SHAPE(note_args);

struct note_list_args {
    snowflake channel_id;
};
static const struct field note_list_args_fields[] = {
    F_ID(note_list_args, channel_id),
};
SHAPE(note_list_args);

static void tell(struct req *rq, const struct note *n)
{
    struct event_to to = {.server = n->server_id, .channel = n->channel_id};
    emit(rq, EV_MESSAGE_CREATE, to, &note_shape, n);
}

static bool says(const struct note_args *in, const char *word)
{
    return strcmp(in->text, word) == 0;
}

enum err note_create(struct req *rq, const struct note_args *in)
{
    struct note n = {snowflake_next(), in->channel_id, 1, in->text};
    int64_t unused;
    TRY(db_exec(rq, &note_insert, PARAMS(P(n.id), P(n.channel_id), P(rq->actor), P(n.text)), NULL));
    tell(rq, &n);
    if (says(in, "retry"))
        TRY(db_scalar(rq, &note_conflict, PARAMS(P(n.channel_id)), &unused, ERR_INTERNAL));
    if (says(in, "fail"))
        return fail(rq, ERR_MAX_PINS, "it was asked to");
    if (says(in, "refuse"))
        return refuse(rq, ERR_REFRESH_REUSED);
    return reply(rq, &note_shape, &n);
}

enum err key_create(struct req *rq, const struct note_args *in)
{
    return note_create(rq, in);
}

enum err note_list(struct req *rq, const struct note_list_args *in)
{
    struct list notes;
    TRY(db_many(rq, &note_of_channel, PARAMS(P(in->channel_id)), &note_shape, &notes));
    return reply_list(rq, &note_shape, &notes);
}

enum err note_clear(struct req *rq, const struct note_list_args *in)
{
    struct timespec pause = {.tv_nsec = CLEAR_MS * 1000000L};
    nanosleep(&pause, NULL);
    return db_exec(rq, &note_delete, PARAMS(P(in->channel_id)), NULL);
}

enum err door_get(struct req *rq UNUSED, const struct no_args *in UNUSED)
{
    return OK;
}

enum err office_get(struct req *rq UNUSED, const struct no_args *in UNUSED)
{
    return OK;
}

enum err note_typing(struct req *rq, const struct note_args *in)
{
    struct note n = {1, in->channel_id, 1, in->text};
    struct event_to to = {.server = 1, .channel = in->channel_id};
    emit(rq, EV_TYPING_START, to, &note_shape, &n);
    return OK;
}

/* "fail" is one request's own error, "break" one that breaks the statement for all of them. */
enum err line_create(struct req *rq, struct req **rqs, const struct note_args *const *ins,
                     enum err *errs, size_t n)
{
    snowflake *ids = arena_new_n(&rq->arena, snowflake, n);
    snowflake *channels = arena_new_n(&rq->arena, snowflake, n);
    snowflake *authors = arena_new_n(&rq->arena, snowflake, n);
    const char **texts = arena_new_n(&rq->arena, const char *, n);
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        errs[i] = says(ins[i], "fail") ? ERR_MAX_PINS : OK;
        if (errs[i] != OK)
            continue;
        struct note note = {snowflake_next(), ins[i]->channel_id, 1, ins[i]->text};
        ids[good] = note.id;
        channels[good] = note.channel_id;
        authors[good] = rqs[i]->actor;
        texts[good++] = says(ins[i], "break") ? NULL : note.text;
        tell(rqs[i], &note);
        errs[i] = reply(rqs[i], &note_shape, &note);
    }
    return db_exec(
        rq, &note_insert_many,
        PARAMS(P_IDS(ids, good), P_IDS(channels, good), P_IDS(authors, good), P_STRS(texts, good)),
        NULL);
}

static enum err see(struct req *rq, enum guard guard, snowflake where, uint64_t permission)
{
    if (guard == GUARD_USER)
        return OK;
    if (where < PEOPLE || rq->actor >= PEOPLE)
        return ERR_UNKNOWN_CHANNEL;
    return rq->actor == NOTES_SECOND_CLASS && permission != 0 ? ERR_MISSING_PERMISSIONS : OK;
}

/* Writes down what it hears, so that a test can see it, and fails on "fail". */
static enum err note_heard(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct note *n = payload;
    snowflake copy = snowflake_next();
    TRY(db_exec(rq, &note_insert, PARAMS(P(copy), P(n->channel_id + 1), P(rq->app), P(n->text)),
                NULL));
    return strcmp(n->text, "unheard") == 0 ? fail(rq, ERR_MAX_PINS, "it was asked to") : OK;
}

static const struct listen hears[] = {
    {EV_MESSAGE_CREATE, "note_heard", note_heard, &note_shape},
    {EV_TYPING_START,   "note_typed", note_heard, &note_shape},
    {EVENT_COUNT,       NULL,         NULL,       NULL       },
};

static const struct db_constraint constraints[] = {
    {"notes_pkey", ERR_CONFLICT},
    {NULL,         OK          },
};

const struct service notes_service = {
    .name = "notes",
    .subject = "notes",
    .api = &notes_api,
    .hears = hears,
    .authorise = see,
    .constraints = constraints,
    .needs = NEEDS_DB | NEEDS_IDS,
};

bool notes_open(void)
{
    if (!kit_use(&notes_service, NULL))
        return false;
    kit_sql("SELECT pg_advisory_lock(42)");
    if (kit_sql("SELECT to_regclass('public.idempotency')")[0] == '\0') {
        kit_sql("SELECT parley_frame('public')");
        kit_sql("CREATE TABLE notes (id bigint PRIMARY KEY, channel_id bigint NOT NULL,"
                " author_id bigint NOT NULL, text text NOT NULL)");
        kit_sql("CREATE SEQUENCE notes_conflicts");
        kit_sql("CREATE FUNCTION notes_conflict_once(bigint) RETURNS bigint LANGUAGE plpgsql AS $$"
                " DECLARE n bigint := nextval('notes_conflicts'); BEGIN"
                " IF n %% 2 = 1 THEN RAISE 'once' USING ERRCODE = '40001'; END IF;"
                " RETURN n; END $$");
    }
    kit_sql("SELECT pg_advisory_unlock(42)");
    return true;
}

long notes_count(snowflake channel_id)
{
    return strtol(kit_sql("SELECT count(*) FROM notes WHERE channel_id = %llu",
                          (unsigned long long)channel_id),
                  NULL, 10);
}

snowflake notes_channel(void)
{
    return snowflake_next() * 2;
}
