/* SPDX-License-Identifier: MIT
 *
 * Rooms in a key-value bucket of the bus, so that they live as long as the bus does and need
 * nothing else. There one key changes at a time, by compare-and-set, and the truth is in one key: a
 * user's, which says where they sit. That is what keeps somebody from being in two rooms, and what
 * makes exactly one of two copies tell a departure.
 *
 *   user.<user>                where the user sits, and the servers where a moderator muted them
 *   room.<server>.<channel>    places of the room, by whom
 *
 * A place is reserved before the user's key says they sit there, and released after it no longer
 * does, so there are never more seats than places. One who takes a seat has a new ticket for the
 * place each time: a release that comes late does not take the place of who has come back. A place
 * whose user sits elsewhere is passed over by readers and dropped once it is older than any
 * request.
 */
#include "services/voice-signaling/voice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/rand.h"
#include "shared/domain/limit.h"
#include "shared/wire/bus_kv.h"
#include "shared/wire/json.h"

enum {
    VALUE_MAX = 64 * 1024,
    BUCKET_MAX = 256 * 1024 * 1024,
    TRIES = 32,        /* each one lost is one that somebody else has won */
    ROOMS_MAX = 10000, /* looked at by one question */
    MUTES_MAX = 100,   /* servers where one user is muted; the oldest are forgotten */
};
#define RESERVED_US (30 * INT64_C(1000000)) /* longer than any request lives */
#define GHOST_US    (60 * INT64_C(1000000))

/* The value of user.<user>. */
struct person {
    struct voice_state *seat; /* NULL: nowhere */
    snowflake app_id;
    bool is_admin;
    int64_t ticket;
    struct list muted_in; /* servers */
    snowflake user_id;    /* of the key, as is the revision */
    uint64_t revision;
};
static const struct field person_fields[] = {
    F_OBJ(person, seat, voice_state, OPTIONAL),
    F_ID(person, app_id),
    F_BOOL(person, is_admin),
    F_INT(person, ticket),
    F_IDS(person, muted_in),
};
static SHAPE(person);

struct place {
    snowflake user_id;
    int64_t ticket;
    int64_t since;
};
static const struct field place_fields[] = {
    F_ID(place, user_id),
    F_INT(place, ticket),
    F_TIME(place, since),
};
static SHAPE(place);

/* The value of room.<server>.<channel>. */
struct room {
    snowflake channel_id;
    snowflake server_id;
    struct list places;
    const char *key;
    uint64_t revision;
};
static const struct field room_fields[] = {
    F_ID(room, channel_id),
    F_ID(room, server_id),
    F_LIST(room, places, place),
};
static SHAPE(room);

/* ---- the bucket ---- */

enum err rooms_prepare(struct req *rq)
{
    const struct voice_settings *settings = rq->state;
    const struct bus_kv kv = {
        .bucket = ROOMS_BUCKET,
        .max_value = VALUE_MAX,
        .max_bytes = BUCKET_MAX,
        .replicas = settings->rooms_replicas,
    };
    return bus_kv_ensure(rq->bus, &kv);
}

/* Somebody else was faster each time. */
static enum err busy(struct req *rq)
{
    return fail(rq, ERR_UNAVAILABLE, "the room changes too fast");
}

/* Leaves *ret as it is when there is no value. */
static enum err value_read(struct req *rq, const char *key, const struct shape *shape, void *ret,
                           uint64_t *ret_revision)
{
    struct bus_kv_entry entry = {.key = key};
    auto_json json_t *value = NULL;
    const char *why = NULL;
    TRY(bus_kv_get(rq, ROOMS_BUCKET, &entry));
    *ret_revision = entry.revision;
    if (entry.value == NULL)
        return OK;
    if (json_read_object(&rq->arena, entry.value, entry.len, &value, &why) != OK)
        return fail(rq, ERR_INTERNAL, "%s: %s", key, why);
    return shape_decode_entity(shape, value, &rq->arena, ret);
}

/* NULL takes the value away. */
static enum err value_write(struct req *rq, const char *key, const struct shape *shape,
                            const void *value, uint64_t revision)
{
    auto_buf struct buf json = {0};
    struct bus_kv_entry entry = {.key = key, .revision = revision};
    if (value == NULL && revision == 0)
        return OK;
    if (value != NULL) {
        shape_encode(shape, value, &json);
        entry.value = buf_str(&json);
        entry.len = json.len;
    }
    return bus_kv_put(rq, ROOMS_BUCKET, &entry);
}

/* ---- people ---- */

static const char *user_key(struct req *rq, snowflake user_id)
{
    return arena_printf(&rq->arena, "user.%" PRIu64, user_id);
}

static enum err person_read(struct req *rq, snowflake user_id, struct person *ret)
{
    *ret = (struct person){.user_id = user_id};
    return value_read(rq, user_key(rq, user_id), &person_shape, ret, &ret->revision);
}

static enum err person_write(struct req *rq, const struct person *p)
{
    const bool is_empty = p->seat == NULL && p->muted_in.count == 0;
    return value_write(rq, user_key(rq, p->user_id), &person_shape, is_empty ? NULL : p,
                       p->revision);
}

/* Of nobody when they sit nowhere. */
static struct seat seat_of(const struct person *p)
{
    if (p->seat == NULL)
        return (struct seat){.app_id = 0};
    return (struct seat){.state = *p->seat, .app_id = p->app_id, .is_admin = p->is_admin};
}

static bool sits_in(const struct person *p, snowflake channel_id)
{
    return p->seat != NULL && p->seat->channel_id == channel_id;
}

static bool is_muted_in(const struct person *p, snowflake server_id)
{
    for (size_t i = 0; i < p->muted_in.count; i++)
        if (*LIST_AT(&p->muted_in, snowflake, i) == server_id)
            return true;
    return false;
}

/* The list with the server at its end, or without it. */
static void set_muted(struct req *rq, struct person *p, snowflake server_id, bool is_muted)
{
    snowflake *ids = arena_new_n(&rq->arena, snowflake, p->muted_in.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < p->muted_in.count; i++)
        if (*LIST_AT(&p->muted_in, snowflake, i) != server_id)
            ids[count++] = *LIST_AT(&p->muted_in, snowflake, i);
    if (is_muted)
        ids[count++] = server_id;
    const size_t forgotten = count > MUTES_MAX ? count - MUTES_MAX : 0;
    p->muted_in = (struct list){.items = ids + forgotten, .count = count - forgotten};
}

/* ---- places ---- */

static const char *room_key(struct req *rq, const struct voice_state *s)
{
    return arena_printf(&rq->arena, "room.%" PRIu64 ".%" PRIu64, s->server_id, s->channel_id);
}

static enum err room_read(struct req *rq, const char *key, struct room *ret)
{
    *ret = (struct room){.key = key};
    return value_read(rq, key, &room_shape, ret, &ret->revision);
}

static enum err room_write(struct req *rq, const struct room *r)
{
    return value_write(rq, r->key, &room_shape, r->places.count > 0 ? r : NULL, r->revision);
}

/* Ticket 0 is any. False: there is no such place. */
static bool place_drop(struct room *r, snowflake user_id, int64_t ticket)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->places.count; i++) {
        const struct place p = *LIST_AT(&r->places, struct place, i);
        if (p.user_id != user_id || (ticket != 0 && p.ticket != ticket))
            *LIST_AT(&r->places, struct place, kept++) = p;
    }
    const bool is_found = kept < r->places.count;
    r->places.count = kept;
    return is_found;
}

static void place_add(struct req *rq, struct room *r, const struct place *p)
{
    struct place *places = arena_new_n(&rq->arena, struct place, r->places.count + 1);
    for (size_t i = 0; i < r->places.count; i++)
        places[i] = *LIST_AT(&r->places, struct place, i);
    places[r->places.count] = *p;
    r->places = (struct list){.items = places, .count = r->places.count + 1};
}

static int by_age(const void *a, const void *b)
{
    const struct voice_state *x = &((const struct seat *)a)->state;
    const struct voice_state *y = &((const struct seat *)b)->state;
    if (x->joined_at != y->joined_at)
        return x->joined_at < y->joined_at ? -1 : 1;
    return x->user_id < y->user_id ? -1 : x->user_id > y->user_id;
}

/* Who sits in the room, struct seat, longest first. Of the places only theirs are left, and those
 * that somebody may just be taking. */
static enum err room_settle(struct req *rq, struct room *r, struct list *ret)
{
    const int64_t now = clock_us();
    struct seat *seats = arena_new_n(&rq->arena, struct seat, r->places.count + 1);
    size_t sitting = 0;
    size_t kept = 0;
    for (size_t i = 0; i < r->places.count; i++) {
        const struct place place = *LIST_AT(&r->places, struct place, i);
        struct person p;
        TRY(person_read(rq, place.user_id, &p));
        const bool is_here = sits_in(&p, r->channel_id);
        if (is_here)
            seats[sitting++] = seat_of(&p);
        if (is_here || place.since + RESERVED_US > now)
            *LIST_AT(&r->places, struct place, kept++) = place;
    }
    r->places.count = kept;
    qsort(seats, sitting, sizeof(*seats), by_age);
    *ret = (struct list){.items = seats, .count = sitting};
    return OK;
}

static enum err place_reserve(struct req *rq, const struct voice_state *s, int64_t ticket)
{
    const struct place mine = {s->user_id, ticket, clock_us()};
    for (int i = 0; i < TRIES; i++) {
        struct room r;
        struct list seats;
        TRY(room_read(rq, room_key(rq, s), &r));
        r.channel_id = s->channel_id;
        r.server_id = s->server_id;
        (void)place_drop(&r, s->user_id, 0);
        if (r.places.count >= LIMIT_VOICE_MESH)
            TRY(room_settle(rq, &r, &seats));
        if (r.places.count >= LIMIT_VOICE_MESH)
            return ERR_VOICE_FULL;
        place_add(rq, &r, &mine);
        enum err e = room_write(rq, &r);
        if (e != ERR_CONFLICT)
            return e;
    }
    return busy(rq);
}

/* Should this fail, the place is dropped when it is missed. */
static void place_release(struct req *rq, const struct voice_state *left, int64_t ticket)
{
    enum err e = ERR_CONFLICT;
    for (int i = 0; i < TRIES && e == ERR_CONFLICT; i++) {
        struct room r;
        e = room_read(rq, room_key(rq, left), &r);
        if (e == OK && place_drop(&r, left->user_id, ticket))
            e = room_write(rq, &r);
    }
    if (e != OK)
        LOG(INFO, "place.kept", KV("channel_id", left->channel_id), KV("err", err_name(e)));
}

/* ---- seats ---- */

static struct voice_state *seat_new(struct req *rq, const struct person *p,
                                    const struct voice_state *wanted)
{
    struct voice_state *s = arena_new(&rq->arena, struct voice_state);
    *s = *wanted;
    const bool is_same =
        sits_in(p, s->channel_id) && strcmp(p->seat->session_id, s->session_id) == 0;
    /* As it is written: milliseconds. */
    s->joined_at = is_same ? p->seat->joined_at : clock_us() / 1000 * 1000;
    s->server_muted = s->server_muted || is_muted_in(p, s->server_id);
    return s;
}

enum err room_take(struct req *rq, struct seat *wanted, struct seat *ret_before)
{
    const struct voice_state *s = &wanted->state;
    const int64_t ticket = (int64_t)(rand_u64() >> 1) + 1;
    bool has_place = false;
    for (int i = 0; i < TRIES; i++) {
        struct person p;
        TRY(person_read(rq, s->user_id, &p));
        const struct seat before = seat_of(&p);
        const int64_t old_ticket = p.ticket;
        const bool is_here = sits_in(&p, s->channel_id);
        /* Again in each turn: the user's other requests may have replaced what this one reserved,
         * and the one that writes last must be the one that reserved last. */
        if (!is_here || has_place) {
            TRY(place_reserve(rq, s, ticket));
            has_place = true;
        }
        p.seat = seat_new(rq, &p, s);
        p.app_id = wanted->app_id;
        p.is_admin = wanted->is_admin;
        p.ticket = has_place ? ticket : old_ticket;
        enum err e = person_write(rq, &p);
        if (e == ERR_CONFLICT)
            continue;
        TRY(e);
        if (before.state.user_id != 0 && !is_here)
            place_release(rq, &before.state, old_ticket);
        *wanted = seat_of(&p);
        *ret_before = before;
        return OK;
    }
    return busy(rq);
}

enum err room_seat(struct req *rq, const struct participant_args *who, struct seat *ret)
{
    struct person p;
    TRY(person_read(rq, who->user_id, &p));
    if (!sits_in(&p, who->channel_id))
        return ERR_UNKNOWN_VOICE_STATE;
    *ret = seat_of(&p);
    return OK;
}

static void apply(struct req *rq, struct person *p, const struct seat_change *change)
{
    switch (change->flag) {
    case SEAT_MUTED:
        p->seat->muted = change->value;
        break;
    case SEAT_DEAFENED:
        p->seat->deafened = change->value;
        break;
    case SEAT_VIDEO:
        p->seat->video = change->value;
        break;
    case SEAT_SERVER_MUTED:
        p->seat->server_muted = change->value;
        set_muted(rq, p, p->seat->server_id, change->value);
        break;
    }
}

enum err room_change(struct req *rq, const struct participant_args *who,
                     const struct seat_change *changes, size_t count, struct seat *ret)
{
    for (int i = 0; i < TRIES; i++) {
        struct person p;
        TRY(person_read(rq, who->user_id, &p));
        if (!sits_in(&p, who->channel_id))
            return ERR_UNKNOWN_VOICE_STATE;
        for (size_t k = 0; k < count; k++)
            apply(rq, &p, &changes[k]);
        enum err e = count > 0 ? person_write(rq, &p) : OK;
        *ret = seat_of(&p);
        if (e != ERR_CONFLICT)
            return e;
    }
    return busy(rq);
}

static bool is_meant(const struct departure *d, const struct voice_state *s)
{
    return (d->channel_id == 0 || d->channel_id == s->channel_id) &&
           (d->server_id == 0 || d->server_id == s->server_id) &&
           (d->session_id == NULL || strcmp(d->session_id, s->session_id) == 0);
}

enum err room_leave(struct req *rq, const struct departure *d, struct seat *ret_left)
{
    for (int i = 0; i < TRIES; i++) {
        struct person p;
        TRY(person_read(rq, d->user_id, &p));
        const struct seat left = seat_of(&p);
        *ret_left = (struct seat){.app_id = 0};
        if (p.seat == NULL || !is_meant(d, p.seat))
            return OK;
        p.seat = NULL;
        enum err e = person_write(rq, &p);
        if (e == ERR_CONFLICT)
            continue;
        TRY(e);
        place_release(rq, &left.state, p.ticket);
        *ret_left = left;
        return OK;
    }
    return busy(rq);
}

/* ---- many ---- */

/* Rooms left empty by nobody's fault go on the way. */
static enum err add_seats(struct req *rq, const char *key, struct buf *seats)
{
    struct room r;
    struct list sitting;
    TRY(room_read(rq, key, &r));
    const size_t places = r.places.count;
    TRY(room_settle(rq, &r, &sitting));
    buf_add(seats, sitting.items, sitting.count * sizeof(struct seat));
    enum err e = r.places.count < places ? room_write(rq, &r) : OK;
    return e == ERR_CONFLICT ? OK : e;
}

/* Everybody in the rooms whose keys match: nobody, when the bus has lost its store. */
static enum err find_seats(struct req *rq, const char *pattern, struct list *ret)
{
    auto_buf struct buf seats = {0};
    struct list keys;
    enum err e = bus_kv_keys(rq, ROOMS_BUCKET, pattern, ROOMS_MAX, &keys);
    *ret = (struct list){.count = 0};
    if (e == ERR_GONE)
        return OK;
    TRY(e);
    for (size_t i = 0; i < keys.count; i++)
        TRY(add_seats(rq, *LIST_AT(&keys, const char *, i), &seats));
    ret->count = seats.len / sizeof(struct seat);
    ret->items = arena_new_n(&rq->arena, struct seat, ret->count + 1);
    if (ret->count > 0)
        memcpy(ret->items, seats.data, seats.len);
    return OK;
}

enum err room_seats(struct req *rq, snowflake channel_id, struct list *ret)
{
    return find_seats(rq, arena_printf(&rq->arena, "room.*.%" PRIu64, channel_id), ret);
}

enum err room_server_seats(struct req *rq, snowflake server_id, struct list *ret)
{
    return find_seats(rq, arena_printf(&rq->arena, "room.%" PRIu64 ".*", server_id), ret);
}

/* Who left by themselves meanwhile is not among those who were sent away. */
static enum err send_away(struct req *rq, struct list *seats)
{
    size_t gone = 0;
    for (size_t i = 0; i < seats->count; i++) {
        const struct voice_state *s = &LIST_AT(seats, struct seat, i)->state;
        const struct departure d = {.user_id = s->user_id, .channel_id = s->channel_id};
        struct seat left;
        TRY(room_leave(rq, &d, &left));
        if (left.state.user_id != 0)
            *LIST_AT(seats, struct seat, gone++) = left;
    }
    seats->count = gone;
    return OK;
}

enum err room_clear(struct req *rq, snowflake channel_id, struct list *ret)
{
    TRY(room_seats(rq, channel_id, ret));
    return send_away(rq, ret);
}

enum err room_clear_server(struct req *rq, snowflake server_id, struct list *ret)
{
    TRY(room_server_seats(rq, server_id, ret));
    return send_away(rq, ret);
}

enum err room_users(struct req *rq, struct list *ret)
{
    const int64_t since = clock_us() - GHOST_US;
    struct list seats;
    TRY(find_seats(rq, "room.>", &seats));
    snowflake *ids = arena_new_n(&rq->arena, snowflake, seats.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < seats.count; i++) {
        const struct voice_state *s = &LIST_AT(&seats, struct seat, i)->state;
        if (s->joined_at < since)
            ids[count++] = s->user_id;
    }
    *ret = (struct list){.items = ids, .count = count};
    return OK;
}
