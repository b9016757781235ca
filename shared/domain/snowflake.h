/* SPDX-License-Identifier: MIT */
#ifndef SHARED_DOMAIN_SNOWFLAKE_H
#define SHARED_DOMAIN_SNOWFLAKE_H

/* Ids: milliseconds since 2015-01-01T00:00:00Z, 10 bits of worker, 12 bits of sequence; strings in
 * JSON, bigint in SQL. Unique as long as no two processes hold the same worker id at a time, which
 * is why a generator without a leased worker id gives nothing. Any thread. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t snowflake;

enum {
    SNOWFLAKE_WORKERS = 1024,
    SNOWFLAKE_TEXT_SIZE = 21, /* twenty digits and a NUL */
};

void snowflake_set_worker(unsigned worker); /* 0 .. SNOWFLAKE_WORKERS - 1 */
void snowflake_clear_worker(void);

/* Larger than every id this process made before, even when the clock steps back. 0: no worker id is
 * leased (answer "unavailable"). */
snowflake snowflake_next(void);

/* Strict decimal, 1 .. 2^63 - 1. */
bool snowflake_parse(const char *text, snowflake *ret_id) MUST_CHECK;
bool snowflake_parse_n(const char *text, size_t len, snowflake *ret_id) MUST_CHECK;
void snowflake_format(snowflake id, char out[SNOWFLAKE_TEXT_SIZE]);

int64_t snowflake_time_us(snowflake id);

/* The lowest id a moment can have, for "everything since"; 0 before the epoch. */
snowflake snowflake_at(int64_t us);

#endif
