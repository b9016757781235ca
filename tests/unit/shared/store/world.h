/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SHARED_STORE_WORLD_H
#define TESTS_UNIT_SHARED_STORE_WORLD_H

/* A connection to the test database, and a request on it. */

#include "shared/store/db.h"

struct world_settings {
    const char *database_url;
    const char *redis_url;
    const char *nats_url;
};
const struct world_settings *world_settings(void);

struct world {
    struct db_settings settings;
    struct req rq;
};
void world_open(struct world *w);
void world_close(struct world *w);

#endif
