/* SPDX-License-Identifier: MIT
 *
 * Durable pull consumers. Nothing is asked of the server before the first fetch and everything is
 * asked again after a failure, so a consumer outlives a server that is late, restarts or has lost
 * its store. */

#include <stdlib.h>

#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/wire/bus_private.h"

enum {
    ACK_WAIT_S = 30,
    ACK_PENDING = 1000,
    NAK_FIRST_MS = 250,
    NAK_DOUBLINGS = 7, /* 32 s at most */
};
#define NS_PER_SECOND INT64_C(1000000000)

struct bus_consumer {
    struct bus *bus;
    char *durable;
    char *filter;
    jsCtx *js;
    natsSubscription *sub; /* NULL: to be made at the next fetch */
};

enum err bus_consumer_open(struct bus *b, const char *durable, const char *filter,
                           struct bus_consumer **ret)
{
    struct bus_consumer *c = heap_alloc(sizeof(*c));
    *c = (struct bus_consumer){
        .bus = b,
        .durable = heap_strdup(durable),
        .filter = heap_strdup(filter),
    };
    *ret = c;
    return OK;
}

static void detach(struct bus_consumer *c)
{
    natsSubscription_Destroy(c->sub);
    jsCtx_Destroy(c->js);
    c->sub = NULL;
    c->js = NULL;
}

static enum err failed(const struct bus_consumer *c, const char *what, natsStatus status,
                       jsErrCode code)
{
    LOG(WARN, "bus.consumer", KV("consumer", c->durable), KV("failed", what),
        KV("status", natsStatus_GetText(status)), KV("code", (int)code));
    return ERR_UNAVAILABLE;
}

/* A new consumer begins with the oldest event that is kept: projections need them all. */
static enum err attach(struct bus_consumer *c)
{
    jsErrCode code = 0;
    jsConsumerConfig config;
    (void)jsConsumerConfig_Init(&config);
    config.Durable = c->durable;
    config.FilterSubject = c->filter;
    config.DeliverPolicy = js_DeliverAll;
    config.AckPolicy = js_AckExplicit;
    config.AckWait = ACK_WAIT_S * NS_PER_SECOND;
    config.MaxAckPending = ACK_PENDING;

    TRY(bus_jetstream(&c->bus->hear, &c->js));
    natsStatus status = js_AddConsumer(NULL, c->js, BUS_STREAM, &config, NULL, &code);
    if (status != NATS_OK)
        return failed(c, "create", status, code);

    jsSubOptions o;
    (void)jsSubOptions_Init(&o);
    o.Stream = BUS_STREAM;
    o.Consumer = c->durable;
    status = js_PullSubscribe(&c->sub, c->js, c->filter, c->durable, NULL, &o, &code);
    return status == NATS_OK ? OK : failed(c, "subscribe", status, code);
}

enum err bus_consumer_fetch(struct bus_consumer *c, natsMsg **msgs, int max, int timeout_ms,
                            int *ret_count)
{
    if (!bus_link_is_up(&c->bus->hear))
        return ERR_UNAVAILABLE;
    enum err e = c->sub != NULL ? OK : attach(c);
    if (e != OK) {
        detach(c);
        return e;
    }
    natsMsgList list = {0};
    natsStatus status = natsSubscription_Fetch(&list, c->sub, max, timeout_ms, NULL);
    if (status != NATS_OK && status != NATS_TIMEOUT) {
        detach(c);
        return failed(c, "fetch", status, 0);
    }
    for (int i = 0; i < list.Count; i++) {
        msgs[i] = list.Msgs[i];
        list.Msgs[i] = NULL;
    }
    *ret_count = list.Count;
    natsMsgList_Destroy(&list);
    return OK;
}

void bus_consumer_close(struct bus_consumer *c)
{
    if (c == NULL)
        return;
    detach(c);
    free(c->durable);
    free(c->filter);
    free(c);
}

/* A lost acknowledgement is only another delivery, and handlers are idempotent. */
void bus_ack(natsMsg *msg)
{
    (void)natsMsg_Ack(msg, NULL);
}

int bus_deliveries(natsMsg *msg)
{
    jsMsgMetaData *meta = NULL;
    if (natsMsg_GetMetaData(&meta, msg) != NATS_OK)
        return 1;
    int n = (int)meta->NumDelivered;
    jsMsgMetaData_Destroy(meta);
    return n;
}

void bus_nak(natsMsg *msg)
{
    int doublings = bus_deliveries(msg) - 1;
    if (doublings > NAK_DOUBLINGS)
        doublings = NAK_DOUBLINGS;
    (void)natsMsg_NakWithDelay(msg, NAK_FIRST_MS << doublings, NULL);
}
