/* SPDX-License-Identifier: MIT */
#ifndef SHARED_WIRE_BUS_H
#define SHARED_WIRE_BUS_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/wire/event.h"
#include "shared/wire/field.h"
#include "shared/wire/req.h"

/* The bus: NATS through libnats 3.4. Two connections a process: `ask` publishes, requests and
 * answers, `hear` carries the subscriptions, so that a flood of events delays no answer. Whatever
 * is sent while an earlier system call is under way goes with the next one. Both reconnect for ever
 * by themselves; a server that refuses the credentials ends the process. Any thread, unless a
 * function says otherwise. */
struct bus;
struct bus_sub;

struct bus_settings {
    const char *url; /* nats://user:password@host:port[,...] */
    const char
        *name; /* the process's NATS user: shown by the server, and _INBOX.<name>.> is its own */
};

/* Connects in the background: OK also while no server answers (bus_is_up says). */
MUST_CHECK enum err bus_open(const struct bus_settings *s, struct bus **ret);
void bus_close(struct bus *b); /* answers what waits with ERR_UNAVAILABLE */
bool bus_is_up(const struct bus *b);
/* A round trip to the server within timeout_ms; what /ready asks. */
MUST_CHECK enum err bus_ping(struct bus *b, int timeout_ms);
/* Calls fn(arg), which must not call the bus, on a libnats thread whenever the subscriptions are in
 * force again after a loss, or for the first time if the server came late. At most four. */
void bus_on_reconnect(struct bus *b, void (*fn)(void *), void *arg);
/* No call for this arg is under way or begins after it returned. */
void bus_off_reconnect(struct bus *b, const void *arg);

/* Instead of natsMsg_Destroy, which costs a task switch for each. NULL is fine. */
void bus_msg_free(natsMsg *msg);

static inline void bus_msg_free_p(natsMsg **m)
{
    bus_msg_free(*m);
}
#define auto_msg __attribute__((cleanup(bus_msg_free_p)))

struct bus_head {
    const char *name;
    const char *value; /* NULL: left out */
};
#define BUS_HEADS_MAX 20

struct bus_out {
    const char *subject;
    const char *reply_to; /* or NULL */
    const struct bus_head *heads;
    size_t head_count;
    const void *body;
    size_t body_len;
};

/* fn runs on a libnats delivery thread and owns msg. It must not block. */
typedef void bus_hear_fn(void *arg, natsMsg *msg);
MUST_CHECK enum err bus_hear(struct bus *b, const char *subject, const char *queue, bus_hear_fn *fn,
                             void *arg, struct bus_sub **ret);
/* No call of fn begins after this returned and in-flight ones have ended; what the client had
 * received but not passed on is dropped. Not from fn itself. NULL is fine. */
void bus_unhear(struct bus_sub *s);
/* Like bus_unhear, but first asks the server to stop and passes on all that was under way. */
void bus_drain(struct bus_sub *s, int timeout_ms);
/* Returns when the server has taken all subscriptions made so far. */
MUST_CHECK enum err bus_flush(struct bus *b, int timeout_ms);

/* ERR_UNAVAILABLE at once when the bus is down, for nothing is kept for later, and when the server
 * has left megabytes unread. */
MUST_CHECK enum err bus_send(struct bus *b, const struct bus_out *out);

/* Before work whose answer is to be sent: returns when the server has caught up with what was sent,
 * or after a tenth of a second. So who is faster than the server waits, instead of losing answers.
 */
void bus_wait_room(struct bus *b);

/* What any thread sends between the two goes out together at the release, so that it costs one
 * system call. For a few dozen messages that are ready to be sent, and for nothing that waits. */
void bus_hold(struct bus *b);
void bus_release(struct bus *b);

/* Ask without waiting: exactly one call of fn, on any thread, unless bus_ask itself failed: as
 * bus_send does, and with ERR_UNAVAILABLE while megabytes of answers wait for this process.
 * e: OK; ERR_UNAVAILABLE when nobody listens or the bus is down; ERR_TIMEOUT past deadline_us
 * (monotonic). fn owns msg (NULL unless OK). */
typedef void bus_answer_fn(void *arg, enum err e, natsMsg *msg);
MUST_CHECK enum err bus_ask(struct bus *b, const struct bus_out *out, int64_t deadline_us,
                            bus_answer_fn *fn, void *arg);

/* Ask another service ("auth.user.get") on behalf of this request and wait, within its deadline:
 * actor, application, request id and trace travel along, and a key made from the request's
 * idempotency key. An error the other service answered is returned as that very error, its field
 * errors joined to rq's. Asserts !rq->in_tx. in_shape and out_shape may be NULL. Never from a
 * delivery thread. */
MUST_CHECK enum err bus_call(struct req *rq, const char *subject, const struct shape *in_shape,
                             const void *in, const struct shape *out_shape, void *ret_out);
/* The same for an answer that is a list. */
MUST_CHECK enum err bus_call_many(struct req *rq, const char *subject, const struct shape *in_shape,
                                  const void *in, const struct shape *item_shape,
                                  struct list *ret_items);

/* The headers of a request of ours (PLAN: NATS request headers), made and read in one place. */
size_t bus_caller_heads(const struct caller *c, int64_t deadline_us, struct arena *a,
                        struct bus_head heads[BUS_HEADS_MAX]);
void bus_caller_read(natsMsg *msg, struct arena *a, struct caller *ret, int64_t *ret_deadline_us);

/* ---- events ---- */

/* Publish events, in this order, as CloudEvents 1.0 (NATS protocol binding, binary mode) of source
 * "/services/messaging". */
MUST_CHECK enum err bus_publish_events(struct bus *b, const char *source,
                                       const struct event *const *evs, size_t n);
/* The same; acked(arg, is_kept) follows on any thread, exactly once: does JetStream have every
 * DURABLE one of them? */
typedef void bus_acked_fn(void *arg, bool is_kept);
void bus_keep_events(struct bus *b, const char *source, const struct event *const *evs, size_t n,
                     bus_acked_fn *acked, void *arg);

/* Create or update the stream EVENTS from the durable rows of events.def. Blocks up to 5 s. */
struct bus_stream {
    int64_t max_age_s; /* 0: seven days */
    int64_t replicas;  /* 0: one */
};
MUST_CHECK enum err bus_stream_ensure(struct bus *b, struct bus_stream s);

/* A durable consumer of EVENTS, made on the server at the first fetch that reaches it and again
 * whenever it is gone. Whoever fetched a message acknowledges it (or gives it back to be delivered
 * again, later each time), then destroys it, all before the next fetch. One thread a consumer. */
struct bus_consumer;
MUST_CHECK enum err bus_consumer_open(struct bus *b, const char *durable, const char *filter,
                                      struct bus_consumer **ret);
/* Waits up to timeout_ms for up to max messages; 0 messages is OK. */
MUST_CHECK enum err bus_consumer_fetch(struct bus_consumer *c, natsMsg **msgs, int max,
                                       int timeout_ms, int *ret_count);
void bus_ack(natsMsg *msg);
void bus_nak(natsMsg *msg);
int bus_deliveries(natsMsg *msg); /* 1 the first time */
void bus_consumer_close(struct bus_consumer *c);

#endif
