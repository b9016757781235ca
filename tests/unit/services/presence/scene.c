/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/presence/scene.h"

#include <stdarg.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"

enum { WAIT_US = 5000000, ANSWER_US = 2000000 };

static struct cache *own;

static void close_own(void)
{
    cache_close(own);
}

static bool open_own(void)
{
    struct cache_settings settings = {.url = getenv("REDIS_URL")};
    if (settings.url == NULL) {
        SKIP("REDIS_URL is not set");
        return false;
    }
    if (own != NULL)
        return true;
    if (cache_open(&settings, &own) != OK)
        die("REDIS_URL cannot be used");
    atexit(close_own);
    return true;
}

/* Connections come up by themselves; the first call that gets through says they are. */
static bool wait_up(const struct scene *s)
{
    struct stopper patience;
    stopper_init(&patience);
    int64_t until_us = mono_us() + WAIT_US;
    enum err e;
    while ((e = session_opens(s, "warm")) == ERR_UNAVAILABLE && mono_us() < until_us)
        (void)stopper_wait(&patience, 5);
    while (!cache_is_up(own) && mono_us() < until_us)
        (void)stopper_wait(&patience, 5);
    stopper_done(&patience);
    return CHECK_INT(e, OK) && CHECK_INT(session_closes("warm"), OK);
}

bool scene_open(struct scene *ret)
{
    if (!kit_use(&presence_service, NULL) || !stand_in_open() || !open_own())
        return false;
    *ret = (struct scene){.user = snowflake_next(), .server = snowflake_next()};
    snprintf(ret->laptop, sizeof(ret->laptop), "l%" PRIu64, ret->user);
    snprintf(ret->phone, sizeof(ret->phone), "p%" PRIu64, ret->user);
    stand_in_answers("messaging.member.servers", "[]");
    static bool is_up;
    if (!is_up && !(is_up = wait_up(ret)))
        return false;
    /* Sweeps have come by all the time. */
    (void)redis("SET presence:swept 9999999999999");
    (void)redis("SET presence:known 1");
    stand_in_answers("messaging.member.servers",
                     kit_f("[{\"id\":\"%" PRIu64 "\",\"seq\":4}]", ret->server));
    return true;
}

enum err session_opens(const struct scene *s, const char *session)
{
    return kit_call(s->user, "presence.session.open", NULL,
                    kit_f("{\"session_id\":\"%s\"}", session));
}

enum err session_closes(const char *session)
{
    return kit_call(0, "presence.session.close", NULL, kit_f("{\"session_id\":\"%s\"}", session));
}

enum err session_beats(const struct scene *s, const char *session)
{
    return kit_call(0, "presence.session.beat", NULL,
                    kit_f("{\"sessions\":[{\"session_id\":\"%s\",\"user_id\":\"%" PRIu64
                          "\",\"app_id\":\"1\"}]}",
                          session, s->user));
}

const char *redis(const char *format, ...)
{
    struct req rq = {.cache = own, .deadline_us = mono_us() + ANSWER_US};
    struct cache_value v = {.kind = CACHE_NIL};
    va_list args;
    va_start(args, format);
    const char *command = arena_vprintf(&rq.arena, format, args);
    va_end(args);
    /* Split by Redis itself would need quoting: every argument of the tests is one word. */
    enum err e = cache_do(&rq, &v, command);
    if (!CHECK_INT(e, OK))
        printf("%s: %s\n", command, rq.detail);
    const char *text = v.kind == CACHE_INT   ? kit_f("%lld", (long long)v.integer)
                       : v.kind == CACHE_NIL ? ""
                                             : kit_f("%s", v.str != NULL ? v.str : "list");
    arena_release(&rq.arena);
    return text;
}

const char *listed(const struct scene *s, const char *status)
{
    enum err e = kit_call(
        s->user, "presence.status.list",
        kit_f("{\"server_id\":\"%" PRIu64 "\",\"status\":\"%s\"}", s->server, status), NULL);
    if (!CHECK_INT(e, OK))
        return "";
    return kit_get("0.user_id");
}
