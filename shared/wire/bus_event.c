/* SPDX-License-Identifier: MIT
 *
 * Events on the bus: CloudEvents 1.0.2, NATS protocol binding, binary content mode. A durable event
 * is asked rather than sent: JetStream answers a publication that has a reply subject, and our own
 * mux gives that answer, its absence and the loss of the connection to the caller exactly once. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/wire/bus_private.h"
#include "shared/wire/json.h"

enum {
    ACK_WITHIN_US = 5 * 1000000,
    SUBJECT_MAX = 128,
};

struct publication {
    bus_acked_fn *acked;
    void *arg;
};

static bool is_kept(natsMsg *msg)
{
    auto_json json_t *ack =
        json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), 0, NULL);
    return json_is_string(json_object_get(ack, "stream")) && json_object_get(ack, "error") == NULL;
}

static void on_ack(void *arg, enum err e, natsMsg *msg)
{
    struct publication *p = arg;
    auto_msg natsMsg *owned = msg;
    p->acked(p->arg, e == OK && is_kept(owned));
    free(p);
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

static enum err ask_jetstream(struct bus *b, const struct bus_out *out, bus_acked_fn *acked,
                              void *arg)
{
    struct publication *p = heap_alloc(sizeof(*p));
    *p = (struct publication){acked, arg};
    enum err e = bus_ask(b, out, mono_us() + ACK_WITHIN_US, on_ack, p);
    if (e != OK)
        free(p);
    return e;
}

enum err bus_publish_event(struct bus *b, const char *source, const struct event *ev,
                           bus_acked_fn *acked, void *arg)
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
    return type->keeping == DURABLE ? ask_jetstream(b, &out, acked, arg) : bus_send(b, &out);
}
