/* SPDX-License-Identifier: MIT */
#include "tests/unit/shared/store/world.h"

#include "shared/base/conf.h"
#include "shared/base/log.h"

static const struct conf_key keys[] = {
    {"DATABASE_URL", CONF(world_settings, database_url, STR), NULL, CONF_REQUIRED, "", 0, 0},
    {"REDIS_URL",    CONF(world_settings, redis_url,    STR), NULL, CONF_REQUIRED, "", 0, 0},
    {"NATS_URL",     CONF(world_settings, nats_url,     STR), NULL, CONF_REQUIRED, "", 0, 0},
};

static const struct db_constraint constraints[] = {
    {"thing_key", ERR_CONFLICT},
    {NULL,        OK          },
};

const struct world_settings *world_settings(void)
{
    static struct world_settings settings;
    if (settings.database_url == NULL && !conf_load(keys, ARRAY_LEN(keys), &settings))
        die("tests: the test runner gives these settings");
    return &settings;
}

void world_open(struct world *w)
{
    *w = (struct world){
        .settings = {
                     .url = world_settings()->database_url, .name = "unit", .constraints = constraints}
    };
    w->rq.db = db_new(&w->settings);
}

void world_close(struct world *w)
{
    db_free(w->rq.db);
    arena_release(&w->rq.arena);
}
