/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

/* A client's session, from hello to its end, over one socket or several: it outlives a lost socket
 * for the resume window. It belongs to one loop's thread. Only session_state changes its state, and
 * it is freed nowhere but in session_flush_dirty, so nobody's loop over sessions loses its ground.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/identity.h"
#include "gateway/loop.h"
#include "gateway/member.h"
#include "gateway/replay.h"

struct entry;
struct feed;
struct socket;

enum session_state {
    SESSION_AWAITING,    /* identify or resume, for a minute */
    SESSION_IDENTIFYING, /* its state is being gathered: entry says how far */
    SESSION_ACTIVE,
    SESSION_DETACHED, /* lost its socket, can be resumed for a while; events go on being kept */
    SESSION_CLOSING,  /* to be freed at the end of the turn; nothing reaches it any more */
};

enum close_reason {
#define OP(name, fn, states, text)
#define CLOSE(name, code, can_resume, text) CLOSE_##name,
#include "gateway/protocol.def"
#undef OP
#undef CLOSE
};
int close_code(enum close_reason r);
const char *close_text(enum close_reason r);

enum { SESSION_ID_SIZE = 23, SESSION_KEY_BYTES = 16 };

struct session {
    struct loop *loop;
    uint64_t serial;
    struct socket *socket; /* NULL: DETACHED or CLOSING */
    struct replay out;
    enum session_state state;
    enum close_reason reason; /* CLOSING */
    bool is_dirty;
    snowflake shown_as; /* whom presence was told of; 0: nobody */
    struct session *next_dirty;
    struct membership *memberships;
    struct feed *feed;
    struct session *next_in_feed;
    struct entry *entry; /* while state is being gathered */
    struct identity who;
    struct timer timer;
    int64_t window_us; /* when the present rate window began */
    uint32_t window_frames;
    uint32_t running;  /* commands not answered yet */
    uint64_t requests; /* ever */
    char id[SESSION_ID_SIZE];
    uint32_t intents; /* families of events it wants */
    char *ip;
    char *agent;
};

/* With hello on its way. ip and agent are copied. */
struct session *session_new(struct loop *l, struct socket *socket, const char *ip,
                            const char *agent);
void session_state(struct session *s, enum session_state to);
void session_close(struct session *s, enum close_reason why);

/* The socket is gone and must not be touched any more. A client that said goodbye does not come
 * back; any other may. */
void session_lost_socket(struct session *s, bool has_said_goodbye);
/* This one's socket goes over to `to`, which was detached or still has a dead one. */
void session_hand_over(struct session *s, struct session *to);

/* Any frame, in order; nothing happens to a session that is closing, and an event of a family it
 * does not want is neither sent nor counted. */
void session_send(struct session *s, struct frame *f);
/* Also one of a family it does not want: a server's whole state instead of what was missed. */
void session_tell(struct session *s, struct frame *f);
void session_send_json(struct session *s, enum frame_kind kind, const char *json, size_t len);

struct membership *session_membership(const struct session *s, snowflake server);
void session_join(struct session *s, snowflake server);
void session_leave(struct session *s, struct membership *m);
void session_leave_all(struct session *s);

/* What it has can no longer be brought up to date: invalid_session, back to AWAITING. */
void session_reset(struct session *s);

/* Something came from the client: it is alive. False: too much came in this window; as much again
 * is refused, more than that is flooding. */
bool session_heard(struct session *s);
bool session_is_flooding(const struct session *s);

void session_flush_dirty(struct loop *l);
void session_resume_writing(struct session *s); /* the socket has room again */

/* Each session of the loop that a revoked login, or any (0), has. */
void sessions_close(struct loop *l, snowflake login, enum close_reason why);

#endif
