/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_PRESENCE_PRESENCE_H
#define SERVICES_PRESENCE_PRESENCE_H

/* Who is there: realtime sessions, what follows from them for each user, and who is typing. All of
 * it lives in Redis and may be lost; scripts make every change of it atomic, so that copies of this
 * service never tell a change twice. */

#include "shared/domain/snowflake.h"
#include "shared/service/service.h"
#include "shared/store/cache.h"
#include "shared/wire/field.h"
#include "shared/wire/req.h"

#include <stdint.h>

#define API_DEF "services/presence/api.def"
#include "shared/service/api_prototypes.h"
#undef API_DEF

extern const struct rpc_table presence_api;
extern const struct service presence_service;

enum {
    SESSION_TTL_MS = 60 * 1000, /* without a beat; gateways beat every 20 s */
    TYPING_MS = 8 * 1000,
    TYPING_AGAIN_MS = 3 * 1000, /* typing.start is told at most this often */
};

/* Ids are keys and members in Redis with all their digits: text order is then their order. */
enum { PADDED_ID_SIZE = 20 };
void id_pad(snowflake id, char out[PADDED_ID_SIZE]);
snowflake id_unpad(const char *text); /* also of an id without zeros in front; 0 if it is none */

/* The moment of a script, in milliseconds, by the one clock all copies share. */
#define LUA_NOW                      \
    "local t = redis.call('TIME')\n" \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

/* status.c */
enum status { STATUS_ONLINE, STATUS_OFFLINE };
struct presence {
    snowflake server_id; /* 0: asked about the user, not about a member */
    snowflake user_id;
    int status;
    int64_t last_seen; /* 0: online, or not known */
};
extern const struct shape presence_shape;

/* Tell one server that the member's status changed. rq->app must be the user's. */
void status_tell(struct req *rq, const struct presence *p);

/* sessions.c: what is heard and done by the clock. */
extern const struct shape membership_shape, server_end_shape;
listen_fn member_joined, member_left, server_ended;
enum err session_sweep(struct req *rq);

/* typing.c */
enum err typing_sweep(struct req *rq);

#endif
