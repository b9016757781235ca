/* SPDX-License-Identifier: MIT
 *
 * Joining, leaving, and one's own state. Whoever joins gets the others and the servers to connect
 * by, and calls each of them; they learn of it by voice.join. Someone who changes rooms or devices
 * has left first, for everybody to hear.
 */
#include "services/voice-signaling/voice.h"

#include <string.h>

#include "shared/domain/permission.h"
#include "shared/service/place.h"
#include "shared/wire/event.h"

static const struct field voice_state_fields[] = {
    F_ID(voice_state, channel_id),
    F_ID(voice_state, server_id),
    F_ID(voice_state, user_id),
    F_STR(voice_state, session_id, TEXT("The realtime session they speak from; empty if unsaid.")),
    F_BOOL(voice_state, muted),
    F_BOOL(voice_state, deafened),
    F_BOOL(voice_state, video),
    F_BOOL(voice_state, server_muted, TEXT("By a moderator, or for want of permission to speak.")),
    F_TIME(voice_state, joined_at),
};
SHAPE(voice_state);

struct voice_gone {
    snowflake channel_id;
    snowflake server_id;
    snowflake user_id;
    const char *session_id;
    int64_t joined_at;
};
static const struct field voice_gone_fields[] = {
    F_ID(voice_gone, channel_id),
    F_ID(voice_gone, server_id),
    F_ID(voice_gone, user_id),
    F_STR(voice_gone, session_id),
    F_TIME(voice_gone, joined_at, TEXT("Which stay this ends: they may be back already.")),
};
SHAPE(voice_gone);

static const struct field channel_args_fields[] = {
    F_ID(channel_args, channel_id),
};
SHAPE(channel_args);

static const struct field participant_args_fields[] = {
    F_ID(participant_args, channel_id),
    F_ID(participant_args, user_id),
};
SHAPE(participant_args);

struct participant_join_args {
    snowflake channel_id;
    const char *session_id;
    bool muted;
    bool deafened;
    bool video;
};
static const struct field participant_join_args_fields[] = {
    F_ID(participant_join_args, channel_id),
    F_STR(participant_join_args, session_id, OPTIONAL, RANGE(1, SESSION_ID_MAX),
          TEXT("The realtime session spoken from: when it ends, so does taking part. Absent: when "
               "the user's last one ends.")),
    F_BOOL(participant_join_args, muted, OPTIONAL),
    F_BOOL(participant_join_args, deafened, OPTIONAL),
    F_BOOL(participant_join_args, video, OPTIONAL),
};
SHAPE(participant_join_args);

struct participant_patch {
    snowflake channel_id;
    bool muted;
    bool deafened;
    bool video;
    uint64_t given;
};
static const struct field participant_patch_fields[] = {
    F_ID(participant_patch, channel_id),
    F_BOOL(participant_patch, muted, OPTIONAL),
    F_BOOL(participant_patch, deafened, OPTIONAL),
    F_BOOL(participant_patch, video, OPTIONAL),
};
SHAPE_PATCH(participant_patch);

static const char *const topologies[] = {"mesh", NULL};

struct voice_room {
    snowflake channel_id;
    int topology;
    struct list participants;
    struct list ice_servers;
    int64_t ice_expires_at;
};
static const struct field voice_room_fields[] = {
    F_ID(voice_room, channel_id),
    F_ENUM(voice_room, topology, topologies, TEXT("Everybody connects to everybody.")),
    F_LIST(voice_room, participants, voice_state, TEXT("Longest first, oneself included.")),
    F_LIST(voice_room, ice_servers, ice_server),
    F_TIME(voice_room, ice_expires_at, NULLABLE,
           TEXT("When to ask for ice-servers again, for connections to come.")),
};
SHAPE(voice_room);

static struct event_to channel_of(struct req *rq, const struct seat *seat)
{
    rq->app = seat->app_id;
    return (struct event_to){.server = seat->state.server_id, .channel = seat->state.channel_id};
}

void state_tell(struct req *rq, enum event_id ev, const struct seat *seat)
{
    emit(rq, ev, channel_of(rq, seat), &voice_state_shape, &seat->state);
}

void departure_tell(struct req *rq, const struct seat *left)
{
    const struct voice_state *s = &left->state;
    if (s->user_id == 0)
        return;
    const struct voice_gone gone = {
        .channel_id = s->channel_id,
        .server_id = s->server_id,
        .user_id = s->user_id,
        .session_id = s->session_id,
        .joined_at = s->joined_at,
    };
    emit(rq, EV_VOICE_LEAVE, channel_of(rq, left), &voice_gone_shape, &gone);
}

static enum err states_of(struct req *rq, snowflake channel_id, struct list *ret)
{
    struct list seats;
    TRY(room_seats(rq, channel_id, &seats));
    struct voice_state *states = arena_new_n(&rq->arena, struct voice_state, seats.count + 1);
    for (size_t i = 0; i < seats.count; i++)
        states[i] = LIST_AT(&seats, struct seat, i)->state;
    *ret = (struct list){.items = states, .count = seats.count};
    return OK;
}

static bool is_same_device(const struct seat *a, const struct seat *b)
{
    return a->state.channel_id == b->state.channel_id &&
           strcmp(a->state.session_id, b->state.session_id) == 0;
}

static enum err may_show_video(struct req *rq, const struct channel_place *place)
{
    if (permission_has(place->permissions, PERM_STREAM))
        return OK;
    return fail(rq, ERR_MISSING_PERMISSIONS, "video without STREAM");
}

/* Saying it again from the same device changes one's state and nothing else. */
static void tell_taken(struct req *rq, const struct seat *taken, const struct seat *before)
{
    if (before->state.user_id != 0 && is_same_device(taken, before)) {
        state_tell(rq, EV_VOICE_STATE, taken);
        return;
    }
    departure_tell(rq, before);
    state_tell(rq, EV_VOICE_JOIN, taken);
}

enum err participant_join(struct req *rq, const struct participant_join_args *in)
{
    struct channel_place place;
    TRY(channel_locate(rq, in->channel_id, &place));
    if (strcmp(place.channel_type, "voice") != 0)
        return ERR_WRONG_CHANNEL_TYPE;
    if (in->video)
        TRY(may_show_video(rq, &place));
    struct seat before;
    struct seat mine = {
        .app_id = rq->app,
        .is_admin = rq->from->is_admin,
        .state =
            {
                    .channel_id = in->channel_id,
                    .server_id = place.server_id,
                    .user_id = rq->actor,
                    .session_id = in->session_id != NULL ? in->session_id : "",
                    .muted = in->muted,
                    .deafened = in->deafened,
                    .video = in->video,
                    .server_muted = !permission_has(place.permissions, PERM_SPEAK),
                    },
    };
    TRY(room_take(rq, &mine, &before));
    tell_taken(rq, &mine, &before);

    struct voice_room room = {.channel_id = in->channel_id};
    TRY(states_of(rq, in->channel_id, &room.participants));
    room.ice_servers = ice_servers(rq, &room.ice_expires_at);
    return reply(rq, &voice_room_shape, &room);
}

enum err participant_list(struct req *rq, const struct channel_args *in)
{
    struct list states;
    TRY(states_of(rq, in->channel_id, &states));
    return reply_list(rq, &voice_state_shape, &states);
}

enum { PATCH_FLAGS = 3 };
static size_t changes_of(const struct participant_patch *in,
                         struct seat_change changes[PATCH_FLAGS])
{
    const struct {
        const char *name;
        struct seat_change change;
    } all[PATCH_FLAGS] = {
        {"muted",    {SEAT_MUTED, in->muted}      },
        {"deafened", {SEAT_DEAFENED, in->deafened}},
        {"video",    {SEAT_VIDEO, in->video}      },
    };
    size_t count = 0;
    for (size_t i = 0; i < PATCH_FLAGS; i++)
        if (shape_given(&participant_patch_shape, in, all[i].name))
            changes[count++] = all[i].change;
    return count;
}

enum err participant_update(struct req *rq, const struct participant_patch *in)
{
    if (in->video) {
        struct channel_place place;
        TRY(channel_locate(rq, in->channel_id, &place));
        TRY(may_show_video(rq, &place));
    }
    struct seat_change changes[PATCH_FLAGS];
    size_t count = changes_of(in, changes);
    const struct participant_args me = {in->channel_id, rq->actor};
    struct seat seat;
    TRY(room_change(rq, &me, changes, count, &seat));
    if (count > 0)
        state_tell(rq, EV_VOICE_STATE, &seat);
    return reply(rq, &voice_state_shape, &seat.state);
}

/* Twice is fine: who leaves wants to be gone. */
enum err participant_leave(struct req *rq, const struct channel_args *in)
{
    const struct departure d = {.user_id = rq->actor, .channel_id = in->channel_id};
    struct seat left;
    TRY(room_leave(rq, &d, &left));
    departure_tell(rq, &left);
    return OK;
}
