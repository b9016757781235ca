/* SPDX-License-Identifier: MIT
 *
 * Who is typing. Clients say it again every few seconds; typing.start is told now and then while it
 * lasts, and typing.stop when it was said or after eight seconds of silence, once, by whichever
 * copy's script took the entry away. Without Redis typing.start is told each time and ends by the
 * time it carries.
 *
 *   presence:typing         "channel:user" by when it ends
 *   presence:typing_place   "channel:user" -> "application:server"
 *   presence:typing_told:<channel>:<user>   exists while typing.start need not be told again
 */
#include "services/presence/presence.h"

#include <inttypes.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/service/place.h"
#include "shared/wire/event.h"

enum { SWEEP_ENTRIES = 500 };

struct typing_args {
    snowflake channel_id;
};
static const struct field typing_args_fields[] = {
    F_ID(typing_args, channel_id),
};
SHAPE(typing_args);

struct typing {
    snowflake server_id;
    snowflake channel_id;
    snowflake user_id;
    int64_t expires_at;
};
static const struct field typing_fields[] = {
    F_ID(typing, server_id),
    F_ID(typing, channel_id),
    F_ID(typing, user_id),
    F_TIME(typing, expires_at, OPTIONAL, TEXT("When it ends by itself; only in typing.start.")),
};
SHAPE(typing);

/* Answers 1 when typing.start is to be told. */
static struct cache_script start_script = {
    .text = LUA_NOW "local entry = ARGV[1]\n"
                    "redis.call('ZADD', 'presence:typing', now + ARGV[3], entry)\n"
                    "redis.call('HSET', 'presence:typing_place', entry, ARGV[2])\n"
                    "local told = redis.call('SET', 'presence:typing_told:' .. entry, 1,"
                    "                        'NX', 'PX', ARGV[4])\n"
                    "return told and 1 or 0\n",
};

/* Answers {"channel:user", "application:server"}, or nil: was not typing. */
#define LUA_END_TYPING                                                     \
    "local function end_typing(entry)\n"                                   \
    "  if redis.call('ZREM', 'presence:typing', entry) == 0 then\n"        \
    "    return nil\n"                                                     \
    "  end\n"                                                              \
    "  local place = redis.call('HGET', 'presence:typing_place', entry)\n" \
    "  redis.call('HDEL', 'presence:typing_place', entry)\n"               \
    "  redis.call('DEL', 'presence:typing_told:' .. entry)\n"              \
    "  return {entry, place}\n"                                            \
    "end\n"

static struct cache_script stop_script = {
    .text = LUA_END_TYPING "return {end_typing(ARGV[1])}\n",
};

static struct cache_script sweep_script = {
    .text = LUA_NOW LUA_END_TYPING
    "local due = redis.call('ZRANGEBYSCORE', 'presence:typing', '-inf', now,"
    "                       'LIMIT', 0, ARGV[1])\n"
    "local ended = {}\n"
    "for _, entry in ipairs(due) do ended[#ended + 1] = end_typing(entry) end\n"
    "return ended\n",
};

static const char *entry_of(struct req *rq, snowflake channel_id)
{
    return arena_printf(&rq->arena, "%" PRIu64 ":%" PRIu64, channel_id, rq->actor);
}

/* "1:2": two ids. */
static bool read_pair(const char *text, snowflake *ret_first, snowflake *ret_second)
{
    const char *colon = strchr(text, ':');
    return colon != NULL && snowflake_parse_n(text, (size_t)(colon - text), ret_first) &&
           snowflake_parse(colon + 1, ret_second);
}

static void tell(struct req *rq, enum event_id ev, const struct typing *t)
{
    struct event_to to = {.server = t->server_id, .channel = t->channel_id};
    emit(rq, ev, to, &typing_shape, t);
}

static void tell_ended(struct req *rq, const struct cache_value *ended)
{
    for (size_t i = 0; i < ended->count; i++) {
        const struct cache_value *one = &ended->items[i];
        struct typing t = {.expires_at = 0};
        if (one->kind == CACHE_LIST && one->count == 2 &&
            read_pair(one->items[0].str, &t.channel_id, &t.user_id) &&
            read_pair(one->items[1].str, &rq->app, &t.server_id))
            tell(rq, EV_TYPING_STOP, &t);
    }
}

/* OK and nothing in *ret while Redis is away: typing is worth no error. */
static enum err ask(struct req *rq, struct cache_script *script, const char *const *argv, int argc,
                    struct cache_value *ret)
{
    *ret = (struct cache_value){.kind = CACHE_NIL};
    enum err e = cache_do_script(rq, script, argv, argc, ret);
    return e == ERR_UNAVAILABLE || e == ERR_TIMEOUT ? OK : e;
}

enum err typing_start(struct req *rq, const struct typing_args *in)
{
    struct channel_place place;
    TRY(channel_locate(rq, in->channel_id, &place));
    if (strcmp(place.channel_type, "category") == 0)
        return ERR_WRONG_CHANNEL_TYPE;
    const char *argv[] = {
        entry_of(rq, in->channel_id),
        arena_printf(&rq->arena, "%" PRIu64 ":%" PRIu64, rq->app, place.server_id),
        arena_printf(&rq->arena, "%d", TYPING_MS),
        arena_printf(&rq->arena, "%d", TYPING_AGAIN_MS),
    };
    struct cache_value is_due;
    TRY(ask(rq, &start_script, argv, ARRAY_LEN(argv), &is_due));
    if (is_due.kind == CACHE_NIL || is_due.integer == 1)
        tell(rq, EV_TYPING_START,
             &(struct typing){
                 .server_id = place.server_id,
                 .channel_id = in->channel_id,
                 .user_id = rq->actor,
                 .expires_at = clock_us() + TYPING_MS * INT64_C(1000),
             });
    return OK;
}

enum err typing_stop(struct req *rq, const struct typing_args *in)
{
    const char *argv[] = {entry_of(rq, in->channel_id)};
    struct cache_value ended;
    TRY(ask(rq, &stop_script, argv, ARRAY_LEN(argv), &ended));
    tell_ended(rq, &ended);
    return OK;
}

enum err typing_sweep(struct req *rq)
{
    const char *argv[] = {arena_printf(&rq->arena, "%d", SWEEP_ENTRIES)};
    struct cache_value ended;
    TRY(ask(rq, &sweep_script, argv, ARRAY_LEN(argv), &ended));
    tell_ended(rq, &ended);
    return OK;
}
