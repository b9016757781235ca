/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/conf.h"
#include "shared/service/rpc.h"

/* The only public door. What the whole process shares: opened by main.c in this order, closed in
 * the reverse, constant in between. The realtime side is gateway/socket.h:
 *   enum err sockets_open(struct gateway *g, struct sockets **ret);   starts the loop threads
 *   void sockets_adopt(struct sockets *s, int fd);   takes a connected, non-blocking fd whose first
 *                       bytes, still unread, are "GET /ws"; any thread; never blocks
 *   void sockets_drain(struct sockets *s);           `reconnect` to every session, then close them
 *   void sockets_close(struct sockets *s);           stops the threads; nothing is called after */
struct gateway {
    const struct gateway_settings *settings;
    struct bus *bus;
    struct cache *cache;
    struct identities *identities; /* who a credential belongs to */
    struct limits *limits;         /* how often they may ask */
    struct peers *peers;           /* which addresses are our own proxies */
    struct sockets *sockets;
    struct rest *rest;
    atomic_bool is_draining; /* new work is refused with 503 */
};

struct gateway_settings {
    const char *listen; /* host:port of everything public */
    const char *ops_listen;
    const char *nats_url;
    const char *redis_url;
    const char *public_url; /* how clients reach us, without a slash at the end */
    const char *web_root;   /* the web client's files */
    const char *documents;  /* folder of openapi.json and asyncapi.json */
    const char *log_level;
    bool log_pretty;
    bool log_requests;

    const char *token_issuer;
    const char *token_audience;
    int64_t revoked_keep_s; /* at least as long as an access token lives */

    int64_t rest_connections;
    int64_t http_idle_s;
    int64_t request_timeout_ms;
    const char *cors_origins; /* "*", or origins separated by commas */
    const char
        *trusted_proxies; /* addresses, separated by commas, whose X-Forwarded-For we believe */
    struct rate limits[RATE_COUNT];
    struct rate limit_bot;

    int64_t max_connections; /* WebSockets */
    int64_t ws_loops;
    int64_t resume_window_s;
    int64_t ring_frames;
    struct rate ws_events; /* what one socket may send */
};

extern const struct conf_key gateway_keys[];
extern const size_t gateway_key_count;

#endif
