/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_KEYRING_H
#define GATEWAY_KEYRING_H

#include <stdbool.h>

#include "shared/base/err.h"

/* Auth's public keys, fetched when a token names one that is not here, at most every few seconds,
 * and kept when auth is away. Any thread. */
struct keyring;
struct gateway;
struct token_keys;

struct keyring *keyring_new(struct gateway *g);
void keyring_free(struct keyring *k); /* nothing may be in flight */

struct token_keys *keyring_keys(struct keyring *k);
bool keyring_is_loaded(struct keyring *k);

/* OK: the keys are as new as they get; ERR_UNAVAILABLE: auth is away. Who waits for the same fetch
 * is told by it. Exactly one call, perhaps before keyring_refresh returns. */
typedef void keyring_fn(void *arg, enum err e);
struct keyring_wait {
    struct keyring_wait *next;
    keyring_fn *fn;
    void *arg;
};
void keyring_refresh(struct keyring *k, struct keyring_wait *w, keyring_fn *fn, void *arg);

#endif
