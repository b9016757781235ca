/* SPDX-License-Identifier: MIT
 *
 * Events from the handler to the outbox and back. An event's id is fixed when it is emitted and
 * travels with it: publishing it again, by whichever process, is recognised by that id. */

#include "shared/wire/event.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/rand.h"
#include "shared/base/str.h"
#include "shared/domain/permission.h"
#include "shared/wire/json.h"

const struct event_type event_types[EVENT_COUNT] = {
#define EVENT(id, name, audience, keeping, effect, perm, shape, text) \
    [EV_##id] = {name, AUDIENCE_##audience, keeping, EFFECT_##effect, PERM_##perm, #shape, text},
#include "shared/wire/events.def"
#undef EVENT
};

const struct event_type *event_type_find(const char *name)
{
    for (size_t i = 0; i < EVENT_COUNT; i++)
        if (strcmp(event_types[i].name, name) == 0)
            return &event_types[i];
    return NULL;
}

/* ---- emit ---- */

enum { PREFIX_BYTES = 12 };

static char id_prefix[BASE64URL_SIZE(PREFIX_BYTES)];

static void make_prefix(void)
{
    uint8_t bytes[PREFIX_BYTES];
    rand_bytes(bytes, sizeof(bytes));
    base64url_encode(bytes, sizeof(bytes), id_prefix);
}

/* Random once a process, counted from there: unique without asking the kernel for every event. */
static const char *next_id(struct arena *a)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static uint64_t count;
    pthread_once(&once, make_prefix);
    uint64_t n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    return arena_printf(a, "%s-%" PRIx64, id_prefix, n);
}

static const char *subject_of(struct arena *a, snowflake app, const struct event_type *type,
                              const struct event_to *to)
{
    switch (type->audience) {
    case AUDIENCE_CHANNEL:
        assert(to->server != 0 && to->channel != 0);
        return arena_printf(a, "evt.v1.%" PRIu64 ".s.%" PRIu64 ".c.%" PRIu64 ".%s", app, to->server,
                            to->channel, type->name);
    case AUDIENCE_SERVER:
        assert(to->server != 0);
        return arena_printf(a, "evt.v1.%" PRIu64 ".s.%" PRIu64 ".%s", app, to->server, type->name);
    case AUDIENCE_USER:
        assert(to->user != 0);
        return arena_printf(a, "evt.v1.%" PRIu64 ".u.%" PRIu64 ".%s", app, to->user, type->name);
    case AUDIENCE_INSTANCE:
        return arena_printf(a, "evt.v1.%" PRIu64 ".i.%" PRIu64 ".%s", app, to->user, type->name);
    }
    return NULL;
}

void emit(struct req *rq, enum event_id id, struct event_to to, const struct shape *sh,
          const void *obj)
{
    auto_buf struct buf body = {0};
    shape_encode(sh, obj, &body);

    struct event *ev = arena_new(&rq->arena, struct event);
    *ev = (struct event){
        .next = rq->events,
        .type = id,
        .subject = subject_of(&rq->arena, rq->app, &event_types[id], &to),
        .id = next_id(&rq->arena),
        .seq = to.seq,
        .time_us = clock_us(),
        .trace = rq->from != NULL ? rq->from->trace : NULL,
        .body = arena_strndup(&rq->arena, buf_str(&body), body.len),
        .body_len = body.len,
    };
    rq->events = ev;
}

/* ---- the outbox document ----
 * A record an event, nothing between records: version, then the numbers and the texts, each text
 * behind its length, numbers in decimal and ended by a blank: text, as the outbox stores it. The
 * type goes by name, because its number may be another one in the process that reads it. */

enum { RECORD_VERSION = 1 };

static void put_number(struct buf *out, uint64_t value)
{
    buf_add_u64(out, value);
    buf_addc(out, ' ');
}

static void put_text(struct buf *out, const char *text, size_t len)
{
    put_number(out, len);
    buf_add(out, text, len);
}

static void pack(const struct event *ev, struct buf *out)
{
    const char *name = event_types[ev->type].name;
    const char *trace = ev->trace != NULL ? ev->trace : "";
    put_number(out, RECORD_VERSION);
    put_number(out, (uint64_t)ev->seq);
    put_number(out, (uint64_t)ev->time_us);
    put_text(out, name, strlen(name));
    put_text(out, ev->subject, strlen(ev->subject));
    put_text(out, ev->id, strlen(ev->id));
    put_text(out, trace, strlen(trace));
    put_text(out, ev->body, ev->body_len);
}

bool events_any_durable(const struct event *first)
{
    for (const struct event *ev = first; ev != NULL; ev = ev->next)
        if (event_types[ev->type].keeping == DURABLE)
            return true;
    return false;
}

/* A request's events are newest first; the document is in the order they happened, which is the
 * order the relay publishes them in. The depth is bounded by how many events one handler emits. */
void events_pack(const struct event *first, struct buf *out)
{
    if (first == NULL)
        return;
    events_pack(first->next, out);
    if (event_types[first->type].keeping == DURABLE)
        pack(first, out);
}

struct cursor {
    const char *at;
    size_t left;
    struct arena *arena;
};

static enum err take_number(struct cursor *c, uint64_t *ret)
{
    const char *end = memchr(c->at, ' ', c->left);
    if (end == NULL || !str_parse_u64(c->at, (size_t)(end - c->at), ret))
        return ERR_INTERNAL;
    c->left -= (size_t)(end + 1 - c->at);
    c->at = end + 1;
    return OK;
}

static enum err take_text(struct cursor *c, const char **ret, size_t *ret_len)
{
    uint64_t len;
    TRY(take_number(c, &len));
    if (len > c->left)
        return ERR_INTERNAL;
    *ret = arena_strndup(c->arena, c->at, len);
    *ret_len = len;
    c->at += len;
    c->left -= len;
    return OK;
}

static enum err unpack(struct cursor *c, struct event *ret)
{
    uint64_t version;
    uint64_t seq;
    uint64_t time_us;
    const char *name;
    size_t len;
    TRY(take_number(c, &version));
    if (version != RECORD_VERSION)
        return ERR_INTERNAL;
    TRY(take_number(c, &seq));
    TRY(take_number(c, &time_us));
    TRY(take_text(c, &name, &len));
    TRY(take_text(c, &ret->subject, &len));
    TRY(take_text(c, &ret->id, &len));
    TRY(take_text(c, &ret->trace, &len));
    if (len == 0)
        ret->trace = NULL;
    TRY(take_text(c, &ret->body, &ret->body_len));

    const struct event_type *type = event_type_find(name);
    if (type == NULL)
        return ERR_INTERNAL;
    ret->type = (enum event_id)(type - event_types);
    ret->seq = (int64_t)seq;
    ret->time_us = (int64_t)time_us;
    return OK;
}

enum err events_unpack(struct arena *a, const char *data, size_t len, struct event **ret)
{
    struct cursor c = {.at = data, .left = len, .arena = a};
    struct event *first = NULL;
    struct event **last = &first;
    while (c.left > 0) {
        struct event *ev = arena_new(a, struct event);
        TRY(unpack(&c, ev));
        *last = ev;
        last = &ev->next;
    }
    *ret = first;
    return OK;
}
