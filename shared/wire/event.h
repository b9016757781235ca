/* SPDX-License-Identifier: MIT */
#ifndef SHARED_WIRE_EVENT_H
#define SHARED_WIRE_EVENT_H

#include <stdbool.h>

#include "shared/wire/req.h"

/* Events are rows of events.def. A handler emits; the dispatcher publishes after COMMIT. */
enum event_audience {
    AUDIENCE_CHANNEL,  /* who may see the channel; payload has channel_id and server_id */
    AUDIENCE_SERVER,   /* members with the row's permission; payload has server_id */
    AUDIENCE_USER,     /* that user's sessions only; payload is theirs to see */
    AUDIENCE_INSTANCE, /* processes of ours; never sent to clients unless INTENT says so */
};

enum event_keeping {
    DURABLE,  /* outbox and JetStream: at least once, whatever crashes */
    FLEETING, /* core NATS only: typing, presence, speaking */
};

/* What a gateway must do besides passing it on. */
enum event_effect {
    EFFECT_NONE,
    EFFECT_VIEW,   /* may change who sees which channel of the server */
    EFFECT_MEMBER, /* may change the rights of the member `user_id` in the payload */
    EFFECT_REVOKE, /* closes sessions */
};

enum event_id {
#define EVENT(id, name, audience, keeping, effect, perm, shape, text) EV_##id,
#include "shared/wire/events.def"
#undef EVENT
    EVENT_COUNT
};

struct event_type {
    const char *name; /* "message.create": the subject's tail and the client's `t` */
    enum event_audience audience;
    enum event_keeping keeping;
    enum event_effect effect;
    uint64_t permission; /* of a SERVER event: only members with it in the server are told */
    const char *shape;   /* the payload's shape, by name; the service that emits it exports it */
    const char *text;
};
extern const struct event_type event_types[EVENT_COUNT];

/* Looks an event up by its name; NULL when there is none. */
const struct event_type *event_type_find(const char *name);

/* Where one event goes; what the audience does not need stays 0. An INSTANCE event's subject names
 * the object it is about: `user`, or 0. */
struct event_to {
    snowflake server;
    snowflake channel;
    snowflake user;
    int64_t seq; /* of the channel, server or user; 0 when it takes none */
};

struct event {
    struct event *next;
    enum event_id type;
    const char *subject;
    const char *id; /* CloudEvents id, also Nats-Msg-Id */
    int64_t seq;
    int64_t time_us;   /* when it was emitted */
    const char *trace; /* W3C traceparent of the request that caused it, or NULL */
    const char *body;  /* JSON */
    size_t body_len;
};

/* Encode and keep the event with the request. */
void emit(struct req *rq, enum event_id ev, struct event_to to, const struct shape *sh,
          const void *obj);

/* All kept durable events as one outbox document, oldest first, and back in that order. It is text
 * whose form is private to event.c; documents may be appended to each other. */
bool events_any_durable(const struct event *first);
void events_pack(const struct event *first, struct buf *out);
MUST_CHECK enum err events_unpack(struct arena *a, const char *data, size_t len,
                                  struct event **ret);

#endif
