/* SPDX-License-Identifier: MIT
 *
 * What moderators do to others in a voice channel. In a mesh a mute is carried out by every
 * listener's client; the one muted is told, as everybody is, by voice.state.
 */
#include "services/voice-signaling/voice.h"

#include "shared/wire/event.h"

struct participant_mute_args {
    snowflake channel_id;
    snowflake user_id;
    bool muted;
};
static const struct field participant_mute_args_fields[] = {
    F_ID(participant_mute_args, channel_id),
    F_ID(participant_mute_args, user_id),
    F_BOOL(participant_mute_args, muted),
};
SHAPE(participant_mute_args);

enum err participant_mute(struct req *rq, const struct participant_mute_args *in)
{
    const struct participant_args who = {in->channel_id, in->user_id};
    const struct seat_change change = {SEAT_SERVER_MUTED, in->muted};
    struct seat seat;
    TRY(room_change(rq, &who, &change, 1, &seat));
    state_tell(rq, EV_VOICE_STATE, &seat);
    return reply(rq, &voice_state_shape, &seat.state);
}

enum err participant_remove(struct req *rq, const struct participant_args *in)
{
    const struct departure d = {.user_id = in->user_id, .channel_id = in->channel_id};
    struct seat left;
    TRY(room_leave(rq, &d, &left));
    if (left.state.user_id == 0)
        return ERR_UNKNOWN_VOICE_STATE;
    departure_tell(rq, &left);
    return OK;
}
