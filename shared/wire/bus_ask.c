/* SPDX-License-Identifier: MIT
 *
 * Requests without a thread each: one inbox, one subscription, a slot per question in flight, and
 * the slot's number in the last token of the reply subject. A slot is taken back by exactly one of
 * the answer, the deadline, the loss of the connection and the close, under one short mutex; who
 * took it calls back. The generation in the token keeps a late answer from a slot's next question.
 *
 * The inbox is subscribed on the connection that asks: the server reports "nobody listens" only
 * there. Who cannot keep up with the answers that have come asks no more until that is over: beyond
 * a limit libnats would drop answers, and their questions would wait for nothing. */

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/rand.h"
#include "shared/base/str.h"
#include "shared/base/thread.h"
#include "shared/base/wheel.h"
#include "shared/wire/bus_private.h"

enum {
    ASKS_MAX = 16384, /* a power of two; memory is touched only as far as it is used */
    SLOT_BITS = 14,
    TICK_MS = 10,
    WHEEL_SLOTS = 512,
    IDLE_TICKS = 100,
    ASLEEP_MS = 60000,
    NONCE_BYTES = 12,
    TOKEN_DIGITS = 12,
    INBOX_SIZE = 96,
    BEHIND_BYTES = 8 << 20, /* of answers that nobody has looked at yet */
};
_Static_assert(ASKS_MAX == 1 << SLOT_BITS, "a slot's number fits its bits");

struct answer {
    bus_answer_fn *fn;
    void *arg;
};

struct ask {
    struct timer timer;
    struct answer answer; /* fn is NULL in a free slot */
    uint64_t token;       /* what its present question is called */
    struct ask *next_free;
};

struct bus_asks {
    struct bus_link *link;
    char inbox[INBOX_SIZE]; /* "_INBOX.<name>.<nonce>." */
    size_t inbox_len;

    pthread_t clock;
    struct stopper stopper;

    pthread_mutex_t lock; /* guards what follows */
    struct bus_sub *sub;  /* NULL before the link is open */
    struct wheel *wheel;
    struct ask *slots;
    struct ask *free;
    size_t used; /* slots ever used */
    size_t pending;
    uint64_t generation;
    struct buf due; /* answers taken back, to be called without the lock */
    bool is_clock_asleep;
    bool is_closed;

    atomic_bool is_behind; /* with the answers, when the clock last looked */
};

/* ---- slots; all under the lock ---- */

static struct ask *slot_get(struct bus_asks *m)
{
    if (m->free != NULL) {
        struct ask *a = m->free;
        m->free = a->next_free;
        return a;
    }
    return m->used < ASKS_MAX ? &m->slots[m->used++] : NULL;
}

static struct answer take_back(struct bus_asks *m, struct ask *a)
{
    struct answer answer = a->answer;
    timer_cancel(&a->timer);
    a->answer = (struct answer){0};
    a->next_free = m->free;
    m->free = a;
    m->pending--;
    return answer;
}

/* The slot that waits under this token, or NULL: answered before, timed out, or not ours. */
static struct ask *slot_find(struct bus_asks *m, uint64_t token)
{
    struct ask *a = &m->slots[token & (ASKS_MAX - 1)];
    return a->token == token && a->answer.fn != NULL ? a : NULL;
}

static void on_deadline(struct timer *t, void *arg)
{
    struct bus_asks *m = arg;
    struct answer answer = take_back(m, CONTAINER_OF(t, struct ask, timer));
    buf_add(&m->due, &answer, sizeof(answer));
}

static struct buf steal_due(struct bus_asks *m)
{
    struct buf due = m->due;
    m->due = (struct buf){0};
    return due;
}

static void call_all(struct buf *due, enum err e)
{
    struct answer answer;
    for (size_t at = 0; at < due->len; at += sizeof(answer)) {
        memcpy(&answer, due->data + at, sizeof(answer));
        answer.fn(answer.arg, e, NULL);
    }
    buf_done(due);
}

/* ---- deadlines ---- */

static void tick(struct bus_asks *m)
{
    pthread_mutex_lock(&m->lock);
    if (m->sub != NULL)
        atomic_store(&m->is_behind, bus_sub_waiting(m->sub) > BEHIND_BYTES);
    wheel_advance(m->wheel, mono_us());
    struct buf due = steal_due(m);
    pthread_mutex_unlock(&m->lock);
    call_all(&due, ERR_TIMEOUT);
}

/* After a second without questions the clock sleeps until it is nudged. */
static int rest_ms(struct bus_asks *m, int *idle)
{
    pthread_mutex_lock(&m->lock);
    *idle = m->pending == 0 ? *idle + 1 : 0;
    m->is_clock_asleep = *idle > IDLE_TICKS;
    if (m->is_clock_asleep)
        *idle = 0;
    int ms = m->is_clock_asleep ? ASLEEP_MS : TICK_MS;
    pthread_mutex_unlock(&m->lock);
    return ms;
}

static void *run_clock(void *arg)
{
    struct bus_asks *m = arg;
    int idle = 0;
    while (!stopper_wait(&m->stopper, rest_ms(m, &idle)))
        tick(m);
    return NULL;
}

/* ---- answers ---- */

static bool parse_token(const struct bus_asks *m, const char *subject, uint64_t *ret)
{
    char *end;
    if (strncmp(subject, m->inbox, m->inbox_len) != 0)
        return false;
    *ret = strtoull(subject + m->inbox_len, &end, 16);
    return *end == '\0';
}

static void on_answer(void *arg, natsMsg *msg)
{
    struct bus_asks *m = arg;
    struct answer answer = {0};
    uint64_t token;
    if (parse_token(m, natsMsg_GetSubject(msg), &token)) {
        pthread_mutex_lock(&m->lock);
        struct ask *a = slot_find(m, token);
        if (a != NULL)
            answer = take_back(m, a);
        pthread_mutex_unlock(&m->lock);
    }
    bool is_answer = answer.fn != NULL && !natsMsg_IsNoResponders(msg);
    if (!is_answer)
        bus_msg_free(msg);
    if (answer.fn != NULL)
        answer.fn(answer.arg, is_answer ? OK : ERR_UNAVAILABLE, is_answer ? msg : NULL);
}

/* ---- questions ---- */

/* The token's digits hold the slot and what is left for the generation. */
static uint64_t make_token(struct bus_asks *m, const struct ask *a)
{
    const uint64_t generations = UINT64_C(1) << (4 * TOKEN_DIGITS - SLOT_BITS);
    m->generation = (m->generation + 1) % generations;
    return m->generation << SLOT_BITS | (uint64_t)(a - m->slots);
}

static enum err enter(struct bus_asks *m, struct answer answer, int64_t deadline_us,
                      uint64_t *ret_token)
{
    pthread_mutex_lock(&m->lock);
    struct ask *a = m->is_closed ? NULL : slot_get(m);
    if (a != NULL) {
        a->token = *ret_token = make_token(m, a);
        a->answer = answer;
        timer_set(m->wheel, &a->timer, deadline_us, on_deadline, m);
        m->pending++;
    }
    bool must_wake = a != NULL && m->is_clock_asleep;
    if (must_wake)
        m->is_clock_asleep = false;
    pthread_mutex_unlock(&m->lock);
    if (must_wake)
        stopper_nudge(&m->stopper);
    return a != NULL ? OK : ERR_UNAVAILABLE;
}

static bool leave(struct bus_asks *m, uint64_t token)
{
    pthread_mutex_lock(&m->lock);
    struct ask *a = slot_find(m, token);
    if (a != NULL)
        (void)take_back(m, a);
    pthread_mutex_unlock(&m->lock);
    return a != NULL;
}

static enum err publish(const struct bus_asks *m, const struct bus_out *out, uint64_t token)
{
    static const char digits[] = "0123456789abcdef";
    char reply_to[INBOX_SIZE + TOKEN_DIGITS + 1];
    memcpy(reply_to, m->inbox, m->inbox_len);
    for (int i = 0; i < TOKEN_DIGITS; i++)
        reply_to[m->inbox_len + i] = digits[token >> (4 * (TOKEN_DIGITS - 1 - i)) & 15];
    reply_to[m->inbox_len + TOKEN_DIGITS] = '\0';

    struct bus_out request = *out;
    request.reply_to = reply_to;
    auto_msg natsMsg *msg = NULL;
    TRY(bus_msg_make(&request, &msg));
    return bus_from_status(natsConnection_PublishMsg(m->link->nc, msg));
}

enum err bus_ask(struct bus *b, const struct bus_out *out, int64_t deadline_us, bus_answer_fn *fn,
                 void *arg)
{
    if (!bus_link_takes(&b->ask) || atomic_load(&b->asks->is_behind))
        return ERR_UNAVAILABLE;
    if (deadline_us <= mono_us())
        return ERR_TIMEOUT;
    uint64_t token = 0;
    TRY(enter(b->asks, (struct answer){fn, arg}, deadline_us, &token));
    enum err e = publish(b->asks, out, token);
    /* Whoever took the slot in the meantime has called fn. */
    return e != OK && leave(b->asks, token) ? e : OK;
}

/* ---- life ---- */

struct bus_asks *bus_asks_new(void)
{
    struct bus_asks *m = heap_alloc(sizeof(*m));
    m->slots = heap_alloc_n(ASKS_MAX, sizeof(m->slots[0]));
    m->wheel = wheel_new(TICK_MS, WHEEL_SLOTS, mono_us());
    pthread_mutex_init(&m->lock, NULL);
    stopper_init(&m->stopper);
    thread_start(&m->clock, run_clock, m);
    return m;
}

enum err bus_asks_open(struct bus_asks *m, struct bus_link *link, const char *name)
{
    uint8_t nonce[NONCE_BYTES];
    char text[BASE64URL_SIZE(NONCE_BYTES)];
    char subject[INBOX_SIZE + 1];
    rand_bytes(nonce, sizeof(nonce));
    base64url_encode(nonce, sizeof(nonce), text);
    int len = snprintf(m->inbox, sizeof(m->inbox), "_INBOX.%s.%s.", name, text);
    if (len < 0 || (size_t)len >= sizeof(m->inbox))
        return ERR_INTERNAL;
    m->inbox_len = (size_t)len;
    m->link = link;
    (void)snprintf(subject, sizeof(subject), "%s*", m->inbox);
    struct bus_sub *sub = NULL;
    TRY(bus_hear_on(link, subject, NULL, on_answer, m, &sub));
    pthread_mutex_lock(&m->lock);
    m->sub = sub;
    pthread_mutex_unlock(&m->lock);
    return OK;
}

void bus_asks_fail(struct bus_asks *m)
{
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->used; i++) {
        if (m->slots[i].answer.fn == NULL)
            continue;
        struct answer answer = take_back(m, &m->slots[i]);
        buf_add(&m->due, &answer, sizeof(answer));
    }
    struct buf due = steal_due(m);
    pthread_mutex_unlock(&m->lock);
    call_all(&due, ERR_UNAVAILABLE);
}

void bus_asks_close(struct bus_asks *m)
{
    pthread_mutex_lock(&m->lock);
    m->is_closed = true;
    pthread_mutex_unlock(&m->lock);
    stopper_stop(&m->stopper);
    pthread_join(m->clock, NULL);
    bus_unhear(m->sub);
    bus_asks_fail(m);
}

void bus_asks_free(struct bus_asks *m)
{
    wheel_free(m->wheel);
    stopper_done(&m->stopper);
    pthread_mutex_destroy(&m->lock);
    free(m->slots);
    free(m);
}
