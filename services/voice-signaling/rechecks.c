/* SPDX-License-Identifier: MIT
 *
 * Marks of servers where rights changed, in the bucket of the rooms: recheck.<server> holds until
 * when to look again, in milliseconds. Marking again is another revision of the key, and whoever is
 * done takes away only the one they have seen, so a mark that comes meanwhile is not lost.
 */
#include "services/voice-signaling/voice.h"

#include <inttypes.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/str.h"
#include "shared/wire/bus_kv.h"

enum { RECHECK_MS = 1000 }; /* longer than messaging trusts a permission it has read */

static const char *key_of(struct req *rq, snowflake server_id)
{
    return arena_printf(&rq->arena, RECHECK_KEY "%" PRIu64, server_id);
}

enum err recheck_mark(struct req *rq, snowflake server_id)
{
    char until[U64_TEXT_SIZE];
    struct bus_kv_entry e = {
        .key = key_of(rq, server_id),
        .value = until,
        .len = str_format_u64((uint64_t)clock_us() / 1000 + RECHECK_MS, until),
        .revision = BUS_KV_ANY,
    };
    return bus_kv_put(rq, ROOMS_BUCKET, &e);
}

/* False: somebody else was done with it. */
static enum err read_mark(struct req *rq, const char *key, struct recheck *ret, bool *ret_is_there)
{
    struct bus_kv_entry e = {.key = key};
    uint64_t until = 0;
    TRY(bus_kv_get(rq, ROOMS_BUCKET, &e));
    *ret_is_there = e.value != NULL && snowflake_parse(key + strlen(RECHECK_KEY), &ret->server_id);
    if (!*ret_is_there)
        return OK;
    ret->revision = e.revision;
    ret->is_due = !str_parse_u64(e.value, e.len, &until) || until <= (uint64_t)clock_us() / 1000;
    return OK;
}

enum err recheck_marks(struct req *rq, size_t max, struct list *ret)
{
    struct list keys;
    TRY(bus_kv_keys(rq, ROOMS_BUCKET, RECHECK_KEY "*", max, &keys));
    struct recheck *marks = arena_new_n(&rq->arena, struct recheck, keys.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < keys.count; i++) {
        bool is_there;
        TRY(read_mark(rq, *LIST_AT(&keys, const char *, i), &marks[count], &is_there));
        count += is_there;
    }
    *ret = (struct list){.items = marks, .count = count};
    return OK;
}

enum err recheck_done(struct req *rq, const struct recheck *mark)
{
    struct bus_kv_entry e = {.key = key_of(rq, mark->server_id), .revision = mark->revision};
    enum err result = bus_kv_put(rq, ROOMS_BUCKET, &e);
    return result == ERR_CONFLICT ? OK : result;
}
