/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

/* Time is int64_t microseconds: UTC since 1970 for what people and databases read, monotonic for
 * durations and deadlines. Text is RFC 3339, written in UTC with milliseconds. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum { TIME_TEXT_SIZE = 25 }; /* "2026-11-20T09:12:33.123Z" and its NUL */

int64_t clock_us(void);
int64_t mono_us(void);

/* Years 1 to 9999; anything else is clamped to them. */
void time_format_rfc3339(int64_t us, char out[TIME_TEXT_SIZE]);

/* Any offset, up to nine digits of a second (what is finer than a microsecond is cut off). */
bool time_parse_rfc3339(const char *text, int64_t *ret_us) MUST_CHECK;

#endif
