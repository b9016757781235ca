/* SPDX-License-Identifier: MIT
 *
 * Walks a service's tables. Each check prints the row it is about before it fails.
 */
#include "tests/walk.h"

#include <string.h>

#include "shared/base/buf.h"
#include "shared/service/contract.h"
#include "tests/kit.h"
#include "tests/test.h"

#define CHECK_ROW(what, condition)         \
    do {                                   \
        if (!CHECK(condition))             \
            printf("    in %s\n", (what)); \
    } while (0)

/* ---- shapes ---- */

static bool is_earlier_name(const struct shape *sh, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(sh->fields[i].name, sh->fields[at].name) == 0)
            return true;
    return false;
}

static void walk_shape(const struct shape *sh)
{
    for (size_t i = 0; i < sh->count; i++) {
        const struct field *f = &sh->fields[i];
        const char *what = kit_f("%s.%s", sh->name, f->name);
        bool is_nested = f->kind == FIELD_OBJ || f->kind == FIELD_LIST;
        CHECK_ROW(what, !is_earlier_name(sh, i));
        CHECK_ROW(what, f->lo <= f->hi);
        CHECK_ROW(what, f->offset < sh->size);
        CHECK_ROW(what, is_nested == (f->sub != NULL));
        CHECK_ROW(what, (f->kind == FIELD_ENUM) == (f->words != NULL));
    }
}

/* Everything a client controls has a limit. */
static void walk_input(const struct shape *sh)
{
    for (size_t i = 0; i < sh->count; i++) {
        const struct field *f = &sh->fields[i];
        bool is_sized = f->kind == FIELD_STR || f->kind == FIELD_LIST || f->kind == FIELD_IDS ||
                        f->kind == FIELD_STRS || f->kind == FIELD_INT;
        const char *what = kit_f("%s.%s", sh->name, f->name);
        CHECK_ROW(what, !is_sized || f->hi != 0 || f->lo != 0);
    }
}

/* ---- rows ---- */

static bool has_id(const struct shape *sh, const char *name)
{
    const struct field *f = shape_field(sh, name);
    return f != NULL && f->kind == FIELD_ID;
}

static void walk_path(const struct rpc *r)
{
    for (const char *at = strchr(r->path, '{'); at != NULL; at = strchr(at + 1, '{')) {
        const char *name = kit_f("%.*s", (int)strcspn(at + 1, "}"), at + 1);
        CHECK_ROW(r->subject, shape_field(r->input, name) != NULL);
    }
}

static void walk_rest_face(const struct rpc *r)
{
    bool is_get = strcmp(r->method, "GET") == 0;
    bool is_writing = r->mode == MODE_WRITE || r->mode == MODE_SECRET || r->mode == MODE_BATCH;
    CHECK_ROW(r->subject, r->path[0] == '/');
    CHECK_ROW(r->subject, !is_get || !is_writing);
    CHECK_ROW(r->subject, r->rate != RATE_NONE);
    CHECK_ROW(r->subject, r->guard != GUARD_SERVICE);
    CHECK_ROW(r->subject,
              r->mode == MODE_RAW || (r->status == 204) == (r->output == OUTPUT_NOTHING));
    if (r->input != NULL)
        walk_path(r);
}

static void walk_row(const struct service *s, const struct rpc *r)
{
    size_t len = strlen(s->subject);
    CHECK_ROW(r->subject, strncmp(r->subject, s->subject, len) == 0 && r->subject[len] == '.');
    CHECK_ROW(r->subject, r->text != NULL && r->text[0] != '\0');
    if (r->method != NULL)
        walk_rest_face(r);
    if (r->mode == MODE_RAW)
        return;
    CHECK_ROW(r->subject, r->mode == MODE_BATCH ? r->batch != NULL : r->call != NULL);
    CHECK_ROW(r->subject, (r->output == OUTPUT_NOTHING) == (r->entity == NULL));
    CHECK_ROW(r->subject, r->guard != GUARD_SERVER || has_id(r->input, "server_id"));
    CHECK_ROW(r->subject, r->guard != GUARD_CHANNEL || has_id(r->input, "channel_id"));
    walk_shape(r->input);
    if (r->method != NULL)
        walk_input(r->input);
    if (r->entity != NULL)
        walk_shape(r->entity);
}

static bool is_same_door(const struct rpc *a, const struct rpc *b)
{
    /* A RAW row and the RPC row its code asks first share a subject. */
    if (strcmp(a->subject, b->subject) == 0)
        return (a->mode == MODE_RAW) == (b->mode == MODE_RAW);
    return a->method != NULL && b->method != NULL && strcmp(a->method, b->method) == 0 &&
           strcmp(a->path, b->path) == 0;
}

static void walk_doubles(const struct rpc_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; k < i; k++)
            CHECK_ROW(t->rows[i].subject, !is_same_door(&t->rows[i], &t->rows[k]));
}

/* ---- events ---- */

static void walk_event(enum event_id ev, const struct shape *sh)
{
    const struct event_type *type = &event_types[ev];
    bool is_of_server = strncmp(type->name, "server.", 7) == 0;
    bool has_server = has_id(sh, "server_id") || (is_of_server && has_id(sh, "id"));
    walk_shape(sh);
    CHECK_ROW(type->name, type->audience != AUDIENCE_CHANNEL || has_id(sh, "channel_id"));
    CHECK_ROW(type->name, type->audience != AUDIENCE_CHANNEL || has_id(sh, "server_id"));
    CHECK_ROW(type->name, type->audience != AUDIENCE_SERVER || has_server);
    CHECK_ROW(type->name, type->effect != EFFECT_MEMBER || has_id(sh, "user_id"));
}

void walk_contract(const struct service *s, const char *public_subjects)
{
    auto_buf struct buf found = {0};
    if (!kit_use(s, NULL))
        return;
    for (size_t i = 0; i < s->api->count; i++) {
        const struct rpc *r = &s->api->rows[i];
        walk_row(s, r);
        if (r->guard == GUARD_PUBLIC)
            buf_printf(&found, "%s%s", found.len > 0 ? " " : "", r->subject);
    }
    CHECK_STR(buf_str(&found), public_subjects);
    walk_doubles(s->api);
    for (size_t i = 0; i < EVENT_COUNT; i++)
        if (event_payload((enum event_id)i) != NULL)
            walk_event((enum event_id)i, event_payload((enum event_id)i));
}

/* ---- the database ---- */

/* Of the plan it always gets, whatever its parameters: it is one for all, and no table is small. */
static bool has_index(size_t i)
{
    const char *nulls = kit_sql("SELECT coalesce('(' || nullif(concat_ws(',', VARIADIC"
                                " array_fill('NULL'::text, ARRAY[cardinality(parameter_types)])),"
                                " '') || ')', '')"
                                " FROM pg_prepared_statements WHERE name = 'walk_%zu'",
                                i);
    const char *plan = kit_sql("EXPLAIN (FORMAT JSON) EXECUTE walk_%zu%s", i, kit_f("%s", nulls));
    return strstr(plan, "\"Seq Scan\"") == NULL;
}

static bool is_word_of(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

void walk_statements(const struct service *s, const char *scanning)
{
    if (!kit_use(s, NULL))
        return;
    kit_sql("SET enable_seqscan = off");
    kit_sql("SET plan_cache_mode = force_generic_plan"); /* of NULLs nothing would be looked for */
    for (size_t i = 0; i < stmt_count(); i++) {
        kit_sql("PREPARE walk_%zu AS %s", i, stmt_at(i)->sql);
        CHECK_ROW(stmt_at(i)->name, has_index(i) != is_word_of(scanning, stmt_at(i)->name));
    }
    kit_sql("DEALLOCATE ALL");
    kit_sql("RESET plan_cache_mode");
    kit_sql("RESET enable_seqscan");
}

/* ---- strangers ---- */

static bool is_refused(enum err e)
{
    int status = err_status(e);
    return e != OK && (status == 401 || status == 403 || status == 404);
}

static const char *params_of(const struct rpc *r, snowflake nowhere)
{
    const char *place = r->guard == GUARD_SERVER ? "server_id" : "channel_id";
    if (r->guard != GUARD_SERVER && r->guard != GUARD_CHANNEL)
        return NULL;
    return kit_f("{\"%s\":\"%llu\"}", place, (unsigned long long)nowhere);
}

void walk_strangers(const struct service *s, void *state)
{
    if (!kit_use(s, state))
        return;
    snowflake stranger = snowflake_next();
    for (size_t i = 0; i < s->api->count; i++) {
        const struct rpc *r = &s->api->rows[i];
        if (r->mode == MODE_RAW || r->guard == GUARD_PUBLIC || r->guard == GUARD_SERVICE)
            continue;
        CHECK_ROW(r->subject, kit_call(0, r->subject, NULL, NULL) == ERR_UNAUTHORIZED);
        if (r->guard == GUARD_USER)
            continue;
        enum err e = kit_call(stranger, r->subject, params_of(r, snowflake_next()), NULL);
        CHECK_ROW(r->subject, is_refused(e));
    }
}
