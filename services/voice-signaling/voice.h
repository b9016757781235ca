/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_VOICE_SIGNALING_VOICE_H
#define SERVICES_VOICE_SIGNALING_VOICE_H

/* Rooms of voice channels: who is in them, in which state, and what participants tell each other to
 * connect. Rooms live on the bus, in a bucket of JetStream; a user is in one at a time, whatever
 * their devices. */

#include "shared/domain/snowflake.h"
#include "shared/service/service.h"
#include "shared/wire/field.h"
#include "shared/wire/req.h"

#include <stdbool.h>
#include <stdint.h>

#define API_DEF "services/voice-signaling/api.def"
#include "shared/service/api_prototypes.h"
#undef API_DEF

extern const struct rpc_table voice_api;
extern const struct service voice_service;

enum { SESSION_ID_MAX = 64 };

struct voice_settings {
    const char *turn_secret;
    const char *turn_urls; /* separated by commas */
    const char *stun_urls;
    int64_t turn_ttl_s;
    int64_t rooms_replicas;
};

/* A participant as everybody sees it. */
struct voice_state {
    snowflake channel_id;
    snowflake server_id;
    snowflake user_id;
    const char *session_id; /* the device; "" when it did not say */
    bool muted;
    bool deafened;
    bool video;
    bool server_muted;
    int64_t joined_at;
};
extern const struct shape voice_state_shape;

/* Rows that name only a channel, and a participant of it. */
struct channel_args {
    snowflake channel_id;
};
extern const struct shape channel_args_shape;

struct participant_args {
    snowflake channel_id;
    snowflake user_id;
};
extern const struct shape participant_args_shape;

/* The bucket, and what names of its keys begin with where others must know. */
#define ROOMS_BUCKET "voice"
#define RECHECK_KEY  "recheck."

/* rooms.c: the one place that reads and writes rooms. Who sits where changes by one write, which of
 * two that race only one has made: so each change is told by one, and nobody sits in two rooms. */
MUST_CHECK enum err rooms_prepare(struct req *rq);
struct seat {
    struct voice_state state;
    snowflake app_id; /* whose events tell of it */
    bool is_admin;    /* of the instance, when they sat down */
};

/* Takes a seat for `wanted` and gives the one the user had; its user_id is 0 if there was none.
 * ERR_VOICE_FULL leaves the user where they were. server_muted stays as it was left in this
 * server. */
MUST_CHECK enum err room_take(struct req *rq, struct seat *wanted, struct seat *ret_before);
/* struct seat, longest first. */
MUST_CHECK enum err room_seats(struct req *rq, snowflake channel_id, struct list *ret);
MUST_CHECK enum err room_server_seats(struct req *rq, snowflake server_id, struct list *ret);
/* ERR_UNKNOWN_VOICE_STATE when the user is not in that channel. */
MUST_CHECK enum err room_seat(struct req *rq, const struct participant_args *who, struct seat *ret);

enum seat_flag { SEAT_MUTED, SEAT_DEAFENED, SEAT_VIDEO, SEAT_SERVER_MUTED };
struct seat_change {
    enum seat_flag flag;
    bool value;
};
MUST_CHECK enum err room_change(struct req *rq, const struct participant_args *who,
                                const struct seat_change *changes, size_t count, struct seat *ret);

/* Who is to be removed, and from where: what is 0 or NULL does not matter. */
struct departure {
    snowflake user_id;
    snowflake channel_id;
    snowflake server_id;
    const char *session_id;
};
/* ret_left->state.user_id is 0 when that is nobody. */
MUST_CHECK enum err room_leave(struct req *rq, const struct departure *d, struct seat *ret_left);
/* Everybody of a channel, or of a server's channels; struct seat. */
MUST_CHECK enum err room_clear(struct req *rq, snowflake channel_id, struct list *ret);
MUST_CHECK enum err room_clear_server(struct req *rq, snowflake server_id, struct list *ret);
/* Who is in rooms for more than a minute; snowflakes. */
MUST_CHECK enum err room_users(struct req *rq, struct list *ret);

/* rechecks.c: servers where rights changed. A mark stays until it is due and done with. */
struct recheck {
    snowflake server_id;
    uint64_t revision;
    bool is_due;
};
MUST_CHECK enum err recheck_mark(struct req *rq, snowflake server_id);
/* struct recheck, at most `max`. ERR_GONE when the bucket is. */
MUST_CHECK enum err recheck_marks(struct req *rq, size_t max, struct list *ret);
MUST_CHECK enum err recheck_done(struct req *rq, const struct recheck *mark);

/* participants.c: tell the channel. departure_tell says nothing of nobody. */
void state_tell(struct req *rq, enum event_id ev, const struct seat *seat);
void departure_tell(struct req *rq, const struct seat *left);

/* departures.c: why somebody is removed without having asked. */
extern const struct shape session_end_shape, member_end_shape, member_change_shape,
    channel_end_shape, server_end_shape;
listen_fn session_ended, member_left, member_changed, channel_ended, server_ended;
enum err ghost_sweep(struct req *rq);

/* rights.c: who may no longer be where they sit. */
extern const struct shape rights_change_shape, owner_change_shape;
listen_fn rights_changed, owner_changed;
MUST_CHECK enum err seat_is_allowed(struct req *rq, const struct seat *seat, bool *ret);
enum err rights_sweep(struct req *rq);

/* ice.c */
struct ice_server {
    struct list urls;
    const char *username;
    const char *credential;
};
extern const struct shape ice_server_shape;
/* For the caller; struct ice_server. */
struct list ice_servers(struct req *rq, int64_t *ret_expires_at);

#endif
