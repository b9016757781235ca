/* SPDX-License-Identifier: MIT */
#ifndef SHARED_WIRE_BUS_PRIVATE_H
#define SHARED_WIRE_BUS_PRIVATE_H

/* What the files of the bus share with each other and with nobody else. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "shared/wire/bus.h"

struct bus_asks;

/* NEW until connecting has returned; from then on the connection's callbacks decide. */
enum link_state { LINK_NEW, LINK_UP, LINK_DOWN };

struct bus_link {
    struct bus *bus;
    const char *name; /* for the log: "ask" or "hear" */
    natsConnection *nc;
    _Atomic enum link_state state;

    atomic_uint attachments; /* how often it was connected */
    natsConnection *io_nc;   /* nc, known while connecting is still under way */
    atomic_bool io_is_full;  /* the kernel did not take what there is; written under io_lock */
    pthread_mutex_t io_lock; /* guards what follows */
    pthread_cond_t io_room;  /* it is no longer full */
    int io_fd;
    bool io_reads;  /* libnats wants to */
    bool io_writes; /* libnats has something to send */
    int io_holds;
};

/* The thread that moves the bytes of both links. Stopped before they are closed, because libnats
 * closes a socket whether or not somebody reads from it, and freed afterwards. */
struct bus_io *bus_io_new(struct bus *b);
void bus_io_stop(struct bus_io *io);
void bus_io_free(struct bus_io *io);
natsStatus bus_io_attach(struct bus_link *link, natsOptions *o);
void bus_io_link_init(struct bus_link *link);
void bus_io_link_done(struct bus_link *link);
void bus_io_wait_room(struct bus_link *link, int64_t us); /* until the kernel takes more */
void bus_io_hold(struct bus_link *link);
void bus_io_release(struct bus_link *link);

/* Who wants to know of a reconnect. */
enum { BUS_LISTENERS_MAX = 4 };
struct bus_listener {
    void (*fn)(void *);
    void *arg;
};

struct bus {
    struct bus_link ask;
    struct bus_link hear;
    struct bus_io *io;
    atomic_bool is_replicated; /* the stream EVENTS */
    struct bus_asks *asks;
    char *name;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool is_closing;
    int open_links; /* whose closed callback has not run yet */
    struct bus_listener listeners[BUS_LISTENERS_MAX];
    size_t listener_count;
};

enum err bus_from_status(natsStatus s);
enum err bus_send_by(struct bus_link *link, const struct bus_out *out);
bool bus_link_is_up(const struct bus_link *link);
bool bus_link_takes(const struct bus_link *link); /* it is up and not choked */

/* bus_ask, waited for by the thread of a request. */
enum err bus_ask_wait(struct req *rq, const struct bus_out *out, natsMsg **ret);

/* ERR_INTERNAL when a header could break out of its line. */
enum err bus_msg_make(const struct bus_out *out, natsMsg **ret);
void bus_msgs_free(void); /* what bus_msg_free still keeps */

enum err bus_hear_on(struct bus_link *link, const char *subject, const char *queue, bus_hear_fn *fn,
                     void *arg, struct bus_sub **ret);

/* Bytes that have come for a subscription and nobody has looked at yet. */
size_t bus_sub_waiting(struct bus_sub *s);

/* The mux of bus_ask, in the order of its life. close answers what is in flight, fail does so while
 * life goes on: the answers went down with the connection. */
struct bus_asks *bus_asks_new(void);
enum err bus_asks_open(struct bus_asks *m, struct bus_link *link, const char *name);
void bus_asks_fail(struct bus_asks *m);
void bus_asks_close(struct bus_asks *m);
void bus_asks_free(struct bus_asks *m);

/* JetStream over one of our connections. */
enum err bus_jetstream(struct bus_link *link, jsCtx **ret);

static inline void bus_js_free_p(jsCtx **js)
{
    jsCtx_Destroy(*js);
}
#define auto_js __attribute__((cleanup(bus_js_free_p)))

#define BUS_STREAM "EVENTS"

#endif
