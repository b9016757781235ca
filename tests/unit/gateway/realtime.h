/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GATEWAY_REALTIME_H
#define TESTS_UNIT_GATEWAY_REALTIME_H

/* A world for the realtime side: a real nats-server, the sockets under test, a stand-in for auth
 * and messaging that answers from a small model, and a WebSocket client that reads frames byte by
 * byte and believes nothing. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/gateway.h"
#include "gateway/socket.h"
#include "shared/base/arena.h"
#include "shared/base/buf.h"
#include "shared/wire/bus.h"
#include "tests/nats_server.h"

enum { W_SERVER = 100, W_OPEN = 7, W_SECRET = 8, W_ROLE = 50, W_USER = 1001, W_MESSAGES = 4096 };

/* What messaging would know. Channel W_SECRET is seen only by holders of W_ROLE. */
struct model {
    pthread_mutex_t lock;
    int64_t server_seq;
    int64_t open_seq;
    int64_t secret_seq;
    int64_t user_seq;     /* of every user of the model */
    uint64_t permissions; /* of everyone */
    bool has_role;        /* every user of the model */
    bool is_member;
    int syncs; /* how often channel.sync was asked */
    int views;
    int64_t revs[W_MESSAGES]; /* of the message with that seq in W_OPEN */
};

struct world {
    struct nats_server nats;
    struct gateway_settings settings;
    struct gateway gateway;
    struct bus *fake; /* the stand-in's own connection */
    struct bus_sub *answers;
    struct token_signer *signer;
    struct arena arena;
    struct model model;
    atomic_bool
        is_view_late; /* the first layout is read only after a state, and something in between */
    natsMsg *late_view;
};

/* False: there is no nats-server; the test is skipped. Settings can be changed in between. */
bool world_prepare(struct world *w);
bool world_begin(struct world *w);
void world_end(struct world *w);

const char *world_token(struct world *w, uint64_t user, uint64_t session);

/* As messaging would publish them; the model changes first. */
void world_message(struct world *w, const char *text);      /* in W_OPEN */
void world_lose_message(struct world *w, const char *text); /* nobody is told */
void world_lose_change(struct world *w);                    /* of the server itself */
void world_repeat_message(struct world *w, int64_t seq);    /* told again */
void world_secret(struct world *w, const char *text);       /* in W_SECRET */
void world_role(struct world *w, uint64_t user, bool has);  /* gives or takes W_ROLE */
void world_kick(struct world *w, uint64_t user);
void world_join(struct world *w, uint64_t user);
void world_event(struct world *w, const char *subject, int64_t seq, const char *body);
/* One without a number, which is known by its id. */
void world_event_named(struct world *w, const char *subject, const char *id, const char *body);

/* ---- a client ---- */

struct client {
    int fd;
    struct buf in;
    int code; /* of the close frame, 0 before */
    uint64_t received;
    char session_id[32];
};

/* Connects and shakes hands. False: no 101 came, *ret_status says what. */
bool client_open(struct client *c, struct world *w, const char *path, int *ret_status);
void client_close(struct client *c); /* says goodbye */
void client_cut(struct client *c);   /* just goes away */
void client_send(struct client *c, const char *format, ...) PRINTF_LIKE(2, 3);
void client_send_raw(struct client *c, int opcode, const char *bytes, size_t len);

/* The next text frame, NUL-terminated, valid until the next call; NULL after timeout_ms or a close.
 */
const char *client_next(struct client *c, int timeout_ms);
/* Skips to the first frame that contains the text; NULL when none comes. */
const char *client_await(struct client *c, const char *text);
/* Nothing but heartbeat_ack comes for that long. */
bool client_is_quiet(struct client *c, int ms);
/* hello, identify, ready. */
bool client_identify(struct client *c, struct world *w, uint64_t user, uint64_t session);

#endif
