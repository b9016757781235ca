/* SPDX-License-Identifier: MIT
 *
 * Realtime sessions, several a user, as gateways report them. A user is online while any of them
 * is. A script takes each step whole: the one session that made a user appear or disappear learns
 * it, and with it who must be told; so a change is told exactly once, whichever copies were asked
 * at that moment.
 *
 *   presence:sessions          session ids by when they end, unless a beat comes
 *   presence:owners            session id -> "user:application"
 *   presence:user:<user>       the user's sessions; it exists while the user is online
 *   presence:servers:<user>    where an online user is shown
 *   presence:left:<user>       servers left a moment ago, whatever messaging said before
 *   presence:seen:<user>       when the last session ended
 *   presence:online:<server>, presence:offline:<server>   members who are, and were
 *   presence:swept             when a sweep last came by
 *   presence:known             from when on no beat means no session
 */
#include "services/presence/presence.h"

#include <inttypes.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/wire/bus.h"
#include "shared/wire/event.h"

enum {
    SESSION_ID_MAX = 64,
    BEAT_MAX = 1000,
    SWEEP_SESSIONS = 200, /* in one script: Redis serves nobody else meanwhile */
    SWEEP_SCRIPTS = 10,   /* in one run */
    PAUSE_MS = 10 * 1000, /* between two sweeps: nobody could say that they live */
};

struct session_open_args {
    const char *session_id;
};
static const struct field session_open_args_fields[] = {
    F_STR(session_open_args, session_id, RANGE(1, SESSION_ID_MAX)),
};
SHAPE(session_open_args);

struct session_close_args {
    const char *session_id;
};
static const struct field session_close_args_fields[] = {
    F_STR(session_close_args, session_id, RANGE(1, SESSION_ID_MAX)),
};
SHAPE(session_close_args);

struct live_session {
    const char *session_id;
    snowflake user_id;
    snowflake app_id;
};
static const struct field live_session_fields[] = {
    F_STR(live_session, session_id, RANGE(1, SESSION_ID_MAX)),
    F_ID(live_session, user_id),
    F_ID(live_session, app_id),
};
static SHAPE(live_session);

struct session_beat_args {
    struct list sessions;
};
static const struct field session_beat_args_fields[] = {
    F_LIST(session_beat_args, sessions, live_session, RANGE(0, BEAT_MAX)),
};
SHAPE(session_beat_args);

/* Of messaging's answer, what matters here. */
struct server_ref {
    snowflake id;
};
static const struct field server_ref_fields[] = {
    F_ID(server_ref, id),
};
static SHAPE(server_ref);

struct session_expired {
    const char *session_id;
    snowflake user_id;
    snowflake app_id;
    bool is_last;
    int64_t at;
};
static const struct field session_expired_fields[] = {
    F_STR(session_expired, session_id),
    F_ID(session_expired, user_id),
    F_ID(session_expired, app_id),
    F_BOOL(session_expired, is_last, TEXT("The user has no other: they are offline now.")),
    F_TIME(session_expired, at),
};
SHAPE(session_expired);

/* Of messaging's events, what matters here. */
struct membership {
    snowflake server_id;
    snowflake user_id;
};
static const struct field membership_fields[] = {
    F_ID(membership, server_id),
    F_ID(membership, user_id),
};
SHAPE(membership);

struct server_end {
    snowflake server_id;
};
static const struct field server_end_fields[] = {
    F_ID(server_end, server_id),
};
SHAPE(server_end);

/* Answers {session, user, application, is last, {servers to be told}}, or nil: nobody's. */
#define LUA_END_SESSION                                                       \
    LUA_NOW                                                                   \
    "local function end_session(id)\n"                                        \
    "  redis.call('ZREM', 'presence:sessions', id)\n"                         \
    "  local owner = redis.call('HGET', 'presence:owners', id)\n"             \
    "  if not owner then return nil end\n"                                    \
    "  redis.call('HDEL', 'presence:owners', id)\n"                           \
    "  local user, app = owner:match('^(%d+):(%d+)$')\n"                      \
    "  redis.call('SREM', 'presence:user:' .. user, id)\n"                    \
    "  if redis.call('EXISTS', 'presence:user:' .. user) == 1 then\n"         \
    "    return {id, user, app, 0, {}}\n"                                     \
    "  end\n"                                                                 \
    "  local servers = redis.call('SMEMBERS', 'presence:servers:' .. user)\n" \
    "  for _, server in ipairs(servers) do\n"                                 \
    "    redis.call('ZREM', 'presence:online:' .. server, user)\n"            \
    "    redis.call('ZADD', 'presence:offline:' .. server, 0, user)\n"        \
    "  end\n"                                                                 \
    "  redis.call('DEL', 'presence:servers:' .. user)\n"                      \
    "  redis.call('SET', 'presence:seen:' .. user, now, 'EX', 7776000)\n"     \
    "  return {id, user, app, 1, servers}\n"                                  \
    "end\n"

/* Answers {servers where the user appears, a session of somebody else that had this id}; nil and
 * nothing done when the user is new here and the servers are not known ("?"). */
static struct cache_script open_script = {
    .text = LUA_END_SESSION
    "local id, user, app, servers, ttl = unpack(ARGV)\n"
    "local mine, owner = 'presence:user:' .. user, user .. ':' .. app\n"
    "if servers == '?' and redis.call('EXISTS', mine) == 0 then return nil end\n"
    "local before = redis.call('HGET', 'presence:owners', id)\n"
    "local ended\n"
    "if before and before ~= owner then ended = end_session(id) end\n"
    "redis.call('ZADD', 'presence:sessions', now + ttl, id)\n"
    "redis.call('HSET', 'presence:owners', id, owner)\n"
    "redis.call('SADD', mine, id)\n"
    "local fresh = {}\n"
    "local function appear(server)\n"
    "  if redis.call('SISMEMBER', 'presence:left:' .. user, server) == 1 then return end\n"
    "  redis.call('SADD', 'presence:servers:' .. user, server)\n"
    "  if redis.call('ZADD', 'presence:online:' .. server, 0, user) == 1 then\n"
    "    redis.call('ZREM', 'presence:offline:' .. server, user)\n"
    "    fresh[#fresh + 1] = server\n"
    "  end\n"
    "end\n"
    "for server in servers:gmatch('%d+') do appear(server) end\n"
    "return {fresh, ended}\n",
};

/* Answers which of them are not known, as numbers from 0. */
static struct cache_script beat_script = {
    .text = LUA_NOW "local lost, at = {}, 0\n"
                    "for id in ARGV[1]:gmatch('[^,]+') do\n"
                    "  if redis.call('ZSCORE', 'presence:sessions', id) then\n"
                    "    redis.call('ZADD', 'presence:sessions', now + ARGV[2], id)\n"
                    "  else\n"
                    "    lost[#lost + 1] = at\n"
                    "  end\n"
                    "  at = at + 1\n"
                    "end\n"
                    "return lost\n",
};

static struct cache_script close_script = {
    .text = LUA_END_SESSION "return end_session(ARGV[1])\n",
};

/* After a pause, or without memory, every gateway gets the time to beat before anybody is missed.
 */
static struct cache_script sweep_script = {
    .text =
        LUA_END_SESSION "local swept = redis.call('GET', 'presence:swept')\n"
                        "redis.call('SET', 'presence:swept', now)\n"
                        "if not swept or now - swept > tonumber(ARGV[2]) then\n"
                        "  redis.call('SET', 'presence:known', now + ARGV[3])\n"
                        "end\n"
                        "local known = redis.call('GET', 'presence:known')\n"
                        "if known and now < tonumber(known) then return {0, {}} end\n"
                        "local due = redis.call('ZRANGEBYSCORE', 'presence:sessions', '-inf', now,"
                        "                       'LIMIT', 0, ARGV[1])\n"
                        "local ended = {}\n"
                        "for _, id in ipairs(due) do ended[#ended + 1] = end_session(id) end\n"
                        "return {#due, ended}\n",
};

/* Answers 1 when an online user appears in the server by this. */
static struct cache_script join_script = {
    .text = "local user, server = ARGV[1], ARGV[2]\n"
            "redis.call('SREM', 'presence:left:' .. user, server)\n"
            "if redis.call('EXISTS', 'presence:user:' .. user) == 0 then return 0 end\n"
            "redis.call('SADD', 'presence:servers:' .. user, server)\n"
            "return redis.call('ZADD', 'presence:online:' .. server, 0, user)\n",
};

/* A session that is just being opened may have asked messaging before; half a minute is longer than
 * that can take. */
static struct cache_script leave_script = {
    .text = "local user, server = ARGV[1], ARGV[2]\n"
            "redis.call('SADD', 'presence:left:' .. user, server)\n"
            "redis.call('EXPIRE', 'presence:left:' .. user, 30)\n"
            "redis.call('SREM', 'presence:servers:' .. user, server)\n"
            "redis.call('ZREM', 'presence:online:' .. server, user)\n"
            "redis.call('ZREM', 'presence:offline:' .. server, user)\n",
};

static struct cache_script forget_script = {
    .text = "local online = 'presence:online:' .. ARGV[1]\n"
            "for _, user in ipairs(redis.call('ZRANGE', online, 0, -1)) do\n"
            "  redis.call('SREM', 'presence:servers:' .. user, ARGV[1])\n"
            "end\n"
            "redis.call('DEL', online, 'presence:offline:' .. ARGV[1])\n",
};

/* ---- telling ---- */

static void tell_servers(struct req *rq, const struct cache_value *servers, struct presence p)
{
    for (size_t i = 0; i < servers->count; i++) {
        p.server_id = id_unpad(servers->items[i].str);
        if (p.server_id != 0)
            status_tell(rq, &p);
    }
}

/* One session that end_session ended. */
static void tell_ended(struct req *rq, const struct cache_value *ended)
{
    if (ended->kind != CACHE_LIST || ended->count != 5)
        return;
    const int64_t now = clock_us();
    struct session_expired gone = {
        .session_id = ended->items[0].str,
        .user_id = id_unpad(ended->items[1].str),
        .app_id = id_unpad(ended->items[2].str),
        .is_last = ended->items[3].integer != 0,
        .at = now,
    };
    rq->app = gone.app_id;
    tell_servers(
        rq, &ended->items[4],
        (struct presence){.user_id = gone.user_id, .status = STATUS_OFFLINE, .last_seen = now});
    emit(rq, EV_SESSION_EXPIRE, (struct event_to){.user = gone.user_id}, &session_expired_shape,
         &gone);
}

static void tell_all_ended(struct req *rq, const struct cache_value *ended)
{
    for (size_t i = 0; i < ended->count; i++)
        tell_ended(rq, &ended->items[i]);
}

/* ---- what gateways say ---- */

static const char *join_servers(struct req *rq, const struct list *servers)
{
    auto_buf struct buf text = {0};
    for (size_t i = 0; i < servers->count; i++) {
        buf_add_u64(&text, LIST_AT(servers, struct server_ref, i)->id);
        buf_addc(&text, ',');
    }
    return arena_strndup(&rq->arena, buf_str(&text), text.len);
}

static enum err try_open(struct req *rq, const char *session_id, const char *servers,
                         struct cache_value *ret)
{
    char user[PADDED_ID_SIZE];
    id_pad(rq->actor, user);
    const char *argv[] = {
        session_id,
        user,
        arena_printf(&rq->arena, "%" PRIu64, rq->app),
        servers,
        arena_printf(&rq->arena, "%d", SESSION_TTL_MS),
    };
    return cache_do_script(rq, &open_script, argv, ARRAY_LEN(argv), ret);
}

/* Messaging is asked only for who was offline: a second device knows where the user is shown. */
static enum err open(struct req *rq, const char *session_id)
{
    const snowflake app = rq->app;
    struct cache_value answer;
    TRY(try_open(rq, session_id, "?", &answer));
    if (answer.kind != CACHE_LIST) {
        struct list servers;
        TRY(bus_call_many(rq, "messaging.member.servers", NULL, NULL, &server_ref_shape, &servers));
        TRY(try_open(rq, session_id, join_servers(rq, &servers), &answer));
    }
    if (answer.count == 2)
        tell_ended(rq, &answer.items[1]);
    rq->app = app;
    tell_servers(rq, &answer.items[0],
                 (struct presence){.user_id = rq->actor, .status = STATUS_ONLINE});
    return OK;
}

enum err session_open(struct req *rq, const struct session_open_args *in)
{
    if (rq->actor == 0)
        return fail(rq, ERR_UNAUTHORIZED, "a session of nobody");
    return open(rq, in->session_id);
}

/* As if this session had just been opened. */
static enum err open_lost(struct req *rq, const struct live_session *s)
{
    const struct caller *gateway = rq->from;
    struct caller of = *gateway;
    of.user = s->user_id;
    of.app = s->app_id;
    rq->from = &of;
    rq->actor = of.user;
    rq->app = of.app;
    enum err e = open(rq, s->session_id);
    rq->from = gateway;
    rq->actor = gateway->user;
    return e;
}

static const char *join_sessions(struct req *rq, const struct list *sessions)
{
    auto_buf struct buf text = {0};
    for (size_t i = 0; i < sessions->count; i++) {
        buf_adds(&text, LIST_AT(sessions, struct live_session, i)->session_id);
        buf_addc(&text, ',');
    }
    return arena_strndup(&rq->arena, buf_str(&text), text.len);
}

enum err session_beat(struct req *rq, const struct session_beat_args *in)
{
    const char *argv[] = {
        join_sessions(rq, &in->sessions),
        arena_printf(&rq->arena, "%d", SESSION_TTL_MS),
    };
    struct cache_value lost;
    TRY(cache_do_script(rq, &beat_script, argv, ARRAY_LEN(argv), &lost));
    for (size_t i = 0; i < lost.count; i++) {
        size_t at = (size_t)lost.items[i].integer;
        if (at < in->sessions.count)
            TRY(open_lost(rq, LIST_AT(&in->sessions, struct live_session, at)));
    }
    return OK;
}

enum err session_close(struct req *rq, const struct session_close_args *in)
{
    const char *argv[] = {in->session_id};
    struct cache_value ended;
    TRY(cache_do_script(rq, &close_script, argv, ARRAY_LEN(argv), &ended));
    tell_ended(rq, &ended);
    return OK;
}

/* Sessions of a gateway that died. Each is taken by one copy's script and no other's. */
enum err session_sweep(struct req *rq)
{
    const char *argv[] = {
        arena_printf(&rq->arena, "%d", SWEEP_SESSIONS),
        arena_printf(&rq->arena, "%d", PAUSE_MS),
        arena_printf(&rq->arena, "%d", SESSION_TTL_MS),
    };
    for (int i = 0; i < SWEEP_SCRIPTS; i++) {
        struct cache_value answer;
        enum err e = cache_do_script(rq, &sweep_script, argv, ARRAY_LEN(argv), &answer);
        if (e == ERR_UNAVAILABLE)
            return OK; /* /ready says so already */
        TRY(e);
        tell_all_ended(rq, &answer.items[1]);
        if (answer.items[0].integer < SWEEP_SESSIONS)
            break;
    }
    return OK;
}

/* ---- what messaging says ---- */

static enum err move(struct req *rq, struct cache_script *script, const struct membership *m,
                     struct cache_value *ret)
{
    char user[PADDED_ID_SIZE];
    id_pad(m->user_id, user);
    const char *argv[] = {user, arena_printf(&rq->arena, "%" PRIu64, m->server_id)};
    return cache_do_script(rq, script, argv, ARRAY_LEN(argv), ret);
}

enum err member_joined(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct membership *m = payload;
    struct cache_value appeared;
    TRY(move(rq, &join_script, m, &appeared));
    if (appeared.integer == 1)
        status_tell(rq, &(struct presence){
                            .server_id = m->server_id,
                            .user_id = m->user_id,
                            .status = STATUS_ONLINE,
                        });
    return OK;
}

enum err member_left(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    return move(rq, &leave_script, payload, NULL);
}

enum err server_ended(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct server_end *gone = payload;
    const char *argv[] = {arena_printf(&rq->arena, "%" PRIu64, gone->server_id)};
    return cache_do_script(rq, &forget_script, argv, ARRAY_LEN(argv), NULL);
}
