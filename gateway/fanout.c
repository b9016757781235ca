/* SPDX-License-Identifier: MIT
 *
 * A hearing is one subscription and the set of loops that want it; the bus's threads read that set
 * without a lock, loops change it under one. Frames are made on the bus's threads, so that a loop
 * only ever handles pointers. */

#include "gateway/fanout.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/feed.h"
#include "gateway/scan.h"
#include "gateway/server.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/ring.h"
#include "shared/base/thread.h"

enum {
    FLUSH_MS = 2000,
    FLUSHES_MAX = 65536,
    BACKLOG_MAX = 65536, /* posts a loop may have before durable news waits to be asked for */
    SUBJECT_SIZE = 96,
    TOKENS_MAX = 10
};

struct hearing {
    struct fanout *fanout;
    struct bus_sub *sub;
    struct map *home;
    snowflake id;
    enum audience_kind kind;
    _Atomic uint64_t loops; /* bit i: loop i wants it */
};

struct fanout {
    struct bus *bus;
    struct loop *loops[LOOPS_MAX];
    size_t loop_count;
    pthread_mutex_t lock; /* guards the maps */
    struct map servers;
    struct map users;
    struct ring *flushes;
    pthread_t flusher;
};

/* An event on its way to one loop. */
struct delivery {
    struct post post;
    struct frame *frame;
    enum audience_kind kind;
    snowflake id;
};

static void deliver(struct loop *l, struct post *p)
{
    struct delivery *d = CONTAINER_OF(p, struct delivery, post);
    if (d->kind == HEAR_SERVER) {
        struct server *s = server_find(l, d->id);
        if (s != NULL)
            server_hear(s, d->frame);
    } else {
        struct feed *f = map_get(&l->feeds, d->id);
        if (f != NULL)
            feed_hear(f, d->frame);
    }
    frame_unref(d->frame);
    free(d);
}

/* "evt.v1.<app>.s.<server>[.c.<channel>].<noun>.<verb>": ids and where the event's name begins. */
static const char *subject_read(const char *subject, struct event_to *ret)
{
    const char *tokens[TOKENS_MAX];
    size_t count = 0;
    tokens[count++] = subject;
    for (const char *dot = strchr(subject, '.'); dot != NULL && count < TOKENS_MAX;
         dot = strchr(dot + 1, '.'))
        tokens[count++] = dot + 1;
    *ret = (struct event_to){0};
    if (count == 7 && tokens[3][0] == 's')
        ret->server = strtoull(tokens[4], NULL, 10);
    else if (count == 7 && tokens[3][0] == 'u')
        ret->user = strtoull(tokens[4], NULL, 10);
    else if (count == 9 && tokens[5][0] == 'c') {
        ret->server = strtoull(tokens[4], NULL, 10);
        ret->channel = strtoull(tokens[6], NULL, 10);
    } else
        return NULL;
    return tokens[count - 2];
}

/* FNV-1a: ids are ours, and compared only with those of the last few events. */
static uint64_t hash_event_id(natsMsg *msg)
{
    const char *id = NULL;
    if (natsMsgHeader_Get(msg, "ce-id", &id) != NATS_OK || id == NULL)
        return 0;
    uint64_t h = 0xcbf29ce484222325ULL;
    for (; *id != '\0'; id++)
        h = (h ^ (uint8_t)*id) * 0x100000001b3ULL;
    return h;
}

static struct frame *frame_of_message(natsMsg *msg)
{
    struct event_to to;
    const char *name = subject_read(natsMsg_GetSubject(msg), &to);
    const struct event_type *type = name != NULL ? event_type_find(name) : NULL;
    if (type == NULL)
        return NULL;
    const char *seq = NULL;
    if (natsMsgHeader_Get(msg, "Parley-Seq", &seq) == NATS_OK && seq != NULL)
        to.seq = strtoll(seq, NULL, 10);
    struct frame *f =
        frame_event(type, to, natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg));
    f->event = hash_event_id(msg);
    if (type == &event_types[EV_CHANNEL_UPDATE]) {
        struct span id;
        if (!scan_member((struct span){f->bytes + f->body_at, f->body_len}, "id", &id) ||
            !scan_id(id, &f->about))
            f->about = UINT64_MAX; /* nobody sees that one */
    }
    return f;
}

static void on_message(void *arg, natsMsg *msg)
{
    struct hearing *h = arg;
    struct frame *f = frame_of_message(msg);
    uint64_t wanted = atomic_load_explicit(&h->loops, memory_order_acquire);
    for (size_t i = 0; f != NULL && i < h->fanout->loop_count; i++) {
        struct loop *l = h->fanout->loops[i];
        if ((wanted >> i & 1) == 0)
            continue;
        if (loop_backlog(l) > BACKLOG_MAX) {
            LOG(WARN, "fanout.dropped", KV("event", f->type->name), KV("loop", (int)i));
            continue;
        }
        struct delivery *d = heap_alloc(sizeof(*d));
        *d = (struct delivery){
            .post.run = deliver, .frame = frame_ref(f), .kind = h->kind, .id = h->id};
        loop_post(l, &d->post);
    }
    frame_unref(f);
    bus_msg_free(msg);
}

struct hearing *fanout_hear(struct fanout *f, enum audience_kind kind, snowflake app, snowflake id,
                            struct loop *l)
{
    struct map *home = kind == HEAR_SERVER ? &f->servers : &f->users;
    pthread_mutex_lock(&f->lock);
    struct hearing *h = map_get(home, id);
    if (h == NULL) {
        char subject[SUBJECT_SIZE];
        snprintf(subject, sizeof(subject), "evt.v1.%llu.%c.%llu.>", (unsigned long long)app,
                 kind == HEAR_SERVER ? 's' : 'u', (unsigned long long)id);
        h = heap_alloc(sizeof(*h));
        *h = (struct hearing){.fanout = f, .home = home, .id = id, .kind = kind};
        map_put(home, id, h);
        enum err e = bus_hear(f->bus, subject, NULL, on_message, h, &h->sub);
        if (e != OK)
            LOG(ERROR, "fanout.deaf", KV("subject", subject), KV("err", err_name(e)));
    }
    atomic_fetch_or(&h->loops, UINT64_C(1) << l->index);
    pthread_mutex_unlock(&f->lock);
    return h;
}

void fanout_unhear(struct fanout *f, struct hearing *h, struct loop *l)
{
    pthread_mutex_lock(&f->lock);
    uint64_t left =
        atomic_fetch_and(&h->loops, ~(UINT64_C(1) << l->index)) & ~(UINT64_C(1) << l->index);
    if (left == 0)
        map_del(h->home, h->id);
    pthread_mutex_unlock(&f->lock);
    if (left != 0)
        return;
    /* Waits for deliveries under way, so outside the lock. */
    bus_unhear(h->sub);
    free(h);
}

/* ---- flushing ---- */

enum { FLUSH_BATCH = 256, FLUSH_IDLE_MS = 60 * 1000 };

static void *flush_run(void *arg)
{
    struct fanout *f = arg;
    void *waiting[FLUSH_BATCH];
    for (;;) {
        size_t count = ring_pop_batch(f->flushes, waiting, FLUSH_BATCH, FLUSH_IDLE_MS);
        if (count == 0 && ring_is_closed(f->flushes))
            return NULL;
        bool is_ok = count > 0 && bus_flush(f->bus, FLUSH_MS) == OK;
        for (size_t i = 0; i < count; i++) {
            struct flush *fl = waiting[i];
            fl->is_ok = is_ok;
            loop_post(fl->loop, &fl->post);
        }
    }
}

void fanout_flush(struct fanout *f, struct flush *fl)
{
    if (ring_push(f->flushes, fl))
        return;
    fl->is_ok = false;
    loop_post(fl->loop, &fl->post);
}

static void on_reconnect_loop(struct loop *l, struct post *p)
{
    servers_recheck(l);
    feeds_recheck(l);
    free(p);
}

static void on_reconnect(void *arg)
{
    struct fanout *f = arg;
    for (size_t i = 0; i < f->loop_count; i++) {
        struct post *p = heap_alloc(sizeof(*p));
        p->run = on_reconnect_loop;
        loop_post(f->loops[i], p);
    }
}

enum err fanout_open(struct bus *b, struct loop *const *loops, size_t count, struct fanout **ret)
{
    if (count > LOOPS_MAX)
        return ERR_INVALID_FORM;
    struct fanout *f = heap_alloc(sizeof(*f));
    f->bus = b;
    f->loop_count = count;
    memcpy(f->loops, loops, count * sizeof(loops[0]));
    pthread_mutex_init(&f->lock, NULL);
    f->flushes = ring_new(FLUSHES_MAX);
    thread_start(&f->flusher, flush_run, f);
    bus_on_reconnect(b, on_reconnect, f);
    *ret = f;
    return OK;
}

void fanout_close(struct fanout *f)
{
    if (f == NULL)
        return;
    bus_off_reconnect(f->bus, f);
    ring_close(f->flushes);
    pthread_join(f->flusher, NULL);
    ring_free(f->flushes);
    map_done(&f->servers);
    map_done(&f->users);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
