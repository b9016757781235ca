/* SPDX-License-Identifier: MIT
 *
 * The life of a service: read the settings, open what it needs without waiting for anything to
 * answer, serve, and on SIGTERM stop in the reverse order. A dependency that is away delays
 * /ready, never the start.
 */
#include "shared/service/service.h"

#include <stdlib.h>

#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/service/contract.h"
#include "shared/service/dispatch.h"
#include "shared/service/idempotency.h"
#include "shared/service/job.h"
#include "shared/service/listen.h"
#include "shared/service/metrics.h"
#include "shared/service/ops.h"
#include "shared/service/process.h"
#include "shared/service/runtime.h"
#include "shared/service/transact.h"

enum { PING_MS = 1000, START_RETRY_MS = 200 };

/* ---- settings ---- */

#define S(member, kind) CONF(service_settings, member, kind)

/* clang-format off */
static const struct conf_key base_keys[] = {
    {"NATS_URL",         S(nats_url, STR),         NULL,             CONF_REQUIRED | CONF_SECRET, "the bus", 0, 0},
    {"OPS_LISTEN",       S(ops_listen, STR),       "127.0.0.1:9080", 0, "host:port of /health, /ready and /metrics", 0, 0},
    {"WORKERS",          S(workers, INT),          "4",              0, "threads that serve requests", 1, 64},
    {"RING_SIZE",        S(ring_size, INT),        "4096",           0, "requests that may wait; more are refused", 16, 1000000},
    {"LOG_LEVEL",        S(log_level, STR),        "info",           0, "debug, info, warn or error", 0, 0},
    {"LOG_PRETTY",       S(log_pretty, BOOL),      "false",          0, "log for people instead of machines", 0, 0},
    {"LOG_REQUESTS",     S(log_requests, BOOL),    "true",           0, "one line for each request", 0, 0},
    {"EVENTS_MAX_AGE_S", S(events_max_age_s, INT), "604800",         0, "how long the stream of events keeps them", 60, 31536000},
    {"EVENTS_REPLICAS",  S(events_replicas, INT),  "1",              0, "copies of that stream in a cluster", 1, 5},
};
static const struct conf_key db_keys[] = {
    {"DATABASE_URL",     S(database_url, STR),     NULL,             CONF_REQUIRED | CONF_SECRET, "libpq connection string", 0, 0},
};
static const struct conf_key cache_keys[] = {
    {"REDIS_URL",        S(redis_url, STR),        NULL,             CONF_REQUIRED | CONF_SECRET, "redis://[:password@]host:port[/db]", 0, 0},
};
static const struct conf_key batch_keys[] = {
    {"WRITERS",          S(writers, INT),          "2",              0, "threads that write requests in batches", 1, 16},
};
/* clang-format on */

struct key_table {
    const struct conf_key *keys;
    size_t count;
};

static bool has_batch_row(const struct service *s)
{
    for (size_t i = 0; i < s->api->count; i++)
        if (s->api->rows[i].mode == MODE_BATCH)
            return true;
    return false;
}

#define SHARED_TABLES 4
static size_t shared_tables(const struct service *s, struct key_table ret[SHARED_TABLES])
{
    size_t n = 0;
    ret[n++] = (struct key_table){base_keys, ARRAY_LEN(base_keys)};
    if ((s->needs & NEEDS_DB) != 0)
        ret[n++] = (struct key_table){db_keys, ARRAY_LEN(db_keys)};
    if ((s->needs & NEEDS_CACHE) != 0)
        ret[n++] = (struct key_table){cache_keys, ARRAY_LEN(cache_keys)};
    if (has_batch_row(s))
        ret[n++] = (struct key_table){batch_keys, ARRAY_LEN(batch_keys)};
    return n;
}

struct conf_key *service_all_keys(const struct service *s, size_t *ret_count)
{
    struct key_table tables[SHARED_TABLES + 1];
    size_t n = shared_tables(s, tables);
    size_t count = 0;
    tables[n++] = (struct key_table){s->keys, s->key_count};
    for (size_t i = 0; i < n; i++)
        count += tables[i].count;
    struct conf_key *all = heap_alloc_n(count, sizeof(*all));
    *ret_count = count;
    for (size_t i = n; i-- > 0;)
        for (size_t k = tables[i].count; k-- > 0;)
            all[--count] = tables[i].keys[k];
    return all;
}

/* Every wrong setting is logged before the process ends. */
static void *load_settings(const struct service *s, struct service_settings *ret)
{
    struct key_table tables[SHARED_TABLES];
    size_t n = shared_tables(s, tables);
    bool is_good = true;
    for (size_t i = 0; i < n; i++)
        is_good = conf_load(tables[i].keys, tables[i].count, ret) && is_good;
    void *own = heap_alloc(s->settings_size + 1);
    is_good = conf_load(s->keys, s->key_count, own) && is_good;
    if (!is_good)
        die("%s: the settings are not usable", s->name);
    return own;
}

/* ---- what /ready asks and /metrics shows ---- */

struct frame {
    struct runtime rt;
    void *own_settings;
    struct db *ping_db;
    struct ready ready;
    struct ops *ops;
    struct dispatch *dispatch;
    struct listeners *listeners;
    struct clockwork *clockwork;
};

static enum ready_state ask_database(void *arg)
{
    struct frame *f = arg;
    return db_ping(f->ping_db, PING_MS) == OK ? READY_UP : READY_DOWN;
}

static enum ready_state ask_bus(void *arg)
{
    struct frame *f = arg;
    return bus_ping(f->rt.bus, PING_MS) == OK ? READY_UP : READY_DOWN;
}

static enum ready_state ask_cache(void *arg)
{
    struct frame *f = arg;
    return cache_is_up(f->rt.cache) ? READY_UP : READY_DEGRADED;
}

static enum ready_state ask_ids(void *arg)
{
    struct frame *f = arg;
    return lease_is_held(f->rt.lease) ? READY_UP : READY_DOWN;
}

static int64_t read_bus_up(void *arg)
{
    return bus_is_up(arg);
}

static int64_t read_cache_up(void *arg)
{
    return cache_is_up(arg);
}

static int64_t read_lease(void *arg)
{
    return lease_is_held(arg);
}

static int64_t read_outbox(void *arg)
{
    return outbox_pending(arg);
}

static int64_t read_depth(void *arg)
{
    return (int64_t)dispatch_depth(arg);
}

static void observe_query(void *arg UNUSED, int64_t took_us, enum err e)
{
    metric_observe(METRIC_db_query_duration_seconds, 0, took_us);
    if (e != OK)
        metric_add(METRIC_db_errors_total, (size_t)e, 0, 1);
}

static void begin_metrics(const struct rpc_table *api)
{
    const char **subjects = heap_alloc_n(api->count + 1, sizeof(*subjects));
    for (size_t i = 0; i < api->count; i++)
        subjects[i] = api->rows[i].subject;
    metrics_init(subjects, api->count);
}

/* ---- opening ---- */

static void open_database(struct frame *f)
{
    struct runtime *rt = &f->rt;
    rt->db = (struct db_settings){
        .url = rt->settings.database_url,
        .name = rt->service->name,
        .constraints = key_constraints(rt->service->constraints),
        .observe = observe_query,
    };
    f->ping_db = db_new(&rt->db);
    ready_add(&f->ready, (struct ready_check){"database", ask_database, f});
    if (outbox_start(&rt->db, rt->bus, rt->service->name, &rt->outbox) != OK)
        die("the outbox cannot be started");
    metric_ask(METRIC_outbox_pending, read_outbox, rt->outbox);
    if (!runtime_has(rt, NEEDS_IDS))
        return;
    if (lease_start(&rt->db, &rt->lease) != OK)
        die("the lease of a worker number cannot be started");
    ready_add(&f->ready, (struct ready_check){"ids", ask_ids, f});
    metric_ask(METRIC_worker_number_held, read_lease, rt->lease);
}

static void open_dependencies(struct frame *f)
{
    struct runtime *rt = &f->rt;
    struct bus_settings bus = {.url = rt->settings.nats_url, .name = rt->service->subject};
    if (bus_open(&bus, &rt->bus) != OK)
        die("NATS_URL cannot be used");
    ready_add(&f->ready, (struct ready_check){"bus", ask_bus, f});
    metric_ask(METRIC_bus_up, read_bus_up, rt->bus);
    if (runtime_has(rt, NEEDS_CACHE)) {
        struct cache_settings cache = {.url = rt->settings.redis_url};
        if (cache_open(&cache, &rt->cache) != OK)
            die("REDIS_URL cannot be used");
        ready_add(&f->ready, (struct ready_check){"cache", ask_cache, f});
        metric_ask(METRIC_cache_up, read_cache_up, rt->cache);
    }
    if (runtime_has(rt, NEEDS_DB))
        open_database(f);
}

static enum err start_own(struct frame *f)
{
    struct runtime *rt = &f->rt;
    struct service_run run = {
        .settings = f->own_settings,
        .bus = rt->bus,
        .cache = rt->cache,
        .db = runtime_has(rt, NEEDS_DB) ? &rt->db : NULL,
    };
    return rt->service->start == NULL ? OK : rt->service->start(&run, &rt->state);
}

static enum err prepare_work(struct req *rq, void *arg)
{
    const struct service *s = arg;
    return s->prepare(rq);
}

static enum err prepare_own(struct frame *f)
{
    const struct service *s = f->rt.service;
    struct req rq;
    if (s->prepare == NULL)
        return OK;
    struct db *db = runtime_db(&f->rt);
    runtime_req(&f->rt, db, &rq);
    enum err e = transact(&rq, prepare_work, (void *)(uintptr_t)s);
    runtime_publish(&f->rt, &rq);
    if (e != OK)
        LOG(INFO, "process.prepare", KV("err", err_name(e)), KV("detail", rq.detail));
    arena_release(&rq.arena);
    buf_done(&rq.reply);
    db_free(db);
    return e;
}

/* False when the process was told to end meanwhile. */
static bool begin_own(struct frame *f)
{
    enum err e = start_own(f);
    if (e != OK)
        die("%s cannot start: %s", f->rt.service->name, err_name(e));
    while (prepare_own(f) != OK)
        if (process_is_over(START_RETRY_MS))
            return false;
    return true;
}

static void open_doors(struct frame *f)
{
    struct runtime *rt = &f->rt;
    f->dispatch = dispatch_start(rt);
    metric_ask(METRIC_ring_depth, read_depth, f->dispatch);
    f->clockwork = clockwork_start(rt);
    f->listeners = listeners_start(rt);
    if (dispatch_open(f->dispatch) != OK)
        die("rpc.%s.> cannot be subscribed to", rt->service->subject);
    /* Ready means that whoever asks now is heard. Without a server we are not ready anyway. */
    if (bus_flush(rt->bus, PING_MS) != OK)
        LOG(DEBUG, "bus.later", KV("subject", rt->service->subject));
    atomic_store(&f->ready.is_open, true);
    LOG(INFO, "process.serving", KV("ops", rt->settings.ops_listen));
}

/* ---- closing ---- */

static void close_doors(struct frame *f)
{
    atomic_store(&f->ready.is_open, false);
    dispatch_stop(f->dispatch);
    listeners_stop(f->listeners);
    clockwork_stop(f->clockwork);
}

static void close_dependencies(struct frame *f)
{
    struct runtime *rt = &f->rt;
    outbox_stop(rt->outbox);
    lease_stop(rt->lease);
    if (rt->cache != NULL)
        cache_close(rt->cache);
    bus_close(rt->bus);
    db_free(f->ping_db);
    free((void *)(uintptr_t)rt->db.constraints);
}

int service_main(const struct service *s, int argc, char **argv)
{
    if (argc > 1)
        return contract_print(s, argv[1]);
    struct frame f = {
        .rt = {.service = s, .may = s->authorise}
    };
    f.own_settings = load_settings(s, &f.rt.settings);
    if (f.rt.may == NULL)
        f.rt.may = guard_ask;
    process_begin(s->name, f.rt.settings.log_level, f.rt.settings.log_pretty);
    begin_metrics(s->api);
    open_dependencies(&f);
    f.ops = ops_start(f.rt.settings.ops_listen, &f.ready);
    if (begin_own(&f)) {
        open_doors(&f);
        while (!process_is_over(-1))
            continue;
        close_doors(&f);
    }
    if (s->stop != NULL)
        s->stop(f.rt.state);
    ops_stop(f.ops);
    close_dependencies(&f);
    free(f.own_settings);
    LOG(INFO, "process.ended", KV("service", s->name));
    return EXIT_SUCCESS;
}
