/* SPDX-License-Identifier: MIT
 *
 * What is known of somebody: online or offline, and since when. Each server has two sets, of who is
 * online and of who was; sessions.c moves users between them, here they are read. While Redis is
 * away nobody is in either, which means unknown, and that is an answer and no failure.
 */
#include "services/presence/presence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/str.h"
#include "shared/domain/limit.h"
#include "shared/wire/event.h"

enum { ASKED_MAX = 1000 };

static const char *const statuses[] = {"online", "offline", NULL};

static const struct field presence_fields[] = {
    F_ID(presence, server_id, OPTIONAL),
    F_ID(presence, user_id),
    F_ENUM(presence, status, statuses),
    F_TIME(presence, last_seen, NULLABLE, TEXT("Null while online, or when it is not known.")),
};
SHAPE(presence);

struct status_list_args {
    snowflake server_id;
    int status;
    snowflake after;
    int64_t limit;
};
static const struct field status_list_args_fields[] = {
    F_ID(status_list_args, server_id),
    F_ENUM(status_list_args, status, statuses, OPTIONAL, TEXT("Absent: online.")),
    F_ID(status_list_args, after, OPTIONAL),
    F_INT(status_list_args, limit, OPTIONAL, RANGE(1, LIMIT_MEMBER_PAGE), TEXT("Absent: all.")),
};
SHAPE(status_list_args);

struct status_get_args {
    struct list user_ids;
};
static const struct field status_get_args_fields[] = {
    F_IDS(status_get_args, user_ids, RANGE(0, ASKED_MAX)),
};
SHAPE(status_get_args);

/* Answers user, last seen, user, last seen … */
static struct cache_script page_script = {
    .text = "local users = redis.call('ZRANGEBYLEX', ARGV[1], '(' .. ARGV[2], '+',"
            "                         'LIMIT', 0, ARGV[3])\n"
            "local page = {}\n"
            "for _, user in ipairs(users) do\n"
            "  page[#page + 1] = user\n"
            "  page[#page + 1] = redis.call('GET', 'presence:seen:' .. user) or '0'\n"
            "end\n"
            "return page\n",
};

/* Answers 1 or 0 for each user, after whether 0 is more than not having heard of them yet. */
static struct cache_script online_script = {
    .text = LUA_NOW "local known = redis.call('GET', 'presence:known')\n"
                    "local answer = {known and now >= tonumber(known) and 1 or 0}\n"
                    "for user in ARGV[1]:gmatch('%d+') do\n"
                    "  answer[#answer + 1] = redis.call('EXISTS', 'presence:user:' .. user)\n"
                    "end\n"
                    "return answer\n",
};

void id_pad(snowflake id, char out[PADDED_ID_SIZE])
{
    (void)snprintf(out, PADDED_ID_SIZE, "%019" PRIu64, id);
}

snowflake id_unpad(const char *text)
{
    snowflake id = 0;
    return snowflake_parse(text + strspn(text, "0"), &id) ? id : 0;
}

void status_tell(struct req *rq, const struct presence *p)
{
    emit(rq, EV_PRESENCE_UPDATE, (struct event_to){.server = p->server_id}, &presence_shape, p);
}

static int64_t seen_us(const char *ms)
{
    uint64_t value = 0;
    return str_parse_u64(ms, strlen(ms), &value) ? (int64_t)value * 1000 : 0;
}

static struct list presences_of(struct req *rq, const struct status_list_args *in,
                                const struct cache_value *page)
{
    struct list all = {.count = page->count / 2};
    struct presence *p = arena_new_n(&rq->arena, struct presence, all.count + 1);
    all.items = p;
    for (size_t i = 0; i < all.count; i++)
        p[i] = (struct presence){
            .server_id = in->server_id,
            .user_id = id_unpad(page->items[2 * i].str),
            .status = in->status,
            .last_seen = in->status == STATUS_OFFLINE ? seen_us(page->items[2 * i + 1].str) : 0,
        };
    return all;
}

enum err status_list(struct req *rq, const struct status_list_args *in)
{
    char after[PADDED_ID_SIZE];
    id_pad(in->after, after);
    int64_t limit = in->limit != 0 ? in->limit : LIMIT_MEMBER_PAGE;
    const char *argv[] = {
        arena_printf(&rq->arena, "presence:%s:%" PRIu64, statuses[in->status], in->server_id),
        after,
        arena_printf(&rq->arena, "%" PRId64, limit),
    };
    struct cache_value page = {.kind = CACHE_NIL};
    enum err e = cache_do_script(rq, &page_script, argv, ARRAY_LEN(argv), &page);
    if (e != OK && e != ERR_UNAVAILABLE && e != ERR_TIMEOUT)
        return e;
    struct list all = presences_of(rq, in, &page);
    return reply_list(rq, &presence_shape, &all);
}

static const char *join_ids(struct req *rq, const struct list *ids)
{
    auto_buf struct buf text = {0};
    char padded[PADDED_ID_SIZE];
    for (size_t i = 0; i < ids->count; i++) {
        id_pad(*LIST_AT(ids, snowflake, i), padded);
        buf_adds(&text, padded);
        buf_addc(&text, ',');
    }
    return arena_strndup(&rq->arena, buf_str(&text), text.len);
}

/* Other services act on the answer, so not to know is a failure here. */
enum err status_get(struct req *rq, const struct status_get_args *in)
{
    const char *argv[] = {join_ids(rq, &in->user_ids)};
    struct cache_value answer;
    TRY(cache_do_script(rq, &online_script, argv, ARRAY_LEN(argv), &answer));
    if (answer.count != in->user_ids.count + 1)
        return fail(rq, ERR_INTERNAL, "cache: %zu for %zu users", answer.count, in->user_ids.count);
    const bool is_known = answer.items[0].integer != 0;
    const struct cache_value *online = answer.items + 1;
    struct list all = {.count = in->user_ids.count};
    struct presence *p = arena_new_n(&rq->arena, struct presence, all.count + 1);
    all.items = p;
    for (size_t i = 0; i < all.count; i++) {
        if (online[i].integer == 0 && !is_known)
            return fail(rq, ERR_UNAVAILABLE, "gateways may not have told everybody yet");
        p[i] = (struct presence){
            .user_id = *LIST_AT(&in->user_ids, snowflake, i),
            .status = online[i].integer != 0 ? STATUS_ONLINE : STATUS_OFFLINE,
        };
    }
    return reply_list(rq, &presence_shape, &all);
}
