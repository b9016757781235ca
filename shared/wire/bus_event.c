/* SPDX-License-Identifier: MIT
 *
 * Events on the bus: CloudEvents 1.0.2, NATS protocol binding, binary content mode. JetStream
 * answers a publication that has a reply subject. A stream of one replica stores what one
 * connection published in that order: so of many durable events only the last is asked, and its
 * answer stands for all, provided that the connection was the same throughout. With more replicas
 * a change of leaders may lose one in the middle, so each is asked. Our own mux gives an answer,
 * its absence and the loss of the connection exactly once. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/wire/bus_private.h"
#include "shared/wire/json.h"

enum {
    ACK_WITHIN_US = 5 * 1000000,
    SUBJECT_MAX = 128,
};

struct publication {
    struct bus_link *link;
    unsigned attachments; /* the link's when the first event went out */
    atomic_int left;      /* questions, and one of publish_all's own */
    atomic_bool is_kept;
    bus_acked_fn *acked;
    void *arg;
};

static bool is_kept(natsMsg *msg)
{
    auto_json json_t *ack =
        json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), 0, NULL);
    return json_is_string(json_object_get(ack, "stream")) && json_object_get(ack, "error") == NULL;
}

static void one_less(struct publication *p, bool is_ok)
{
    if (!is_ok)
        atomic_store(&p->is_kept, false);
    if (atomic_fetch_sub(&p->left, 1) > 1)
        return;
    p->acked(p->arg, atomic_load(&p->is_kept));
    free(p);
}

static void on_ack(void *arg, enum err e, natsMsg *msg)
{
    struct publication *p = arg;
    auto_msg natsMsg *owned = msg;
    bool is_same = atomic_load(&p->link->attachments) == p->attachments;
    one_less(p, e == OK && is_same && is_kept(owned));
}

/* "evt.v1.1.s.42.c.77.message.create" is about "s.42.c.77". */
static void what_about(const char *subject, char out[SUBJECT_MAX])
{
    const char *from = subject;
    const char *to = subject + strlen(subject);
    for (int i = 0; i < 3 && from != NULL; i++) {
        from = strchr(from, '.');
        from = from != NULL ? from + 1 : NULL;
    }
    for (int i = 0; i < 2 && to != NULL; i++)
        to = memrchr(subject, '.', (size_t)(to - subject));
    bool fits = from != NULL && to != NULL && from < to && to - from < SUBJECT_MAX;
    (void)snprintf(out, SUBJECT_MAX, "%.*s", fits ? (int)(to - from) : 0, fits ? from : "");
}

/* NULL: no answer is wanted. */
static enum err send_durable(struct bus *b, const struct bus_out *out, struct publication *p)
{
    if (p == NULL)
        return bus_send_by(&b->ask, out);
    atomic_fetch_add(&p->left, 1);
    enum err e = bus_ask(b, out, mono_us() + ACK_WITHIN_US, on_ack, p);
    if (e != OK)
        atomic_fetch_sub(&p->left, 1);
    return e;
}

static enum err publish_one(struct bus *b, const char *source, const struct event *ev,
                            struct publication *p)
{
    const struct event_type *type = &event_types[ev->type];
    char name[64];
    char time[TIME_TEXT_SIZE];
    char about[SUBJECT_MAX];
    char seq[24];
    (void)snprintf(name, sizeof(name), "parley.%s", type->name);
    (void)snprintf(seq, sizeof(seq), "%" PRId64, ev->seq);
    time_format_rfc3339(ev->time_us, time);
    what_about(ev->subject, about);

    const struct bus_head heads[] = {
        {"ce-specversion",     "1.0"                                   },
        {"ce-id",              ev->id                                  },
        {"ce-type",            name                                    },
        {"ce-source",          source                                  },
        {"ce-time",            time                                    },
        {"ce-subject",         about                                   },
        {"ce-datacontenttype", "application/json"                      },
        {"Nats-Msg-Id",        type->keeping == DURABLE ? ev->id : NULL},
        {"Parley-Seq",         ev->seq != 0 ? seq : NULL               },
        {"traceparent",        ev->trace                               },
    };
    const struct bus_out out = {
        .subject = ev->subject,
        .heads = heads,
        .head_count = ARRAY_LEN(heads),
        .body = ev->body,
        .body_len = ev->body_len,
    };
    return type->keeping == DURABLE ? send_durable(b, &out, p) : bus_send(b, &out);
}

static bool is_durable(const struct event *ev)
{
    return event_types[ev->type].keeping == DURABLE;
}

/* Nobody waits for a fleeting event: when the bus is away it is simply gone. */
static enum err publish_all(struct bus *b, const char *source, const struct event *const *evs,
                            size_t n, struct publication *p)
{
    size_t last = n;
    while (last > 0 && !is_durable(evs[last - 1]))
        last--;
    for (size_t i = 0; i < n; i++) {
        enum err e = publish_one(b, source, evs[i], b->is_replicated || i + 1 == last ? p : NULL);
        if (e == OK)
            continue;
        if (is_durable(evs[i]))
            return e;
        LOG(DEBUG, "event.gone", KV("type", event_types[evs[i]->type].name));
    }
    return OK;
}

enum err bus_publish_events(struct bus *b, const char *source, const struct event *const *evs,
                            size_t n)
{
    return publish_all(b, source, evs, n, NULL);
}

void bus_keep_events(struct bus *b, const char *source, const struct event *const *evs, size_t n,
                     bus_acked_fn *acked, void *arg)
{
    struct publication *p = heap_alloc(sizeof(*p));
    *p = (struct publication){
        .link = &b->ask,
        .attachments = atomic_load(&b->ask.attachments),
        .left = 1,
        .is_kept = true,
        .acked = acked,
        .arg = arg,
    };
    bus_hold(b);
    enum err e = publish_all(b, source, evs, n, p);
    bus_release(b);
    one_less(p, e == OK);
}
