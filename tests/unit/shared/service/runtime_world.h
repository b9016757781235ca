/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SHARED_SERVICE_RUNTIME_WORLD_H
#define TESTS_UNIT_SHARED_SERVICE_RUNTIME_WORLD_H

/* The test service running in this process on the real bus, and somebody who asks it. */

#include "shared/service/dispatch.h"
#include "shared/service/runtime.h"
#include "shared/wire/event.h"

struct service_world {
    struct runtime rt;
    struct dispatch *dispatch;
    struct bus *asker;
};

struct world_limits {
    int workers;
    int ring_size;
};

/* False: there is no database or no bus, and the test is skipped. */
bool service_world_open(struct service_world *w, struct world_limits limits);
void service_world_close(struct service_world *w);

/* One question, and later its answer. */
struct asked {
    snowflake actor;
    snowflake channel;
    const char *form;   /* the JSON body; NULL is none */
    const char *key;    /* or NULL */
    int64_t timeout_ms; /* 0: five seconds */
    enum err err;       /* of the bus */
    int status;
    char name[64]; /* of the error, "" when there is none */
    char body[512];
    long retry_ms;
};

/* Asks all at once and waits for all the answers. */
void service_world_ask(struct service_world *w, const char *subject, struct asked *asked, size_t n);

#endif
