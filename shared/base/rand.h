/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_RAND_H
#define SHARED_BASE_RAND_H

/* Randomness for secrets, from the kernel and nowhere else. Never fails: a process that cannot have
 * randomness aborts. */

#include "shared/base/arena.h"

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *out, size_t n);
uint64_t rand_u64(void);

/* n random bytes as base64url text. */
char *rand_token(struct arena *a, size_t n);

#endif
