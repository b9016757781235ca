/* SPDX-License-Identifier: MIT
 *
 * The runner's parts, put together as service.c does, without signals and ports.
 */
#include "tests/unit/shared/service/runtime_world.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/service/idempotency.h"
#include "tests/test.h"
#include "tests/unit/shared/service/notes.h"
#include "tests/unit/shared/store/world.h"

enum { PING_MS = 2000, TIMEOUT_MS = 5000 };

bool service_world_open(struct service_world *w, struct world_limits limits)
{
    if (!notes_open())
        return false;
    *w = (struct service_world){
        .rt = {.service = &notes_service,
               .may = notes_service.authorise,
               .source = "/services/notes"},
    };
    struct runtime *rt = &w->rt;
    struct bus_settings server = {.url = world_settings()->nats_url, .name = "operator"};
    rt->settings = (struct service_settings){
        .workers = limits.workers, .ring_size = limits.ring_size, .writers = 1};
    rt->db = (struct db_settings){
        .url = world_settings()->database_url,
        .name = "notes",
        .constraints = key_constraints(notes_service.constraints),
    };
    if (bus_open(&server, &rt->bus) != OK || bus_open(&server, &w->asker) != OK ||
        bus_ping(rt->bus, PING_MS) != OK || bus_ping(w->asker, PING_MS) != OK)
        die("the tests' bus does not answer");
    if (!CHECK(bus_stream_ensure(rt->bus, (struct bus_stream){0}) == OK))
        die("the stream of events cannot be made");
    if (outbox_start(&rt->db, rt->bus, "notes", &rt->outbox) != OK)
        die("the outbox cannot be started");
    w->dispatch = dispatch_start(rt);
    return CHECK(dispatch_open(w->dispatch) == OK) && CHECK(bus_flush(rt->bus, PING_MS) == OK);
}

void service_world_close(struct service_world *w)
{
    if (w->dispatch != NULL)
        dispatch_stop(w->dispatch);
    outbox_stop(w->rt.outbox);
    bus_close(w->asker);
    bus_close(w->rt.bus);
    free((void *)(uintptr_t)w->rt.db.constraints);
}

struct answer {
    struct asked *asked;
    sem_t *done;
    int usual; /* the row's status */
};

static void copy_head(natsMsg *msg, const char *name, char *out, size_t size)
{
    const char *value = NULL;
    if (natsMsgHeader_Get(msg, name, &value) == NATS_OK && value != NULL)
        snprintf(out, size, "%s", value);
}

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    struct answer *a = arg;
    struct asked *q = a->asked;
    char number[16] = "";
    q->err = e;
    if (e == OK) {
        snprintf(number, sizeof(number), "%d", natsMsg_GetDataLength(msg) > 0 ? a->usual : 204);
        copy_head(msg, "Parley-Status", number, sizeof(number));
        q->status = (int)strtol(number, NULL, 10);
        copy_head(msg, "Parley-Error", q->name, sizeof(q->name));
        snprintf(number, sizeof(number), "0");
        copy_head(msg, "Parley-Retry-After", number, sizeof(number));
        q->retry_ms = strtol(number, NULL, 10);
        snprintf(q->body, sizeof(q->body), "%.*s", natsMsg_GetDataLength(msg),
                 natsMsg_GetData(msg));
        natsMsg_Destroy(msg);
    }
    sem_post(a->done);
}

static void ask_one(struct service_world *w, const char *subject, struct answer *a)
{
    auto_arena struct arena arena = {0};
    const struct asked *q = a->asked;
    struct caller from = {
        .user = q->actor, .app = 1, .key = q->key, .request_id = "unit", .locale = "en"};
    int64_t timeout_ms = q->timeout_ms != 0 ? q->timeout_ms : TIMEOUT_MS;
    int64_t deadline_us = mono_us() + timeout_ms * 1000;
    struct bus_head heads[BUS_HEADS_MAX];
    size_t n = bus_caller_heads(&from, deadline_us, &arena, heads);
    heads[n++] = (struct bus_head){
        "Parley-Params", arena_printf(&arena, "{\"channel_id\":\"%" PRIu64 "\"}", q->channel)};
    struct bus_out out = {
        .subject = arena_printf(&arena, "rpc.%s", subject),
        .heads = heads,
        .head_count = n,
        .body = q->form,
        .body_len = q->form == NULL ? 0 : strlen(q->form),
    };
    enum err e = bus_ask(w->asker, &out, deadline_us, on_answer, a);
    if (e != OK)
        on_answer(a, e, NULL);
}

static int usual_status(const struct rpc_table *table, const char *subject)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].subject, subject) == 0)
            return table->rows[i].status;
    return 0;
}

void service_world_ask(struct service_world *w, const char *subject, struct asked *asked, size_t n)
{
    sem_t done;
    auto_heap struct answer *answers = calloc(n, sizeof(*answers));
    sem_init(&done, 0, 0);
    for (size_t i = 0; i < n; i++) {
        answers[i] = (struct answer){&asked[i], &done, usual_status(w->rt.service->api, subject)};
        ask_one(w, subject, &answers[i]);
    }
    for (size_t i = 0; i < n; i++)
        while (sem_wait(&done) != 0)
            continue;
    sem_destroy(&done);
}
