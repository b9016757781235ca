/* SPDX-License-Identifier: MIT
 *
 * The connections and their lives. libnats reconnects and subscribes again by itself; what it
 * tells us by callbacks is kept as one word a connection, so that a sender learns at once that the
 * bus is down instead of filling a buffer that is sent when nobody waits any more. */

#include "shared/wire/bus.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/wire/bus_private.h"

enum {
    DELIVERY_THREADS = 2,
    CONNECT_MS = 1000,
    RECONNECT_WAIT_MS = 100,
    RECONNECT_JITTER_MS = 100,
    PING_INTERVAL_MS = 5000,
    PINGS_UNANSWERED = 2,
    CLOSE_MS = 5000,
    FLUSH_MS = 1000,
    UNSENT_MAX = 8 << 20,
    ROOM_US = 100000,
};

enum err bus_from_status(natsStatus s)
{
    if (s == NATS_OK)
        return OK;
    if (s == NATS_TIMEOUT)
        return ERR_TIMEOUT;
    return s == NATS_MAX_PAYLOAD ? ERR_TOO_LARGE : ERR_UNAVAILABLE;
}

bool bus_link_is_up(const struct bus_link *link)
{
    return atomic_load_explicit(&link->state, memory_order_relaxed) == LINK_UP;
}

bool bus_is_up(const struct bus *b)
{
    return bus_link_is_up(&b->ask) && bus_link_is_up(&b->hear);
}

/* ---- what libnats tells ---- */

static bool is_closing(struct bus *b)
{
    pthread_mutex_lock(&b->lock);
    bool closing = b->is_closing;
    pthread_mutex_unlock(&b->lock);
    return closing;
}

static void on_up(natsConnection *nc UNUSED, void *closure)
{
    struct bus_link *link = closure;
    struct bus *b = link->bus;
    atomic_store(&link->state, LINK_UP);
    LOG(INFO, "bus.up", KV("link", link->name));
    if (link != &b->hear)
        return;
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->listener_count; i++)
        b->listeners[i].fn(b->listeners[i].arg);
    pthread_mutex_unlock(&b->lock);
}

static void on_down(natsConnection *nc UNUSED, void *closure)
{
    struct bus_link *link = closure;
    struct bus *b = link->bus;
    atomic_store(&link->state, LINK_DOWN);
    if (is_closing(b))
        return;
    LOG(WARN, "bus.down", KV("link", link->name));
    if (link != &b->hear)
        bus_asks_fail(b->asks);
}

/* libnats gives up when the server refuses us, and when the very first one it reached hung up on
 * it: in neither case does it try again, so whoever supervises the process does. */
static void on_closed(natsConnection *nc, void *closure)
{
    struct bus_link *link = closure;
    struct bus *b = link->bus;
    const char *text = NULL;
    if (!is_closing(b)) {
        bool is_auth = natsConnection_GetLastError(nc, &text) == NATS_CONNECTION_AUTH_FAILED;
        die("bus: %s%s", text != NULL ? text : "refused",
            is_auth ? "; are the credentials right?" : "");
    }
    pthread_mutex_lock(&b->lock);
    b->open_links--;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

/* Permission violations arrive only here: publishing and subscribing returned OK long ago. */
static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus err, void *closure)
{
    struct bus_link *link = closure;
    const char *text = NULL;
    (void)natsConnection_GetLastError(nc, &text);
    LOG(ERROR, err == NATS_SLOW_CONSUMER ? "bus.slow_consumer" : "bus.error",
        KV("link", link->name), KV("status", natsStatus_GetText(err)),
        KV("subject", sub != NULL ? natsSubscription_GetSubject(sub) : ""),
        KV("detail", text != NULL ? text : ""));
}

/* ---- open and close ---- */

static natsStatus set_limits(natsOptions *o)
{
    bool failed =
        natsOptions_SetTimeout(o, CONNECT_MS) != NATS_OK ||
        natsOptions_SetMaxReconnect(o, -1) != NATS_OK ||
        natsOptions_SetReconnectWait(o, RECONNECT_WAIT_MS) != NATS_OK ||
        natsOptions_SetReconnectJitter(o, RECONNECT_JITTER_MS, RECONNECT_JITTER_MS) != NATS_OK ||
        natsOptions_SetPingInterval(o, PING_INTERVAL_MS) != NATS_OK ||
        natsOptions_SetMaxPingsOut(o, PINGS_UNANSWERED) != NATS_OK;
    return failed ? NATS_INVALID_ARG : NATS_OK;
}

static natsStatus set_callbacks(natsOptions *o, struct bus_link *link)
{
    bool failed = natsOptions_SetErrorHandler(o, on_error, link) != NATS_OK ||
                  natsOptions_SetDisconnectedCB(o, on_down, link) != NATS_OK ||
                  natsOptions_SetReconnectedCB(o, on_up, link) != NATS_OK ||
                  natsOptions_SetClosedCB(o, on_closed, link) != NATS_OK ||
                  natsOptions_SetRetryOnFailedConnect(o, true, on_up, link) != NATS_OK;
    return failed ? NATS_INVALID_ARG : NATS_OK;
}

/* SendAsap: every publication wakes bus_io, unless it is awake already. */
static natsStatus set_manners(natsOptions *o, struct bus_link *link, const struct bus_settings *s)
{
    char inbox[64];
    (void)snprintf(inbox, sizeof(inbox), "_INBOX.%s", s->name);
    bool failed = natsOptions_SetURL(o, s->url) != NATS_OK ||
                  natsOptions_SetName(o, s->name) != NATS_OK ||
                  natsOptions_SetCustomInboxPrefix(o, inbox) != NATS_OK ||
                  natsOptions_UseGlobalMessageDelivery(o, true) != NATS_OK ||
                  natsOptions_SetSendAsap(o, true) != NATS_OK || bus_io_attach(link, o) != NATS_OK;
    return failed ? NATS_INVALID_ARG : NATS_OK;
}

static void options_free_p(natsOptions **o)
{
    natsOptions_Destroy(*o);
}

static enum err link_open(struct bus_link *link, const struct bus_settings *s)
{
    __attribute__((cleanup(options_free_p))) natsOptions *o = NULL;
    if (natsOptions_Create(&o) != NATS_OK || set_limits(o) != NATS_OK ||
        set_callbacks(o, link) != NATS_OK || set_manners(o, link, s) != NATS_OK)
        return ERR_INTERNAL;

    natsStatus status = natsConnection_Connect(&link->nc, o);
    if (status != NATS_OK && status != NATS_NOT_YET_CONNECTED) {
        LOG(ERROR, "bus.refused", KV("link", link->name), KV("status", natsStatus_GetText(status)));
        return ERR_UNAVAILABLE;
    }
    pthread_mutex_lock(&link->bus->lock);
    link->bus->open_links++;
    pthread_mutex_unlock(&link->bus->lock);
    enum link_state expected = LINK_NEW;
    atomic_compare_exchange_strong(&link->state, &expected,
                                   status == NATS_OK ? LINK_UP : LINK_DOWN);
    return OK;
}

static void wait_closed(struct bus *b)
{
    int64_t until_us = mono_us() + CLOSE_MS * INT64_C(1000);
    const struct timespec until = {.tv_sec = until_us / 1000000,
                                   .tv_nsec = until_us % 1000000 * 1000};
    int timed_out = 0;
    pthread_mutex_lock(&b->lock);
    while (b->open_links > 0 && timed_out == 0)
        timed_out = pthread_cond_timedwait(&b->changed, &b->lock, &until);
    pthread_mutex_unlock(&b->lock);
}

static void init_lock(struct bus *b)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, &attr);
    pthread_condattr_destroy(&attr);
}

/* The links' callbacks use the mux, so it is there before them and knows its link later. */
static enum err open_all(struct bus *b, const struct bus_settings *s)
{
    TRY(link_open(&b->ask, s));
    TRY(link_open(&b->hear, s));
    return bus_asks_open(b->asks, &b->ask, s->name);
}

enum err bus_open(const struct bus_settings *s, struct bus **ret)
{
    /* Waiting for a lock by spinning takes from whoever holds it the processor it needs. */
    (void)nats_Open(0);
    (void)nats_SetMessageDeliveryPoolSize(DELIVERY_THREADS);
    struct bus *b = heap_alloc(sizeof(*b));
    b->name = heap_strdup(s->name);
    b->ask = (struct bus_link){.bus = b, .name = "ask"};
    b->hear = (struct bus_link){.bus = b, .name = "hear"};
    b->asks = bus_asks_new();
    init_lock(b);
    bus_io_link_init(&b->ask);
    bus_io_link_init(&b->hear);
    b->io = bus_io_new(b);
    enum err e = open_all(b, s);
    if (e != OK) {
        bus_close(b);
        return e;
    }
    *ret = b;
    return OK;
}

void bus_close(struct bus *b)
{
    if (b == NULL)
        return;
    pthread_mutex_lock(&b->lock);
    b->is_closing = true;
    pthread_mutex_unlock(&b->lock);

    bus_asks_close(b->asks);
    /* The last answers and events are still on their way. */
    if (bus_ping(b, FLUSH_MS) != OK)
        LOG(DEBUG, "bus.unflushed", KV("name", b->name));
    bus_io_stop(b->io);
    natsConnection_Close(b->hear.nc);
    natsConnection_Close(b->ask.nc);
    wait_closed(b);
    bus_io_free(b->io);
    natsConnection_Destroy(b->hear.nc);
    natsConnection_Destroy(b->ask.nc);
    bus_asks_free(b->asks);
    bus_msgs_free();
    bus_io_link_done(&b->ask);
    bus_io_link_done(&b->hear);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    free(b->name);
    free(b);
}

enum err bus_ping(struct bus *b, int timeout_ms)
{
    if (!bus_is_up(b))
        return ERR_UNAVAILABLE;
    TRY(bus_from_status(natsConnection_FlushTimeout(b->ask.nc, timeout_ms)));
    return bus_from_status(natsConnection_FlushTimeout(b->hear.nc, timeout_ms));
}

enum err bus_flush(struct bus *b, int timeout_ms)
{
    return bus_from_status(natsConnection_FlushTimeout(b->hear.nc, timeout_ms));
}

void bus_on_reconnect(struct bus *b, void (*fn)(void *), void *arg)
{
    pthread_mutex_lock(&b->lock);
    assert(b->listener_count < BUS_LISTENERS_MAX);
    b->listeners[b->listener_count++] = (struct bus_listener){fn, arg};
    pthread_mutex_unlock(&b->lock);
}

void bus_off_reconnect(struct bus *b, const void *arg)
{
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->listener_count;)
        if (b->listeners[i].arg == arg)
            b->listeners[i] = b->listeners[--b->listener_count];
        else
            i++;
    pthread_mutex_unlock(&b->lock);
}

/* ---- send ---- */

static bool is_plain(const struct bus_out *out)
{
    for (size_t i = 0; i < out->head_count; i++)
        if (out->heads[i].value != NULL)
            return false;
    return out->reply_to == NULL;
}

/* What a server that has stopped reading makes us keep has a limit. */
bool bus_link_takes(const struct bus_link *link)
{
    return bus_link_is_up(link) &&
           (!atomic_load(&link->io_is_full) || natsConnection_Buffered(link->nc) < UNSENT_MAX);
}

static bool is_crowded(const struct bus_link *link)
{
    return atomic_load(&link->io_is_full) && natsConnection_Buffered(link->nc) > UNSENT_MAX / 2;
}

void bus_wait_room(struct bus *b)
{
    if (is_crowded(&b->ask))
        bus_io_wait_room(&b->ask, ROOM_US);
    if (is_crowded(&b->hear))
        bus_io_wait_room(&b->hear, ROOM_US);
}

enum err bus_send_by(struct bus_link *link, const struct bus_out *out)
{
    if (!bus_link_takes(link))
        return ERR_UNAVAILABLE;
    if (is_plain(out))
        return bus_from_status(
            natsConnection_Publish(link->nc, out->subject, out->body, (int)out->body_len));
    auto_msg natsMsg *msg = NULL;
    TRY(bus_msg_make(out, &msg));
    return bus_from_status(natsConnection_PublishMsg(link->nc, msg));
}

/* After a restart of the server the connections come back one by one: a question may be heard
 * before there is another way for its answer. */
enum err bus_send(struct bus *b, const struct bus_out *out)
{
    return bus_send_by(bus_link_is_up(&b->ask) ? &b->ask : &b->hear, out);
}

void bus_hold(struct bus *b)
{
    bus_io_hold(&b->ask);
}

void bus_release(struct bus *b)
{
    bus_io_release(&b->ask);
}
