/* SPDX-License-Identifier: MIT
 *
 * Millisecond and sequence are one number that only grows: a clock that stands still or steps back
 * just counts on, and a sequence that has come to its end carries into the next millisecond by
 * itself. The sequence goes on where it was when a millisecond begins, so the ids of some thousand
 * calls differ even without their times: an id may be moved to a somewhat later millisecond and
 * still meet no other. */

#include "shared/domain/snowflake.h"

#include "shared/base/clock.h"
#include "shared/base/str.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

enum {
    SEQUENCE_BITS = 12,
    WORKER_BITS = 10,
    TIME_SHIFT = SEQUENCE_BITS + WORKER_BITS,
    TIME_BITS = 63 - TIME_SHIFT,
    NO_WORKER = -1,
};

#define SEQUENCE_MASK ((UINT64_C(1) << SEQUENCE_BITS) - 1)
#define TIME_MAX_MS   ((INT64_C(1) << TIME_BITS) - 1)
#define EPOCH_MS      INT64_C(1420070400000) /* 2015-01-01T00:00:00Z */

static _Atomic int leased = NO_WORKER;
static _Atomic uint64_t last; /* milliseconds since the epoch << SEQUENCE_BITS | sequence */

void snowflake_set_worker(unsigned worker)
{
    assert(worker < SNOWFLAKE_WORKERS);
    /* A smaller worker id in the same millisecond would give smaller ids: begin the next one. */
    uint64_t before = atomic_load(&last);
    while (!atomic_compare_exchange_weak(&last, &before, before | SEQUENCE_MASK)) {
    }
    atomic_store(&leased, (int)worker);
}

void snowflake_clear_worker(void)
{
    atomic_store(&leased, NO_WORKER);
}

snowflake snowflake_next(void)
{
    int worker = atomic_load(&leased);
    if (worker == NO_WORKER)
        return 0;
    uint64_t now_ms = (uint64_t)(clock_us() / 1000 - EPOCH_MS);
    uint64_t before = atomic_load(&last);
    uint64_t mine;
    do {
        mine = before + 1;
        if (mine >> SEQUENCE_BITS < now_ms)
            mine = now_ms << SEQUENCE_BITS | (mine & SEQUENCE_MASK);
    } while (!atomic_compare_exchange_weak(&last, &before, mine));
    return mine >> SEQUENCE_BITS << TIME_SHIFT | (uint64_t)worker << SEQUENCE_BITS |
           (mine & SEQUENCE_MASK);
}

bool snowflake_parse_n(const char *text, size_t len, snowflake *ret_id)
{
    uint64_t value;
    if (!str_parse_u64(text, len, &value) || value == 0 || value > INT64_MAX)
        return false;
    *ret_id = value;
    return true;
}

bool snowflake_parse(const char *text, snowflake *ret_id)
{
    return snowflake_parse_n(text, strlen(text), ret_id);
}

void snowflake_format(snowflake id, char out[SNOWFLAKE_TEXT_SIZE])
{
    str_format_u64(id, out);
}

int64_t snowflake_time_us(snowflake id)
{
    return ((int64_t)(id >> TIME_SHIFT) + EPOCH_MS) * 1000;
}

snowflake snowflake_at(int64_t us)
{
    int64_t ms = us / 1000 - EPOCH_MS;
    if (ms <= 0)
        return 0;
    return (uint64_t)(ms < TIME_MAX_MS ? ms : TIME_MAX_MS) << TIME_SHIFT;
}
