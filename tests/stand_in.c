/* SPDX-License-Identifier: MIT
 *
 * A table of subjects and answers behind one lock; libnats' threads read it, the test writes it.
 */
#include "tests/stand_in.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"
#include "shared/wire/bus.h"
#include "tests/kit.h"
#include "tests/test.h"

enum { PARTS_MAX = 16, WAIT_US = 5000000 };

struct part {
    char subject[96];
    char *json;
    enum err err;
    int asked;
    natsMsg *last;
    struct bus_sub *sub;
};

static struct {
    pthread_mutex_t lock;
    struct bus *bus;
    struct part parts[PARTS_MAX];
    size_t count;
} cast = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void answer(const struct part *p, const natsMsg *msg)
{
    struct req rq = {.from = &(struct caller){.request_id = "test"}};
    auto_buf struct buf body = {0};
    char status[8];
    enum err e = p->err;
    if (e == OK)
        buf_adds(&body, p->json);
    if (e != OK)
        problem_encode(&rq, e, &body);
    snprintf(status, sizeof(status), "%d", e == OK ? 200 : err_status(e));
    const struct bus_head heads[] = {
        {"Parley-Status", status                      },
        {"Parley-Error",  e == OK ? NULL : err_name(e)}
    };
    struct bus_out out = {
        .subject = natsMsg_GetReply(msg),
        .heads = heads,
        .head_count = ARRAY_LEN(heads),
        .body = body.data,
        .body_len = body.len,
    };
    CHECK_INT(bus_send(cast.bus, &out), OK);
    arena_release(&rq.arena);
}

static void on_question(void *arg, natsMsg *msg)
{
    struct part *p = arg;
    pthread_mutex_lock(&cast.lock);
    natsMsg_Destroy(p->last);
    p->last = msg;
    p->asked++;
    answer(p, msg);
    pthread_mutex_unlock(&cast.lock);
}

static void leave(void)
{
    for (size_t i = 0; i < cast.count; i++) {
        bus_unhear(cast.parts[i].sub);
        free(cast.parts[i].json);
        natsMsg_Destroy(cast.parts[i].last);
    }
    bus_close(cast.bus);
}

static bool wait_up(void)
{
    struct stopper patience;
    stopper_init(&patience);
    int64_t until_us = mono_us() + WAIT_US;
    while (!bus_is_up(cast.bus) && mono_us() < until_us)
        (void)stopper_wait(&patience, 5);
    stopper_done(&patience);
    return bus_is_up(cast.bus);
}

bool stand_in_open(void)
{
    struct bus_settings settings = {.url = getenv("NATS_URL_OPERATOR"), .name = "operator"};
    if (settings.url == NULL) {
        SKIP("NATS_URL_OPERATOR is not set");
        return false;
    }
    if (cast.bus != NULL)
        return true;
    if (bus_open(&settings, &cast.bus) != OK || !wait_up())
        die("NATS_URL_OPERATOR cannot be used");
    atexit(leave);
    return true;
}

static struct part *part_of(const char *subject)
{
    for (size_t i = 0; i < cast.count; i++)
        if (strcmp(cast.parts[i].subject, subject) == 0)
            return &cast.parts[i];
    if (cast.count == PARTS_MAX)
        die("more than %d subjects are played", PARTS_MAX);
    struct part *p = &cast.parts[cast.count++];
    char full[128];
    snprintf(p->subject, sizeof(p->subject), "%s", subject);
    snprintf(full, sizeof(full), "rpc.%s", subject);
    p->json = heap_strdup("{}");
    if (bus_hear(cast.bus, full, NULL, on_question, p, &p->sub) != OK ||
        bus_flush(cast.bus, 5000) != OK)
        die("%s cannot be played", subject);
    return p;
}

static void set(const char *subject, const char *json, enum err e)
{
    struct part *p = part_of(subject);
    pthread_mutex_lock(&cast.lock);
    free(p->json);
    p->json = heap_strdup(json);
    p->err = e;
    pthread_mutex_unlock(&cast.lock);
}

void stand_in_answers(const char *subject, const char *json)
{
    set(subject, json, OK);
}

void stand_in_refuses(const char *subject, enum err e)
{
    set(subject, "", e);
}

int stand_in_asked(const char *subject)
{
    struct part *p = part_of(subject);
    pthread_mutex_lock(&cast.lock);
    int asked = p->asked;
    pthread_mutex_unlock(&cast.lock);
    return asked;
}

const char *stand_in_body(const char *subject)
{
    struct part *p = part_of(subject);
    pthread_mutex_lock(&cast.lock);
    const char *body = kit_f("%.*s", p->last == NULL ? 0 : natsMsg_GetDataLength(p->last),
                             p->last == NULL ? "" : natsMsg_GetData(p->last));
    pthread_mutex_unlock(&cast.lock);
    return body;
}

const char *stand_in_head(const char *subject, const char *name)
{
    struct part *p = part_of(subject);
    const char *value = NULL;
    pthread_mutex_lock(&cast.lock);
    if (p->last != NULL && natsMsgHeader_Get(p->last, name, &value) != NATS_OK)
        value = NULL;
    value = kit_f("%s", value != NULL ? value : "");
    pthread_mutex_unlock(&cast.lock);
    return value;
}

struct bus *stand_in_bus(void)
{
    return cast.bus;
}
