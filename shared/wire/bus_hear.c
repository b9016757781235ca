/* SPDX-License-Identifier: MIT
 *
 * Subscriptions. libnats delivers from a small pool of threads; a subscription's memory is freed
 * only after libnats has said that no more of its messages will be delivered. */

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/wire/bus_private.h"

enum {
    PENDING_MSGS = 1 << 18, /* beyond it libnats drops and on_error cries */
    PENDING_BYTES = 64 << 20,
    END_MS = 5000,
};

struct bus_sub {
    natsSubscription *sub;
    bus_hear_fn *fn;
    void *arg;
    sem_t ended;
};

static void deliver(natsConnection *nc UNUSED, natsSubscription *sub UNUSED, natsMsg *msg,
                    void *closure)
{
    struct bus_sub *s = closure;
    s->fn(s->arg, msg);
}

static void on_end(void *closure)
{
    struct bus_sub *s = closure;
    sem_post(&s->ended);
}

static void discard(struct bus_sub *s)
{
    natsSubscription_Destroy(s->sub);
    sem_destroy(&s->ended);
    free(s);
}

enum err bus_hear_on(struct bus_link *link, const char *subject, const char *queue, bus_hear_fn *fn,
                     void *arg, struct bus_sub **ret)
{
    struct bus_sub *s = heap_alloc(sizeof(*s));
    s->fn = fn;
    s->arg = arg;
    sem_init(&s->ended, 0, 0);
    /* Without a queue group every copy hears everything. */
    natsStatus status =
        queue != NULL ? natsConnection_QueueSubscribe(&s->sub, link->nc, subject, queue, deliver, s)
                      : natsConnection_Subscribe(&s->sub, link->nc, subject, deliver, s);
    if (status != NATS_OK) {
        discard(s);
        return bus_from_status(status);
    }
    (void)natsSubscription_SetOnCompleteCB(s->sub, on_end, s);
    (void)natsSubscription_SetPendingLimits(s->sub, PENDING_MSGS, PENDING_BYTES);
    *ret = s;
    return OK;
}

enum err bus_hear(struct bus *b, const char *subject, const char *queue, bus_hear_fn *fn, void *arg,
                  struct bus_sub **ret)
{
    return bus_hear_on(&b->hear, subject, queue, fn, arg, ret);
}

size_t bus_sub_waiting(struct bus_sub *s)
{
    int messages;
    int bytes;
    return natsSubscription_GetPending(s->sub, &messages, &bytes) == NATS_OK ? (size_t)bytes : 0;
}

static void wait_end(struct bus_sub *s, int timeout_ms)
{
    int64_t until_us = mono_us() + timeout_ms * INT64_C(1000);
    const struct timespec until = {.tv_sec = until_us / 1000000,
                                   .tv_nsec = until_us % 1000000 * 1000};
    int failed;
    do
        failed = sem_clockwait(&s->ended, CLOCK_MONOTONIC, &until);
    while (failed != 0 && errno == EINTR);
    if (failed == 0)
        discard(s);
    else
        LOG(ERROR, "bus.stuck", KV("subject", natsSubscription_GetSubject(s->sub)));
}

void bus_unhear(struct bus_sub *s)
{
    if (s == NULL)
        return;
    (void)natsSubscription_Unsubscribe(s->sub);
    wait_end(s, END_MS);
}

void bus_drain(struct bus_sub *s, int timeout_ms)
{
    if (s == NULL)
        return;
    /* The drain ends by its own time-out, with an unsubscription if need be. */
    if (natsSubscription_DrainTimeout(s->sub, timeout_ms) != NATS_OK)
        (void)natsSubscription_Unsubscribe(s->sub);
    wait_end(s, timeout_ms + END_MS);
}
