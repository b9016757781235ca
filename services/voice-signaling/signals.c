/* SPDX-License-Identifier: MIT
 *
 * What participants of one room say to each other to connect. The text is theirs and passed on
 * unread; where it goes is not: both must sit in the channel and may still do so, so nobody learns
 * another's addresses without having been let into the same room.
 */
#include "services/voice-signaling/voice.h"

#include <string.h>

#include "shared/domain/limit.h"
#include "shared/wire/event.h"

static const char *const signal_kinds[] = {"offer", "answer", "candidate", "renegotiate", NULL};

struct signal_args {
    snowflake channel_id;
    snowflake to_user_id;
    const char *to_session_id;
    int kind;
    const char *payload;
};
static const struct field signal_args_fields[] = {
    F_ID(signal_args, channel_id),
    F_ID(signal_args, to_user_id),
    F_STR(signal_args, to_session_id, OPTIONAL, RANGE(1, SESSION_ID_MAX),
          TEXT("Only if they still speak from this session.")),
    F_ENUM(signal_args, kind, signal_kinds),
    F_JSON(signal_args, payload, RANGE(1, LIMIT_SIGNAL),
           TEXT("A session description, or a candidate, or several as an array.")),
};
SHAPE(signal_args);

struct voice_signal {
    snowflake channel_id;
    snowflake server_id;
    snowflake from_user_id;
    const char *from_session_id;
    snowflake to_user_id;
    const char *to_session_id;
    int kind;
    const char *payload;
};
static const struct field voice_signal_fields[] = {
    F_ID(voice_signal, channel_id),
    F_ID(voice_signal, server_id),
    F_ID(voice_signal, from_user_id),
    F_STR(voice_signal, from_session_id),
    F_ID(voice_signal, to_user_id),
    F_STR(voice_signal, to_session_id, TEXT("The user's other sessions ignore it.")),
    F_ENUM(voice_signal, kind, signal_kinds),
    F_JSON(voice_signal, payload),
};
SHAPE(voice_signal);

enum err signal_send(struct req *rq, const struct signal_args *in)
{
    const struct participant_args me = {in->channel_id, rq->actor};
    const struct participant_args them = {in->channel_id, in->to_user_id};
    struct seat from;
    struct seat to;
    TRY(room_seat(rq, &me, &from));
    TRY(room_seat(rq, &them, &to));
    if (in->to_session_id != NULL && strcmp(in->to_session_id, to.state.session_id) != 0)
        return fail(rq, ERR_UNKNOWN_VOICE_STATE, "they changed devices");
    bool is_allowed;
    TRY(seat_is_allowed(rq, &to, &is_allowed));
    if (!is_allowed)
        return fail(rq, ERR_UNKNOWN_VOICE_STATE, "they may no longer be here");
    const struct voice_signal signal = {
        .channel_id = in->channel_id,
        .server_id = from.state.server_id,
        .from_user_id = rq->actor,
        .from_session_id = from.state.session_id,
        .to_user_id = in->to_user_id,
        .to_session_id = to.state.session_id,
        .kind = in->kind,
        .payload = in->payload,
    };
    emit(rq, EV_VOICE_SIGNAL, (struct event_to){.user = in->to_user_id}, &voice_signal_shape,
         &signal);
    return OK;
}
