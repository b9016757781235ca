/* SPDX-License-Identifier: MIT
 *
 * Who may no longer be where they sit. Whatever can take VIEW_CHANNEL or CONNECT away marks the
 * server, and everybody who sits in it is looked at again: within a second, and once more when
 * messaging cannot any more answer with what was true before. Handlers of events ask nobody, so a
 * mark waits for the clock, and survives messaging's being away.
 */
#include "services/voice-signaling/voice.h"

#include <inttypes.h>

#include "shared/domain/permission.h"
#include "shared/service/place.h"

enum { RECHECK_SERVERS = 100 }; /* in one run */

struct rights_change {
    snowflake server_id;
};
static const struct field rights_change_fields[] = {
    F_ID(rights_change, server_id),
};
SHAPE(rights_change);

struct owner_change {
    snowflake id;
};
static const struct field owner_change_fields[] = {
    F_ID(owner_change, id),
};
SHAPE(owner_change);

enum err rights_changed(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct rights_change *change = payload;
    return recheck_mark(rq, change->server_id);
}

enum err owner_changed(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct owner_change *change = payload;
    return recheck_mark(rq, change->id);
}

/* Asked as the one who sits there: an administrator of the instance needs no right. */
enum err seat_is_allowed(struct req *rq, const struct seat *seat, bool *ret)
{
    const struct caller *asking = rq->from;
    const snowflake app = rq->app;
    struct caller holder = *asking;
    struct channel_place place;
    holder.user = seat->state.user_id;
    holder.app = seat->app_id;
    holder.is_admin = seat->is_admin;
    rq->from = &holder;
    rq->actor = holder.user;
    rq->app = holder.app;
    enum err e = channel_locate(rq, seat->state.channel_id, &place);
    rq->from = asking;
    rq->actor = asking->user;
    rq->app = app;
    *ret = e == OK && permission_has(place.permissions, PERM_CONNECT);
    return e == ERR_UNKNOWN_CHANNEL ? OK : e;
}

static enum err recheck_server(struct req *rq, snowflake server_id)
{
    struct list seats;
    TRY(room_server_seats(rq, server_id, &seats));
    for (size_t i = 0; i < seats.count; i++) {
        const struct voice_state *s = &LIST_AT(&seats, struct seat, i)->state;
        const struct departure d = {.user_id = s->user_id, .channel_id = s->channel_id};
        bool is_allowed;
        struct seat left;
        TRY(seat_is_allowed(rq, LIST_AT(&seats, struct seat, i), &is_allowed));
        if (is_allowed)
            continue;
        TRY(room_leave(rq, &d, &left));
        departure_tell(rq, &left);
    }
    return OK;
}

/* While messaging is away nobody is known to have lost anything: the mark stays. This comes by
 * every second, so it is who notices that the bus has lost its store, and the rooms with it. */
enum err rights_sweep(struct req *rq)
{
    struct list marks;
    enum err e = recheck_marks(rq, RECHECK_SERVERS, &marks);
    if (e == ERR_GONE)
        return rooms_prepare(rq);
    for (size_t i = 0; e == OK && i < marks.count; i++) {
        const struct recheck *mark = LIST_AT(&marks, struct recheck, i);
        e = recheck_server(rq, mark->server_id);
        if (e == OK && mark->is_due)
            e = recheck_done(rq, mark);
    }
    return e == ERR_UNAVAILABLE || e == ERR_TIMEOUT ? OK : e;
}
