/* SPDX-License-Identifier: MIT
 *
 * Who is removed without having asked: the session ended, the member left or was silenced, the
 * channel or the server is no more. An end of a session is told once and may be missed, so now and
 * then presence is asked who in a room is still there. Each of these may come twice.
 */
#include "services/voice-signaling/voice.h"

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "shared/wire/event.h"

enum { SWEEP_PAGE = 500 }; /* users presence is asked about at a time */

struct session_end {
    const char *session_id;
    snowflake user_id;
    bool is_last;
};
static const struct field session_end_fields[] = {
    F_STR(session_end, session_id),
    F_ID(session_end, user_id),
    F_BOOL(session_end, is_last),
};
SHAPE(session_end);

struct member_end {
    snowflake server_id;
    snowflake user_id;
};
static const struct field member_end_fields[] = {
    F_ID(member_end, server_id),
    F_ID(member_end, user_id),
};
SHAPE(member_end);

struct member_change {
    snowflake server_id;
    snowflake user_id;
    int64_t timed_out_until;
};
static const struct field member_change_fields[] = {
    F_ID(member_change, server_id),
    F_ID(member_change, user_id),
    F_TIME(member_change, timed_out_until, NULLABLE),
};
SHAPE(member_change);

struct channel_end {
    snowflake id;
};
static const struct field channel_end_fields[] = {
    F_ID(channel_end, id),
};
SHAPE(channel_end);

struct server_end {
    snowflake server_id;
};
static const struct field server_end_fields[] = {
    F_ID(server_end, server_id),
};
SHAPE(server_end);

struct status_query {
    struct list user_ids;
};
static const struct field status_query_fields[] = {
    F_IDS(status_query, user_ids),
};
static SHAPE(status_query);

static const char *const statuses[] = {"online", "offline", NULL};
enum { STATUS_OFFLINE = 1 };
struct user_status {
    snowflake user_id;
    int status;
};
static const struct field user_status_fields[] = {
    F_ID(user_status, user_id),
    F_ENUM(user_status, status, statuses),
};
static SHAPE(user_status);

static enum err remove_one(struct req *rq, const struct departure *d)
{
    struct seat left;
    TRY(room_leave(rq, d, &left));
    departure_tell(rq, &left);
    return OK;
}

static void tell_all(struct req *rq, const struct list *left)
{
    for (size_t i = 0; i < left->count; i++)
        departure_tell(rq, LIST_AT(left, struct seat, i));
}

enum err session_ended(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct session_end *end = payload;
    const struct departure d = {
        .user_id = end->user_id,
        .session_id = end->is_last ? NULL : end->session_id,
    };
    return remove_one(rq, &d);
}

enum err member_left(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct member_end *end = payload;
    const struct departure d = {.user_id = end->user_id, .server_id = end->server_id};
    return remove_one(rq, &d);
}

/* Who is timed out may neither speak nor stay; who has other roles may have lost the right. */
enum err member_changed(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct member_change *m = payload;
    const struct departure d = {.user_id = m->user_id, .server_id = m->server_id};
    return m->timed_out_until > clock_us() ? remove_one(rq, &d) : recheck_mark(rq, m->server_id);
}

enum err channel_ended(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct channel_end *end = payload;
    struct list left;
    TRY(room_clear(rq, end->id, &left));
    tell_all(rq, &left);
    return OK;
}

enum err server_ended(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct server_end *end = payload;
    struct list left;
    TRY(room_clear_server(rq, end->server_id, &left));
    tell_all(rq, &left);
    return OK;
}

static enum err remove_absent(struct req *rq, const struct list *users)
{
    const struct status_query query = {.user_ids = *users};
    struct list found;
    TRY(bus_call_many(rq, "presence.status.get", &status_query_shape, &query, &user_status_shape,
                      &found));
    for (size_t i = 0; i < found.count; i++) {
        const struct user_status *u = LIST_AT(&found, struct user_status, i);
        if (u->status == STATUS_OFFLINE)
            TRY(remove_one(rq, &(struct departure){.user_id = u->user_id}));
    }
    return OK;
}

/* While presence does not know, nobody is known to be absent. */
enum err ghost_sweep(struct req *rq)
{
    struct list users;
    enum err e = room_users(rq, &users);
    for (size_t at = 0; e == OK && at < users.count; at += SWEEP_PAGE) {
        const size_t left = users.count - at;
        const struct list page = {
            .items = LIST_AT(&users, snowflake, at),
            .count = left < SWEEP_PAGE ? left : SWEEP_PAGE,
        };
        e = remove_absent(rq, &page);
    }
    return e == ERR_UNAVAILABLE || e == ERR_TIMEOUT ? OK : e;
}
