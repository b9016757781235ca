/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GATEWAY_FRONT_H
#define TESTS_UNIT_GATEWAY_FRONT_H

/* A gateway without a port, on a real bus and a real Redis, before services that the test plays
 * itself. */

#include <nats/nats.h>

#include "gateway/gateway.h"
#include "shared/base/arena.h"
#include "shared/crypto/token.h"
#include "shared/wire/bus.h"

#define FRONT_FAKES 16

struct front;

/* A service's answer: status 0 says nothing at all. */
struct fake {
    struct front *front;
    const char *subject;
    atomic_int status;
    const char *error; /* name, or NULL */
    _Atomic(const char *) body;
    struct bus_sub *sub;
    atomic_int asked;
    char *last_body; /* what was asked, and its parameters */
    char *last_params;
    char *last_ip;
};

struct front {
    struct gateway g;
    struct gateway_settings settings;
    struct bus *services; /* the test's own end of the bus */
    struct token_signer *signer;
    struct arena arena;
    char *jwks;
    struct fake fakes[FRONT_FAKES];
    size_t fake_count;
};

/* With auth played well: keys and no revocations. Change w->settings between the two; a redis_url
 * given there is not waited for. */
void front_begin(struct front *w);
void front_open(struct front *w);
void front_close(struct front *w);

/* From now on this subject is answered so; body must outlive the front. */
struct fake *front_answer(struct front *w, const char *subject, int status, const char *body);

/* An access token of the played auth. */
const char *front_token(struct front *w, snowflake user, snowflake session);

/* Waits, with a deadline, until this is true. */
bool front_wait(bool (*is_so)(void *arg), void *arg);

/* One request over a connection of its own; the whole response, headers too. */
const char *front_http(struct front *w, const char *request, size_t len);
const char *front_get(struct front *w, const char *path, const char *headers);
const char *front_post(struct front *w, const char *path, const char *headers, const char *body);
int http_status(const char *response);
const char *http_body(const char *response);

#endif
