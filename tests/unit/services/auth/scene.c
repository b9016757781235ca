/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/auth/scene.h"

#include "shared/base/clock.h"
#include "shared/base/conf.h"
#include "shared/base/macros.h"
#include "shared/base/rand.h"
#include "shared/store/db.h"
#include "shared/wire/event.h"
#include "shared/wire/json.h"
#include "tests/test.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { DEADLINE_US = 20 * 1000 * 1000, TEXT_SIZE = 2100, THREADS_MAX = 32 };

struct test_settings {
    const char *database_url;
};
static const struct conf_key keys[] = {
    {"DATABASE_URL", CONF(test_settings, database_url, STR), NULL, 0, "auth's database", 0, 0},
};
static struct test_settings settings;
static struct auth_settings auth_settings;
static struct db_settings db_settings;
static void *state;
static pthread_once_t opened = PTHREAD_ONCE_INIT;

/* What one thread asked last. */
static _Thread_local struct {
    struct db *db;
    struct req rq;
    struct caller caller;
    json_t *answer;
    json_t *events; /* [{"name":…,"body":…}], oldest first */
    char text[TEXT_SIZE];
} last;

STMT(scene_promote, "UPDATE users SET is_admin = true WHERE id = $1");
STMT(scene_found, "INSERT INTO applications (id, name) VALUES ($1, $2)");

struct req *scene_req(void)
{
    if (last.db == NULL)
        last.db = db_new(&db_settings);
    arena_release(&last.rq.arena);
    last.rq = (struct req){
        .from = &last.caller,
        .actor = last.caller.user,
        .app = last.caller.app,
        .db = last.db,
        .state = state,
        .deadline_us = mono_us() + DEADLINE_US,
    };
    return &last.rq;
}

struct auth *scene_auth(void)
{
    return state;
}

static void forget(void)
{
    json_decref(last.answer);
    json_decref(last.events);
    last.answer = NULL;
    last.events = NULL;
}

static void open_service(void)
{
    const struct service *s = &auth_service;
    if (!conf_load(keys, ARRAY_LEN(keys), &settings) || settings.database_url == NULL ||
        !conf_load(s->keys, s->key_count, &auth_settings))
        return;
    snowflake_set_worker((unsigned)(rand_u64() % SNOWFLAKE_WORKERS));
    db_settings = (struct db_settings){
        .url = settings.database_url,
        .name = "unit-auth",
        .constraints = s->constraints,
    };
    /* As cheap as passwords get: their strength is not on trial here. */
    auth_settings.password_passes = 1;
    auth_settings.password_memory_kib = 8;
    auth_settings.password_parallel = THREADS_MAX;
    const struct service_run run = {.settings = &auth_settings, .db = &db_settings};
    CHECK_INT(s->start(&run, &state), OK);

    struct req *rq = scene_req();
    db_begin(rq);
    CHECK_INT(s->prepare(rq), OK);
    CHECK_INT(db_commit(rq), OK);
}

bool scene_open(struct person *ret_nobody)
{
    pthread_once(&opened, open_service);
    if (state == NULL) {
        SKIP("DATABASE_URL names no database");
        return false;
    }
    last.caller = (struct caller){.app = APPLICATION_DEFAULT};
    *ret_nobody = (struct person){.app = snowflake_next()};
    struct req *rq = scene_req();
    const char *name = arena_printf(&rq->arena, "test %016llx", (unsigned long long)rand_u64());
    CHECK_INT(db_exec(rq, &scene_found, PARAMS(P(ret_nobody->app), P(name)), NULL), OK);
    return true;
}

void scene_leave(void)
{
    forget();
    arena_release(&last.rq.arena);
    db_free(last.db);
    last.db = NULL;
}

static const struct rpc *row(const char *subject)
{
    for (size_t i = 0; i < auth_api.count; i++)
        if (strcmp(auth_api.rows[i].subject, subject) == 0)
            return &auth_api.rows[i];
    fprintf(stderr, "no row answers %s\n", subject);
    abort();
}

static void remember(const struct req *rq, enum err e)
{
    auto_buf struct buf problem = {0};
    if (e != OK)
        problem_encode(rq, e, &problem);
    const struct buf *body = e == OK ? &rq->reply : &problem;
    last.answer = json_loadb(buf_str(body), body->len, 0, NULL);
    last.events = json_array();
    for (const struct event *ev = rq->events; ev != NULL; ev = ev->next) {
        json_t *one = json_pack("{s:s, s:o}", "name", event_types[ev->type].name, "body",
                                json_loadb(ev->body, ev->body_len, 0, NULL));
        json_array_insert_new(last.events, 0, one);
    }
}

enum err ask(const struct person *who, const char *subject, const char *format, ...)
{
    forget();
    last.caller = (struct caller){
        .user = who->user,
        .app = who->app,
        .session = who->session,
        .is_admin = who->is_admin,
        .is_bot = who->is_bot,
        .ip = "192.0.2.1",
        .agent = "unit test",
        .locale = "en",
        .request_id = "unit",
    };
    struct req *rq = scene_req();
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(&rq->arena, format, args);
    va_end(args);
    auto_json json_t *body = NULL;
    const char *why = NULL;
    enum err e = json_read_object(&rq->arena, text, strlen(text), &body, &why);
    if (e == OK)
        e = rpc_call(row(subject), guard_ask, rq, body, NULL);
    remember(rq, e);
    buf_done(&rq->reply);
    return e;
}

static const json_t *find(const json_t *at, const char *path)
{
    while (*path != '\0') {
        char name[64];
        size_t len = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        at = json_is_array(at) ? json_array_get(at, (size_t)atol(name)) : json_object_get(at, name);
        path += len + (path[len] == '.');
    }
    return at;
}

static const char *text_of(const json_t *value)
{
    if (value == NULL)
        return "absent";
    if (json_is_string(value))
        snprintf(last.text, sizeof(last.text), "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(last.text, sizeof(last.text), "%lld", (long long)json_integer_value(value));
    else if (json_is_array(value) || json_is_object(value))
        snprintf(last.text, sizeof(last.text), "%zu",
                 json_array_size(value) + json_object_size(value));
    else
        return json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null";
    return last.text;
}

const char *got(const char *path)
{
    return text_of(find(last.answer, path));
}

snowflake got_id(const char *path)
{
    snowflake id = 0;
    CHECK(snowflake_parse(got(path), &id));
    return id;
}

const char *told(const char *event, const char *path)
{
    for (size_t i = json_array_size(last.events); i-- > 0;) {
        const json_t *one = json_array_get(last.events, i);
        if (strcmp(json_string_value(json_object_get(one, "name")), event) == 0)
            return text_of(find(json_object_get(one, "body"), path));
    }
    return "absent";
}

const char *blamed(void)
{
    const char *field = got("errors.0.field");
    return strcmp(field, "absent") == 0 ? "" : field;
}

static struct person signed_in(const struct person *nobody)
{
    struct person who = *nobody;
    who.user = got_id("user.id");
    who.session = got_id("session_id");
    who.is_admin = strcmp(got("user.is_admin"), "true") == 0;
    snprintf(who.refresh, sizeof(who.refresh), "%s", got("refresh_token"));
    snprintf(who.access, sizeof(who.access), "%s", got("access_token"));
    return who;
}

struct person person_new(const struct person *nobody, const char *username)
{
    CHECK_INT(ask(nobody, "auth.account.create",
                  "{\"username\":\"%s\",\"email\":\"%s@example.org\","
                  "\"password\":\"correct horse\"}",
                  username, username),
              OK);
    return signed_in(nobody);
}

struct person person_login(const struct person *nobody, const char *username)
{
    CHECK_INT(ask(nobody, "auth.session.create",
                  "{\"login\":\"%s\",\"password\":\"correct horse\"}", username),
              OK);
    return signed_in(nobody);
}

struct person scene_admin(const struct person *nobody)
{
    struct person who = person_new(nobody, "admin");
    struct req *rq = scene_req();
    CHECK_INT(db_exec(rq, &scene_promote, PARAMS(P(who.user)), NULL), OK);
    return person_login(nobody, "admin");
}

struct crowd {
    pthread_barrier_t gate;
    void (*fn)(void *arg);
    void *arg;
};

static void *member(void *arg)
{
    struct crowd *crowd = arg;
    /* Connected before the start, so that they really run at once. */
    CHECK_INT(db_ping(scene_req()->db, 5000), OK);
    pthread_barrier_wait(&crowd->gate);
    crowd->fn(crowd->arg);
    scene_leave();
    return NULL;
}

void together(int count, void (*fn)(void *arg), void *arg)
{
    struct crowd crowd = {.fn = fn, .arg = arg};
    pthread_t threads[THREADS_MAX];
    if (!CHECK(count <= THREADS_MAX))
        return;
    pthread_barrier_init(&crowd.gate, NULL, (unsigned)count);
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, member, &crowd);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd.gate);
}
