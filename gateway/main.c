/* SPDX-License-Identifier: MIT
 *
 * The gateway's life: open everything without waiting for anybody, serve, and on SIGTERM close the
 * door, answer what is in flight, send the sockets elsewhere and end.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/acceptor.h"
#include "gateway/gateway.h"
#include "gateway/identity.h"
#include "gateway/limit.h"
#include "gateway/peer.h"
#include "gateway/rest.h"
#include "gateway/routes.h"
#include "gateway/socket.h"
#include "gateway/tables.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/macros.h"
#include "shared/service/metrics.h"
#include "shared/service/ops.h"
#include "shared/service/process.h"
#include "shared/store/cache.h"
#include "shared/wire/bus.h"

enum { PING_MS = 1000, DRAIN_MS = 3500 };

/* ---- what /ready asks and /metrics shows ---- */

static enum ready_state ask_bus(void *arg)
{
    const struct gateway *g = arg;
    return bus_ping(g->bus, PING_MS) == OK ? READY_UP : READY_DOWN;
}

static enum ready_state ask_cache(void *arg)
{
    const struct gateway *g = arg;
    return cache_is_up(g->cache) ? READY_UP : READY_DEGRADED;
}

static enum ready_state ask_auth(void *arg)
{
    const struct gateway *g = arg;
    return identities_is_ready(g->identities) ? READY_UP : READY_DOWN;
}

static int64_t count_bus(void *arg)
{
    return bus_is_up(((const struct gateway *)arg)->bus);
}

static int64_t count_cache(void *arg)
{
    return cache_is_up(((const struct gateway *)arg)->cache);
}

static void open_metrics(struct gateway *g)
{
    /* As long-lived as the metrics themselves. */
    const char **subjects = heap_alloc_n(route_count, sizeof(*subjects));
    for (size_t i = 0; i < route_count; i++)
        subjects[i] = routes[i].subject;
    metrics_init(subjects, route_count);
    metric_ask(METRIC_bus_up, count_bus, g);
    metric_ask(METRIC_cache_up, count_cache, g);
}

static void open_ready(struct gateway *g, struct ready *ready)
{
    ready_add(ready, (struct ready_check){"bus", ask_bus, g});
    ready_add(ready, (struct ready_check){"cache", ask_cache, g});
    ready_add(ready, (struct ready_check){"auth", ask_auth, g});
}

/* ---- start ---- */

/* Every connection is a file descriptor, and libwebsockets takes the limit of now for ever. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        LOG(WARN, "files.limited", KV("limit", (int64_t)limit.rlim_cur));
}

/* share/ beside the bin/ this program lies in. */
static const char *documents_beside(void)
{
    static char path[PATH_MAX + 16];
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
    for (int up = 0; up < 2 && len > 0; up++)
        while (len > 0 && path[--len] != '/')
            continue;
    snprintf(path + (len > 0 ? len : 0), sizeof("/share"), "/share");
    return path;
}

static void load_settings(struct gateway_settings *s)
{
    if (!conf_load(gateway_keys, gateway_key_count, s))
        die("gateway: the settings are not usable");
    if (s->documents == NULL)
        s->documents = documents_beside();
}

static void take_websocket(void *arg, int fd, const struct sockaddr *peer UNUSED,
                           socklen_t peer_len UNUSED)
{
    sockets_adopt(((struct gateway *)arg)->sockets, fd);
}

static void take_rest(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
    rest_adopt(((struct gateway *)arg)->rest, fd, peer, peer_len);
}

static void must(enum err e, const char *what)
{
    if (e != OK)
        die("gateway: %s cannot be opened: %s", what, err_text(e));
}

static void open_parts(struct gateway *g)
{
    const struct gateway_settings *s = g->settings;
    must(peers_new(s->trusted_proxies, &g->peers), "TRUSTED_PROXIES");
    must(bus_open(&(struct bus_settings){.url = s->nats_url, .name = "gateway"}, &g->bus), "bus");
    must(cache_open(&(struct cache_settings){.url = s->redis_url}, &g->cache), "cache");
    must(limits_open(g, &g->limits), "limits");
    must(identities_open(g, &g->identities), "identities");
    must(sockets_open(g, &g->sockets), "sockets");
    must(rest_open(g, &g->rest), "http");
}

/* ---- end ---- */

/* Whoever is asked is closed before whoever asks is freed: what still waits is answered then. */
static void close_parts(struct gateway *g)
{
    int64_t until_us = mono_us() + DRAIN_MS * 1000;
    sockets_drain(g->sockets);
    int64_t left_us = until_us - mono_us();
    rest_drain(g->rest, left_us > 0 ? (int)(left_us / 1000) : 0);
    identities_stop(g->identities);
    sockets_close(g->sockets);
    cache_close(g->cache);
    bus_close(g->bus);
    rest_close(g->rest);
    identities_close(g->identities);
    limits_close(g->limits);
    peers_free(g->peers);
    routes_done();
}

static void serve(struct gateway *g)
{
    struct ready ready = {.count = 0};
    struct acceptor *acceptor = NULL;
    struct acceptor_settings door = {
        .listen = g->settings->listen,
        .websocket = take_websocket,
        .rest = take_rest,
        .arg = g,
    };
    open_ready(g, &ready);
    must(acceptor_open(&door, &acceptor), "LISTEN");
    struct ops *ops = ops_start(g->settings->ops_listen, &ready);
    atomic_store(&ready.is_open, true);
    LOG(INFO, "gateway.started", KV("listen", g->settings->listen),
        KV("routes", (int64_t)route_count));

    while (!process_is_over(-1))
        continue;
    atomic_store(&ready.is_open, false);
    atomic_store(&g->is_draining, true);
    LOG(INFO, "gateway.draining");
    acceptor_close(acceptor);
    close_parts(g);
    ops_stop(ops);
    LOG(INFO, "gateway.stopped");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return tables_print(argc, argv);
    struct gateway_settings settings = {0};
    struct gateway gateway = {.settings = &settings};
    load_settings(&settings);
    process_begin("gateway", settings.log_level, settings.log_pretty);
    raise_file_limit();
    routes_init();
    open_metrics(&gateway);
    open_parts(&gateway);
    serve(&gateway);
    return 0;
}
