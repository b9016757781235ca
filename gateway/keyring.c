/* SPDX-License-Identifier: MIT
 *
 * One fetch at a time, whoever asks: made-up key ids cannot turn into a storm of questions.
 */
#include "gateway/keyring.h"

#include <pthread.h>

#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/crypto/token.h"
#include "shared/wire/bus.h"

enum { FRESH_US = 5 * 1000000 };

struct keyring {
    struct bus *bus;
    struct token_keys *keys;
    pthread_mutex_t lock; /* guards what follows */
    struct keyring_wait *waiting;
    int64_t fetched_us; /* monotonic; 0: never */
    bool is_fetching;
};

struct keyring *keyring_new(struct gateway *g)
{
    struct keyring *k = heap_alloc(sizeof(*k));
    k->bus = g->bus;
    k->keys = token_keys_new(g->settings->token_issuer, g->settings->token_audience);
    pthread_mutex_init(&k->lock, NULL);
    return k;
}

void keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    token_keys_free(k->keys);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

struct token_keys *keyring_keys(struct keyring *k)
{
    return k->keys;
}

bool keyring_is_loaded(struct keyring *k)
{
    pthread_mutex_lock(&k->lock);
    bool is_loaded = k->fetched_us != 0;
    pthread_mutex_unlock(&k->lock);
    return is_loaded;
}

static enum err take_keys(struct keyring *k, enum err e, natsMsg *msg)
{
    struct ask_answer answer;
    ask_read(e, msg, &answer);
    if (answer.err != OK)
        return ERR_UNAVAILABLE;
    if (token_keys_load(k->keys, answer.body, answer.len) != OK) {
        LOG(ERROR, "keys.unreadable", KV("bytes", (int64_t)answer.len));
        return ERR_UNAVAILABLE;
    }
    return OK;
}

static void on_keys(void *arg, enum err e, natsMsg *msg)
{
    struct keyring *k = arg;
    e = take_keys(k, e, msg);
    bus_msg_free(msg);

    pthread_mutex_lock(&k->lock);
    struct keyring_wait *told = k->waiting;
    k->waiting = NULL;
    k->is_fetching = false;
    if (e == OK)
        k->fetched_us = mono_us();
    pthread_mutex_unlock(&k->lock);

    while (told != NULL) {
        /* fn may free what holds it. */
        struct keyring_wait *next = told->next;
        told->fn(told->arg, e);
        told = next;
    }
}

void keyring_refresh(struct keyring *k, struct keyring_wait *w, keyring_fn *fn, void *arg)
{
    pthread_mutex_lock(&k->lock);
    bool is_fresh = k->fetched_us != 0 && mono_us() - k->fetched_us < FRESH_US;
    bool is_first = !is_fresh && !k->is_fetching;
    if (!is_fresh) {
        *w = (struct keyring_wait){k->waiting, fn, arg};
        k->waiting = w;
        k->is_fetching = true;
    }
    pthread_mutex_unlock(&k->lock);

    if (is_fresh)
        fn(arg, OK);
    else if (is_first)
        ask_start(k->bus, "rpc.auth.key.list", "{}", on_keys, k);
}
