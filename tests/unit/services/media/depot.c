/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/media/depot.h"

#include "services/media/lanes.h"
#include "services/media/storage.h"
#include "shared/base/clock.h"
#include "shared/base/conf.h"
#include "shared/base/heap.h"

#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <jansson.h>
#include <semaphore.h>
#include <string.h>

enum { PIECE = 64 * 1024, ASK_US = 10 * 1000 * 1000 };

struct depot_settings {
    const char *nats_url;
    const char *gateway_url;
    const char *database_url;
};
static const struct conf_key keys[] = {
    {"NATS_URL",         CONF(depot_settings, nats_url,     STR), NULL, 0, "", 0, 0},
    {"NATS_URL_GATEWAY", CONF(depot_settings, gateway_url,  STR), NULL, 0, "", 0, 0},
    {"DATABASE_URL",     CONF(depot_settings, database_url, STR), NULL, 0, "", 0, 0},
};

static struct {
    struct depot_settings settings;
    struct media_settings media_settings;
    struct db_settings db;
    struct bus *bus;
    struct bus *gateway;
    void *state;
    struct media *copy;
    char root[32];
} depot;

/* What the last question was answered with. */
static struct {
    sem_t came;
    enum err err;
    natsMsg *msg;
} last;

static void wait_up(struct bus *bus)
{
    int64_t until_us = mono_us() + ASK_US;
    while (bus_ping(bus, 100) != OK && mono_us() < until_us)
        continue;
}

static int remove_one(const char *path, const struct stat *info UNUSED, int type UNUSED,
                      struct FTW *at UNUSED)
{
    return remove(path);
}

static void close_depot(void)
{
    media_service.stop(depot.state);
    natsMsg_Destroy(last.msg);
    bus_close(depot.gateway);
    bus_close(depot.bus);
    free(depot.copy);
    (void)nftw(depot.root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void start_service(void)
{
    snprintf(depot.root, sizeof(depot.root), "/tmp/parley-depot.XXXXXX");
    CHECK(mkdtemp(depot.root) != NULL);
    depot.media_settings = (struct media_settings){depot.root, "a secret for tests"};
    depot.db = (struct db_settings){.url = depot.settings.database_url, .name = "unit-media"};
    struct bus_settings own = {depot.settings.nats_url, "media"};
    struct bus_settings gate = {depot.settings.gateway_url, "gateway"};
    CHECK_INT(bus_open(&own, &depot.bus), OK);
    CHECK_INT(bus_open(&gate, &depot.gateway), OK);
    wait_up(depot.bus);
    wait_up(depot.gateway);
    const struct service_run run = {
        .settings = &depot.media_settings, .bus = depot.bus, .db = &depot.db};
    CHECK_INT(media_service.start(&run, &depot.state), OK);
    CHECK_INT(bus_flush(depot.bus, 2000), OK);
    sem_init(&last.came, 0, 0);
    atexit(close_depot);
}

bool depot_open(void)
{
    if (depot.state == NULL) {
        if (!conf_load(keys, ARRAY_LEN(keys), &depot.settings) ||
            depot.settings.gateway_url == NULL || depot.settings.nats_url == NULL) {
            SKIP("there is no bus");
            return false;
        }
        start_service();
    }
    return kit_use(&media_service, depot.state);
}

struct media *depot_media(void)
{
    return depot.state;
}

struct media *depot_copy(void)
{
    if (depot.copy == NULL)
        depot.copy = heap_alloc(sizeof(*depot.copy));
    depot.copy->settings = &depot.media_settings;
    return depot.copy;
}

/* ---- questions ---- */

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    (void)arg;
    last.err = e;
    last.msg = msg;
    sem_post(&last.came);
}

static enum err error_of(natsMsg *msg)
{
    const char *name = NULL;
    return natsMsgHeader_Get(msg, "Parley-Error", &name) == NATS_OK ? err_from_name(name) : OK;
}

enum err depot_ask(const struct bytes *b)
{
    char offset[24];
    char size[24];
    snprintf(offset, sizeof(offset), "%" PRId64, b->offset);
    snprintf(size, sizeof(size), "%" PRId64, b->size);
    const struct bus_head heads[] = {
        {"Parley-Offset", b->offset >= 0 ? offset : NULL},
        {"Parley-Size",   b->size >= 0 ? size : NULL    },
    };
    const struct bus_out out = {
        .subject = b->subject,
        .heads = heads,
        .head_count = ARRAY_LEN(heads),
        .body = b->data,
        .body_len = b->len,
    };
    natsMsg_Destroy(last.msg);
    last.msg = NULL;
    enum err e = bus_ask(depot.gateway, &out, mono_us() + ASK_US, on_answer, NULL);
    if (e != OK)
        return e;
    while (sem_wait(&last.came) != 0)
        continue;
    return last.err != OK ? last.err : error_of(last.msg);
}

size_t depot_body(const void **ret)
{
    *ret = last.msg != NULL ? natsMsg_GetData(last.msg) : NULL;
    return last.msg != NULL ? (size_t)natsMsg_GetDataLength(last.msg) : 0;
}

const char *depot_get(const char *name)
{
    const void *body;
    size_t len = depot_body(&body);
    json_t *json = json_loadb(body, len, 0, NULL);
    const json_t *value = json_object_get(json, name);
    const char *text = "";
    if (json_is_string(value))
        text = kit_f("%s", json_string_value(value));
    else if (json_is_integer(value))
        text = kit_f("%lld", (long long)json_integer_value(value));
    else if (json_is_null(value))
        text = "null";
    json_decref(json);
    return text;
}

enum err depot_upload(const struct sent *s)
{
    enum err e =
        kit_call(s->owner, "media.upload.open", NULL,
                 kit_f("{\"filename\":\"%s\",\"content_type\":\"%s\"}", s->filename, s->type));
    if (e != OK)
        return e;
    const char *subject = kit_f("%s", kit_get("subject"));
    for (size_t at = 0; at < s->len; at += PIECE) {
        struct bytes piece = {
            .subject = subject,
            .offset = (int64_t)at,
            .size = -1,
            .data = (const char *)s->bytes + at,
            .len = s->len - at < PIECE ? s->len - at : PIECE,
        };
        e = depot_ask(&piece);
        if (e != OK)
            return e;
    }
    return depot_ask(&(struct bytes){
        .subject = kit_f("%s.end", subject), .offset = -1, .size = (int64_t)s->len});
}

snowflake depot_file(snowflake owner)
{
    static const char text[] = "just some words\n";
    const struct sent sent = {owner, "words.txt", "text/plain", text, sizeof(text) - 1};
    snowflake id = 0;
    CHECK_INT(depot_upload(&sent), OK);
    CHECK(snowflake_parse(depot_get("id"), &id));
    return id;
}

/* ---- what is there ---- */

int depot_temps(void)
{
    DIR *dir = opendir(kit_f("%s/tmp", depot.root));
    int count = 0;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        count += e->d_name[0] != '.';
    if (dir != NULL)
        closedir(dir);
    return count;
}

bool depot_has(snowflake id)
{
    char byte;
    return storage_read(depot.root, id, 0, &byte, 1) == 1;
}

const struct job *depot_job(const char *name)
{
    const struct job *job = media_service.jobs;
    while (job->name != NULL && strcmp(job->name, name) != 0)
        job++;
    return job;
}

const struct listen *depot_hears(enum event_id event)
{
    const struct listen *hears = media_hears;
    while (hears->call != NULL && hears->event != event)
        hears++;
    return hears;
}

const char *depot_of(snowflake id)
{
    return kit_f("{\"attachment_id\":\"%" PRIu64 "\"}", id);
}
