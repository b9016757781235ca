/* SPDX-License-Identifier: MIT */
#ifndef SHARED_CRYPTO_PASSWORD_H
#define SHARED_CRYPTO_PASSWORD_H

/* Passwords at rest: argon2id; bcrypt is read (imports) and replaced at the next log-in. Each
 * operation takes tens of milliseconds and megabytes on purpose, so only a few run at a time and
 * the rest wait a bounded while, then get ERR_UNAVAILABLE. Any thread. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PASSWORD_HASH_SIZE = 128 }; /* text of the hash and its NUL */

struct password_cost {
    int64_t passes;
    int64_t memory; /* bytes */
    int parallel;   /* operations at a time in this process */
    int64_t wait_ms;
};

/* Before any thread uses the rest. Without it: 2 passes, 19 MiB, 2 at a time, 2 s. */
void password_init(const struct password_cost *cost);

enum err password_hash(const char *password, char ret_hash[PASSWORD_HASH_SIZE]) MUST_CHECK;

/* OK, ERR_INVALID_CREDENTIALS or ERR_UNAVAILABLE. */
enum err password_verify(const char *hash, const char *password) MUST_CHECK;

/* The same work for an account that does not exist, so that time does not tell; never OK. */
enum err password_verify_dummy(const char *password) MUST_CHECK;

/* The hash is bcrypt, or was made at another cost than today's. */
bool password_needs_rehash(const char *hash);

#endif
