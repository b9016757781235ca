/* SPDX-License-Identifier: MIT
 *
 * Rooms in Redis. A seat belongs to the user, not to the room: that is what keeps somebody from
 * being in two rooms. A room's members, a server's rooms and the list of all users follow the seat,
 * always in the same script.
 *
 *   voice:user:<user>        the seat
 *   voice:room:<channel>     users by when they joined
 *   voice:rooms:<server>     channels that have a room
 *   voice:users              everybody, by when they joined
 *   voice:muted:<server>     users whom a moderator muted; leaving does not end that
 *   voice:recheck            servers where rights changed, by until when to look again
 */
#include "services/voice-signaling/voice.h"

#include <inttypes.h>
#include <string.h>

#include "shared/base/str.h"
#include "shared/domain/limit.h"

enum {
    SEAT_USER,
    SEAT_CHANNEL,
    SEAT_SERVER,
    SEAT_APP,
    SEAT_SESSION,
    SEAT_MUTED,
    SEAT_DEAFENED,
    SEAT_VIDEO,
    SEAT_SERVER_MUTED,
    SEAT_JOINED,
    SEAT_ADMIN,
    SEAT_FIELDS,
    GHOST_MS = 60 * 1000,
    RECHECK_MS = 1000, /* longer than messaging trusts a permission it has read */
};

/* A seat as an array in the order above, or nil. */
#define LUA_SEAT                                                                    \
    "local function seat(user)\n"                                                   \
    "  local v = redis.call('HMGET', 'voice:user:' .. user, 'channel', 'server',"   \
    "    'app', 'session', 'muted', 'deafened', 'video', 'server_muted', 'joined'," \
    "    'admin')\n"                                                                \
    "  if not v[1] then return nil end\n"                                           \
    "  table.insert(v, 1, user)\n"                                                  \
    "  return v\n"                                                                  \
    "end\n"

/* The seat that was taken away, or nil. */
#define LUA_DROP                                                                          \
    LUA_SEAT                                                                              \
    "local function drop(user)\n"                                                         \
    "  local s = seat(user)\n"                                                            \
    "  if not s then return nil end\n"                                                    \
    "  local room = 'voice:room:' .. s[2]\n"                                              \
    "  redis.call('DEL', 'voice:user:' .. user)\n"                                        \
    "  redis.call('ZREM', 'voice:users', user)\n"                                         \
    "  redis.call('ZREM', room, user)\n"                                                  \
    "  if redis.call('EXISTS', room) == 0 then\n"                                         \
    "    redis.call('SREM', 'voice:rooms:' .. s[3], s[2])\n"                              \
    "  end\n"                                                                             \
    "  return s\n"                                                                        \
    "end\n"                                                                               \
    "local function clear(channel)\n"                                                     \
    "  local left = {}\n"                                                                 \
    "  for _, user in ipairs(redis.call('ZRANGE', 'voice:room:' .. channel, 0, -1)) do\n" \
    "    left[#left + 1] = drop(user)\n"                                                  \
    "  end\n"                                                                             \
    "  return left\n"                                                                     \
    "end\n"

#define LUA_NOW                      \
    "local t = redis.call('TIME')\n" \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

/* Answers 0 when the room is full, else {the new seat, the one before}. */
static struct cache_script take_script = {
    .text = LUA_NOW LUA_DROP
    "local user, channel, server, app, session, muted, deafened, video, hushed, admin, max ="
    "  unpack(ARGV)\n"
    "local before = seat(user)\n"
    "local here = before and before[2] == channel\n"
    "if not here and redis.call('ZCARD', 'voice:room:' .. channel) >= tonumber(max) then\n"
    "  return 0\n"
    "end\n"
    "local joined = now\n"
    "if here and before[5] == session then joined = before[10] end\n"
    "if redis.call('SISMEMBER', 'voice:muted:' .. server, user) == 1 then hushed = '1' end\n"
    "drop(user)\n"
    "redis.call('HSET', 'voice:user:' .. user, 'channel', channel, 'server', server,"
    "  'app', app, 'session', session, 'muted', muted, 'deafened', deafened,"
    "  'video', video, 'server_muted', hushed, 'joined', joined,"
    "  'admin', admin)\n"
    "redis.call('ZADD', 'voice:room:' .. channel, joined, user)\n"
    "redis.call('ZADD', 'voice:users', joined, user)\n"
    "redis.call('SADD', 'voice:rooms:' .. server, channel)\n"
    "return {seat(user), before}\n",
};

static struct cache_script seats_script = {
    .text =
        LUA_SEAT "local seats = {}\n"
                 "for _, user in ipairs(redis.call('ZRANGE', 'voice:room:' .. ARGV[1], 0, -1)) do\n"
                 "  seats[#seats + 1] = seat(user)\n"
                 "end\n"
                 "return seats\n",
};

static struct cache_script seat_script = {
    .text = LUA_SEAT "return seat(ARGV[1])\n",
};

/* user, channel, then names and values. */
static struct cache_script change_script = {
    .text = LUA_SEAT "local user, channel = ARGV[1], ARGV[2]\n"
                     "local s = seat(user)\n"
                     "if not s or s[2] ~= channel then return nil end\n"
                     "for i = 3, #ARGV, 2 do\n"
                     "  redis.call('HSET', 'voice:user:' .. user, ARGV[i], ARGV[i + 1])\n"
                     "  if ARGV[i] == 'server_muted' then\n"
                     "    local verb = ARGV[i + 1] == '1' and 'SADD' or 'SREM'\n"
                     "    redis.call(verb, 'voice:muted:' .. s[3], user)\n"
                     "  end\n"
                     "end\n"
                     "return seat(user)\n",
};

/* user, then channel, server and session, of which '' is any. */
static struct cache_script leave_script = {
    .text = LUA_DROP
    "local user, channel, server, session = unpack(ARGV)\n"
    "local s = seat(user)\n"
    "if not s or (channel ~= '' and s[2] ~= channel) or (server ~= '' and s[3] ~= server)"
    "  or (session ~= '' and s[5] ~= session) then return nil end\n"
    "return drop(user)\n",
};

static struct cache_script clear_script = {
    .text = LUA_DROP "return clear(ARGV[1])\n",
};

static struct cache_script clear_server_script = {
    .text =
        LUA_DROP "local all = {}\n"
                 "for _, channel in ipairs(redis.call('SMEMBERS', 'voice:rooms:' .. ARGV[1])) do\n"
                 "  for _, s in ipairs(clear(channel)) do all[#all + 1] = s end\n"
                 "end\n"
                 "redis.call('DEL', 'voice:muted:' .. ARGV[1])\n"
                 "return all\n",
};

static struct cache_script server_seats_script = {
    .text = LUA_SEAT
    "local all = {}\n"
    "for _, channel in ipairs(redis.call('SMEMBERS', 'voice:rooms:' .. ARGV[1])) do\n"
    "  for _, user in ipairs(redis.call('ZRANGE', 'voice:room:' .. channel, 0, -1)) do\n"
    "    all[#all + 1] = seat(user)\n"
    "  end\n"
    "end\n"
    "return all\n",
};

static struct cache_script mark_script = {
    .text = LUA_NOW "redis.call('ZADD', 'voice:recheck', now + ARGV[2], ARGV[1])\n",
};

/* Answers server, until, is due, server … */
static struct cache_script marks_script = {
    .text = LUA_NOW
    "local marks = redis.call('ZRANGE', 'voice:recheck', 0, ARGV[1] - 1, 'WITHSCORES')\n"
    "local answer = {}\n"
    "for i = 1, #marks, 2 do\n"
    "  answer[#answer + 1] = marks[i]\n"
    "  answer[#answer + 1] = marks[i + 1]\n"
    "  answer[#answer + 1] = tonumber(marks[i + 1]) <= now and '1' or '0'\n"
    "end\n"
    "return answer\n",
};

/* server, until: unless it was marked again. */
static struct cache_script unmark_script = {
    .text = "if redis.call('ZSCORE', 'voice:recheck', ARGV[1]) == ARGV[2] then\n"
            "  redis.call('ZREM', 'voice:recheck', ARGV[1])\n"
            "end\n",
};

static struct cache_script users_script = {
    .text = LUA_NOW "return redis.call('ZRANGEBYSCORE', 'voice:users', '-inf', now - ARGV[1],"
                    "                  'LIMIT', ARGV[2], ARGV[3])\n",
};

/* ---- what scripts answer ---- */

static snowflake id_of(const struct cache_value *v)
{
    snowflake id = 0;
    return v->str != NULL && snowflake_parse(v->str, &id) ? id : 0;
}

static bool is_set(const struct cache_value *v)
{
    return v->str != NULL && strcmp(v->str, "1") == 0;
}

static int64_t time_of(const struct cache_value *ms)
{
    uint64_t value = 0;
    return ms->str != NULL && str_parse_u64(ms->str, ms->len, &value) ? (int64_t)value * 1000 : 0;
}

/* Nil is a seat of nobody. */
static struct seat seat_of(const struct cache_value *v)
{
    if (v->kind != CACHE_LIST || v->count != SEAT_FIELDS)
        return (struct seat){.app_id = 0};
    const struct cache_value *f = v->items;
    return (struct seat){
        .app_id = id_of(&f[SEAT_APP]),
        .is_admin = is_set(&f[SEAT_ADMIN]),
        .state =
            {
                    .channel_id = id_of(&f[SEAT_CHANNEL]),
                    .server_id = id_of(&f[SEAT_SERVER]),
                    .user_id = id_of(&f[SEAT_USER]),
                    .session_id = f[SEAT_SESSION].str,
                    .muted = is_set(&f[SEAT_MUTED]),
                    .deafened = is_set(&f[SEAT_DEAFENED]),
                    .video = is_set(&f[SEAT_VIDEO]),
                    .server_muted = is_set(&f[SEAT_SERVER_MUTED]),
                    .joined_at = time_of(&f[SEAT_JOINED]),
                    },
    };
}

static struct list seats_of(struct req *rq, const struct cache_value *v)
{
    struct seat *seats = arena_new_n(&rq->arena, struct seat, v->count + 1);
    for (size_t i = 0; i < v->count; i++)
        seats[i] = seat_of(&v->items[i]);
    return (struct list){.items = seats, .count = v->count};
}

/* ---- the functions ---- */

static const char *id_text(struct req *rq, snowflake id)
{
    return arena_printf(&rq->arena, "%" PRIu64, id);
}

/* An id that does not matter is ''. */
static const char *any_id_text(struct req *rq, snowflake id)
{
    return id != 0 ? id_text(rq, id) : "";
}

static const char *flag_text(bool is_on)
{
    return is_on ? "1" : "0";
}

enum err room_take(struct req *rq, struct seat *wanted, struct seat *ret_before)
{
    const struct voice_state *s = &wanted->state;
    const char *argv[] = {
        id_text(rq, s->user_id),
        id_text(rq, s->channel_id),
        id_text(rq, s->server_id),
        id_text(rq, wanted->app_id),
        s->session_id,
        flag_text(s->muted),
        flag_text(s->deafened),
        flag_text(s->video),
        flag_text(s->server_muted),
        flag_text(wanted->is_admin),
        arena_printf(&rq->arena, "%d", LIMIT_VOICE_MESH),
    };
    struct cache_value answer;
    TRY(cache_do_script(rq, &take_script, argv, ARRAY_LEN(argv), &answer));
    if (answer.kind != CACHE_LIST || answer.count == 0)
        return ERR_VOICE_FULL;
    *wanted = seat_of(&answer.items[0]);
    *ret_before = answer.count > 1 ? seat_of(&answer.items[1]) : (struct seat){.app_id = 0};
    return OK;
}

/* A script that takes one id and answers seats. */
static enum err ask_seats(struct req *rq, struct cache_script *script, snowflake id,
                          struct list *ret)
{
    const char *argv[] = {id_text(rq, id)};
    struct cache_value answer;
    TRY(cache_do_script(rq, script, argv, ARRAY_LEN(argv), &answer));
    *ret = seats_of(rq, &answer);
    return OK;
}

enum err room_seats(struct req *rq, snowflake channel_id, struct list *ret)
{
    return ask_seats(rq, &seats_script, channel_id, ret);
}

enum err room_server_seats(struct req *rq, snowflake server_id, struct list *ret)
{
    return ask_seats(rq, &server_seats_script, server_id, ret);
}

enum err room_seat(struct req *rq, const struct participant_args *who, struct seat *ret)
{
    const char *argv[] = {id_text(rq, who->user_id)};
    struct cache_value answer;
    TRY(cache_do_script(rq, &seat_script, argv, ARRAY_LEN(argv), &answer));
    struct seat found = seat_of(&answer);
    if (found.state.user_id == 0 || found.state.channel_id != who->channel_id)
        return ERR_UNKNOWN_VOICE_STATE;
    *ret = found;
    return OK;
}

enum err room_change(struct req *rq, const struct participant_args *who,
                     const struct seat_change *changes, size_t count, struct seat *ret)
{
    const char *argv[2 + 2 * SEAT_CHANGES_MAX] = {id_text(rq, who->user_id),
                                                  id_text(rq, who->channel_id)};
    for (size_t i = 0; i < count; i++) {
        argv[2 + 2 * i] = changes[i].name;
        argv[3 + 2 * i] = flag_text(changes[i].value);
    }
    struct cache_value answer;
    TRY(cache_do_script(rq, &change_script, argv, (int)(2 + 2 * count), &answer));
    *ret = seat_of(&answer);
    return ret->state.user_id != 0 ? OK : ERR_UNKNOWN_VOICE_STATE;
}

enum err room_leave(struct req *rq, const struct departure *d, struct seat *ret_left)
{
    const char *argv[] = {
        id_text(rq, d->user_id),
        any_id_text(rq, d->channel_id),
        any_id_text(rq, d->server_id),
        d->session_id != NULL ? d->session_id : "",
    };
    struct cache_value answer;
    TRY(cache_do_script(rq, &leave_script, argv, ARRAY_LEN(argv), &answer));
    *ret_left = seat_of(&answer);
    return OK;
}

enum err room_clear(struct req *rq, snowflake channel_id, struct list *ret)
{
    return ask_seats(rq, &clear_script, channel_id, ret);
}

enum err room_clear_server(struct req *rq, snowflake server_id, struct list *ret)
{
    return ask_seats(rq, &clear_server_script, server_id, ret);
}

enum err room_users(struct req *rq, size_t offset, struct list *ret)
{
    const char *argv[] = {
        arena_printf(&rq->arena, "%d", GHOST_MS),
        arena_printf(&rq->arena, "%zu", offset),
        arena_printf(&rq->arena, "%d", ROOM_USERS_PAGE),
    };
    struct cache_value answer;
    TRY(cache_do_script(rq, &users_script, argv, ARRAY_LEN(argv), &answer));
    snowflake *ids = arena_new_n(&rq->arena, snowflake, answer.count + 1);
    for (size_t i = 0; i < answer.count; i++)
        ids[i] = id_of(&answer.items[i]);
    *ret = (struct list){.items = ids, .count = answer.count};
    return OK;
}

/* ---- servers to look at again ---- */

enum err recheck_mark(struct req *rq, snowflake server_id)
{
    const char *argv[] = {id_text(rq, server_id), arena_printf(&rq->arena, "%d", RECHECK_MS)};
    return cache_do_script(rq, &mark_script, argv, ARRAY_LEN(argv), NULL);
}

enum err recheck_marks(struct req *rq, size_t max, struct list *ret)
{
    const char *argv[] = {arena_printf(&rq->arena, "%zu", max)};
    struct cache_value answer;
    TRY(cache_do_script(rq, &marks_script, argv, ARRAY_LEN(argv), &answer));
    size_t count = answer.count / 3;
    struct recheck *marks = arena_new_n(&rq->arena, struct recheck, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct cache_value *v = &answer.items[3 * i];
        marks[i] = (struct recheck){id_of(&v[0]), v[1].str, is_set(&v[2])};
    }
    *ret = (struct list){.items = marks, .count = count};
    return OK;
}

enum err recheck_done(struct req *rq, const struct recheck *mark)
{
    const char *argv[] = {id_text(rq, mark->server_id), mark->until};
    return cache_do_script(rq, &unmark_script, argv, ARRAY_LEN(argv), NULL);
}
