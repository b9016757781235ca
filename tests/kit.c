/* SPDX-License-Identifier: MIT
 *
 * The dispatcher's part for tests. Each thread has a desk: a connection, and the request of its
 * last call, kept until the next one so that a test can look at it.
 */
#include "tests/kit.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/rand.h"
#include "shared/service/idempotency.h"
#include "shared/service/rpc_private.h"
#include "shared/service/transact.h"
#include "shared/wire/json.h"
#include "tests/test.h"

enum { DEADLINE_US = 10 * 1000 * 1000, TEXTS = 16 };

struct kit_settings {
    const char *database_url;
    const char *nats_url;
    const char *redis_url;
};

static const struct conf_key kit_keys[] = {
    {"DATABASE_URL", CONF(kit_settings, database_url, STR), NULL, CONF_SECRET, "", 0, 0},
    {"NATS_URL",     CONF(kit_settings, nats_url,     STR), NULL, CONF_SECRET, "", 0, 0},
    {"REDIS_URL",    CONF(kit_settings, redis_url,    STR), NULL, CONF_SECRET, "", 0, 0},
};

/* Of the whole process; changed by kit_use and kit_guard, before a test starts threads. */
static struct {
    const struct service *service;
    void *state;
    rpc_authorise_fn *may;
    struct kit_settings settings;
    struct db_settings db;
    struct bus *bus;
    struct cache *cache;
} kit;

struct desk {
    struct db *db;
    PGconn *plain; /* for kit_sql */
    PGresult *result;
    struct caller from;
    struct req rq;
    const struct rpc *rpc;
    enum err err;
    struct req batch[KIT_BATCH_MAX];
    struct caller batch_from[KIT_BATCH_MAX];
    char *texts[TEXTS];
    unsigned next_text;
};

/* ---- desks ---- */

static pthread_key_t desk_key;

static void batch_clear(struct desk *d)
{
    for (size_t i = 0; i < KIT_BATCH_MAX; i++) {
        arena_release(&d->batch[i].arena);
        buf_done(&d->batch[i].reply);
    }
}

static void desk_free(void *arg)
{
    struct desk *d = arg;
    for (size_t i = 0; i < TEXTS; i++)
        free(d->texts[i]);
    arena_release(&d->rq.arena);
    buf_done(&d->rq.reply);
    batch_clear(d);
    db_free(d->db);
    PQclear(d->result);
    PQfinish(d->plain);
    free(d);
}

static void free_last_desk(void)
{
    struct desk *d = pthread_getspecific(desk_key);
    if (d != NULL)
        desk_free(d);
    if (kit.bus != NULL)
        bus_close(kit.bus);
    if (kit.cache != NULL)
        cache_close(kit.cache);
    free((void *)(uintptr_t)kit.db.constraints);
}

static struct desk *desk(void)
{
    struct desk *d = pthread_getspecific(desk_key);
    if (d != NULL)
        return d;
    d = heap_alloc(sizeof(*d));
    d->db = db_new(&kit.db);
    d->from =
        (struct caller){.app = 1, .request_id = "test", .locale = "en", .ip = "", .agent = ""};
    pthread_setspecific(desk_key, d);
    return d;
}

/* ---- the world ---- */

static enum err allow(struct req *rq UNUSED, enum guard guard UNUSED, snowflake where UNUSED,
                      uint64_t permission UNUSED)
{
    return OK;
}

static void open_once(void)
{
    if (!conf_load(kit_keys, ARRAY_LEN(kit_keys), &kit.settings))
        die("the settings of the tests are not usable");
    pthread_key_create(&desk_key, desk_free);
    atexit(free_last_desk);
    snowflake_set_worker((unsigned)(rand_u64() % SNOWFLAKE_WORKERS));
}

static void open_rest(const struct service *s)
{
    struct bus_settings bus = {.url = kit.settings.nats_url, .name = s->subject};
    struct cache_settings cache = {.url = kit.settings.redis_url};
    if (kit.bus == NULL && bus.url != NULL && bus_open(&bus, &kit.bus) != OK)
        die("NATS_URL cannot be used");
    if (kit.cache == NULL && cache.url != NULL && cache_open(&cache, &kit.cache) != OK)
        die("REDIS_URL cannot be used");
}

/* Threads of one test choose the same: only the first of them changes anything. */
static void choose(const struct service *s, void *state)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    rpc_authorise_fn *may = s->authorise != NULL ? s->authorise : allow;
    if (kit.db.constraints == NULL)
        kit.db = (struct db_settings){
            .url = kit.settings.database_url,
            .name = "test",
            .constraints = key_constraints(s->constraints),
        };
    open_rest(s);
    if (kit.service != s || kit.state != state || kit.may != may) {
        kit.service = s;
        kit.state = state;
        kit.may = may;
    }
    pthread_mutex_unlock(&lock);
}

bool kit_use(const struct service *s, void *state)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    if (kit.settings.database_url == NULL) {
        SKIP("DATABASE_URL is not set");
        return false;
    }
    choose(s, state);
    desk()->from =
        (struct caller){.app = 1, .request_id = "test", .locale = "en", .ip = "", .agent = ""};
    return true;
}

void kit_guard(rpc_authorise_fn *may)
{
    kit.may = may;
}

struct caller *kit_caller(void)
{
    return &desk()->from;
}

/* ---- calls ---- */

static struct req *begin(struct desk *d, snowflake actor, const char *subject)
{
    struct arena arena = d->rq.arena;
    arena_reset(&arena);
    buf_done(&d->rq.reply);
    d->from.user = actor;
    d->rq = (struct req){
        .arena = arena,
        .subject = subject,
        .from = &d->from,
        .actor = actor,
        .app = d->from.app,
        .db = d->db,
        .bus = kit.bus,
        .cache = kit.cache,
        .state = kit.state,
        .deadline_us = mono_us() + DEADLINE_US,
    };
    d->rpc = NULL;
    return &d->rq;
}

static const struct rpc *find_row(const char *subject)
{
    const struct rpc_table *api = kit.service->api;
    for (size_t i = 0; i < api->count; i++)
        if (api->rows[i].mode != MODE_RAW && strcmp(api->rows[i].subject, subject) == 0)
            return &api->rows[i];
    die("there is no row %s", subject);
}

static json_t *read_object(const char *text)
{
    json_error_t why;
    json_t *json = text == NULL ? json_object() : json_loads(text, 0, &why);
    if (json == NULL)
        die("the test's JSON is wrong: %s: %s", why.text, text);
    return json;
}

enum err kit_call(snowflake actor, const char *subject, const char *params, const char *body)
{
    struct desk *d = desk();
    auto_json json_t *query = read_object(params);
    auto_json json_t *form = read_object(body);
    struct req *rq = begin(d, actor, subject);
    d->rpc = find_row(subject);
    d->err = rpc_call(d->rpc, kit.may, rq, form, query);
    return d->err;
}

struct batch_errand {
    struct req **rqs;
    const void *ins[KIT_BATCH_MAX];
    enum err *errs;
    size_t n;
};

static enum err batch_work(struct req *lead, void *arg)
{
    struct batch_errand *b = arg;
    return desk()->rpc->batch(lead, b->rqs, b->ins, b->errs, b->n);
}

static enum err batch_admit(struct desk *d, size_t i, const struct kit_request *r,
                            const void **ret_in)
{
    auto_json json_t *query = read_object(r->params);
    auto_json json_t *form = read_object(r->body);
    void *in = NULL;
    d->batch_from[i] = d->from;
    d->batch_from[i].user = r->actor;
    d->batch[i] = d->rq;
    d->batch[i].arena = (struct arena){0};
    d->batch[i].reply = (struct buf){0};
    d->batch[i].from = &d->batch_from[i];
    d->batch[i].actor = r->actor;
    TRY(rpc_admit(d->rpc, kit.may, &d->batch[i], form, query, &in));
    *ret_in = in;
    return OK;
}

enum err kit_batch(const char *subject, const struct kit_request *requests, size_t n,
                   enum err *errs)
{
    struct desk *d = desk();
    struct req *rqs[KIT_BATCH_MAX];
    struct batch_errand b = {.rqs = rqs, .errs = errs, .n = n};
    batch_clear(d);
    begin(d, 0, subject);
    d->rpc = find_row(subject);
    for (size_t i = 0; i < n; i++) {
        rqs[i] = &d->batch[i];
        d->err = batch_admit(d, i, &requests[i], &b.ins[i]);
        if (d->err != OK)
            return d->err;
    }
    d->rq.from = NULL;
    d->rq.app = 0;
    d->err = transact(&d->rq, batch_work, &b);
    return d->err;
}

struct errand {
    const struct listen *hears;
    const void *payload;
    const char *event_id;
};

static enum err hear_work(struct req *rq, void *arg)
{
    const struct errand *e = arg;
    return e->hears->call(rq, e->payload, e->event_id);
}

enum err kit_hear(const struct listen *hears, const char *payload, const char *event_id)
{
    struct desk *d = desk();
    auto_json json_t *json = read_object(payload);
    struct req *rq = begin(d, 0, event_types[hears->event].name);
    void *heard = arena_alloc(&rq->arena, hears->shape->size);
    struct errand errand = {hears, heard, event_id};
    if (event_id == NULL)
        errand.event_id = rand_token(&rq->arena, 12);
    d->err = shape_decode_entity(hears->shape, json, &rq->arena, heard);
    if (d->err == OK)
        d->err = transact(rq, hear_work, &errand);
    return d->err;
}

static enum err run_work(struct req *rq, void *arg)
{
    const struct job *job = arg;
    return job->run(rq);
}

enum err kit_run(const struct job *job)
{
    struct desk *d = desk();
    d->err = transact(begin(d, 0, job->name), run_work, (void *)(uintptr_t)job);
    return d->err;
}

/* ---- what came of it ---- */

int kit_status(void)
{
    const struct desk *d = desk();
    if (d->err != OK)
        return err_status(d->err);
    return d->rpc == NULL ? 0 : rpc_status(d->rpc, &d->rq);
}

const char *kit_body(void)
{
    return buf_str(&desk()->rq.reply);
}

const char *kit_detail(void)
{
    const char *detail = desk()->rq.detail;
    return detail == NULL ? "" : detail;
}

const char *kit_field(void)
{
    const struct field_errors *errors = desk()->rq.errors;
    if (errors == NULL || errors->count == 0)
        return "";
    return kit_f("%s: %s", errors->v[0].field, errors->v[0].message);
}

static const json_t *step(const json_t *json, const char *name, size_t len)
{
    char key[64];
    snprintf(key, sizeof(key), "%.*s", (int)len, name);
    if (json_is_array(json))
        return json_array_get(json, strtoul(key, NULL, 10));
    return json_object_get(json, key);
}

static const char *value_text(const json_t *json)
{
    if (json_is_string(json))
        return kit_f("%s", json_string_value(json));
    if (json == NULL)
        return "";
    auto_heap char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    return kit_f("%s", text);
}

static const char *look_up(const char *text, const char *path)
{
    auto_json json_t *root = json_loads(text, JSON_DECODE_ANY, NULL);
    const json_t *json = root;
    for (const char *at = path; json != NULL && *at != '\0';) {
        size_t len = strcspn(at, ".");
        json = step(json, at, len);
        at += len + (at[len] == '.');
    }
    return value_text(json);
}

const char *kit_get(const char *path)
{
    return look_up(kit_body(), path);
}

const char *kit_batch_get(size_t i, const char *path)
{
    return look_up(buf_str(&desk()->batch[i].reply), path);
}

snowflake kit_get_id(const char *path)
{
    snowflake id = 0;
    return snowflake_parse(kit_get(path), &id) ? id : 0;
}

long long kit_get_int(const char *path)
{
    return strtoll(kit_get(path), NULL, 10);
}

size_t kit_event_count(void)
{
    size_t count = 0;
    for (const struct event *ev = desk()->rq.events; ev != NULL; ev = ev->next)
        count++;
    return count;
}

const char *kit_event(const char *name)
{
    const char *found = NULL;
    for (const struct event *ev = desk()->rq.events; ev != NULL; ev = ev->next)
        if (strcmp(event_types[ev->type].name, name) == 0)
            found = ev->body; /* newest first: the last one found was the first emitted */
    return found;
}

const char *kit_event_get(const char *name, const char *path)
{
    const char *body = kit_event(name);
    return body == NULL ? "" : look_up(body, path);
}

/* ---- text and SQL ---- */

static const char *keep_text(const char *format, va_list args)
{
    struct desk *d = desk();
    char **slot = &d->texts[d->next_text++ % TEXTS];
    struct arena arena = {0};
    char *text = heap_strdup(arena_vprintf(&arena, format, args));
    arena_release(&arena);
    free(*slot);
    *slot = text;
    return text;
}

const char *kit_f(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = keep_text(format, args);
    va_end(args);
    return text;
}

const char *kit_sql(const char *format, ...)
{
    struct desk *d = desk();
    va_list args;
    va_start(args, format);
    const char *sql = keep_text(format, args);
    va_end(args);
    if (d->plain == NULL)
        d->plain = PQconnectdb(kit.settings.database_url);
    PQclear(d->result);
    d->result = PQexec(d->plain, sql);
    ExecStatusType status = PQresultStatus(d->result);
    if (!CHECK(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK))
        printf("%s: %s", sql, PQerrorMessage(d->plain));
    return PQntuples(d->result) > 0 ? PQgetvalue(d->result, 0, 0) : "";
}
