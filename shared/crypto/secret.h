/* SPDX-License-Identifier: MIT */
#ifndef SHARED_CRYPTO_SECRET_H
#define SHARED_CRYPTO_SECRET_H

/* Opaque secrets given to clients: 256 random bits behind a prefix that says what it opens (and
 * lets scanners find a leaked one). Only the hash is ever stored; 256 bits need no salt. */

#include "shared/base/macros.h"
#include "shared/crypto/hmac.h"

#include <stdbool.h>

enum secret_kind { SECRET_REFRESH, SECRET_API_KEY, SECRET_TICKET }; /* pr_ pk_ pt_ */

enum { SECRET_TEXT_SIZE = 47 }; /* prefix, 43 characters, NUL */

void secret_new(enum secret_kind kind, char out[SECRET_TEXT_SIZE]);

/* Has it the shape of such a secret? Says nothing about its being known. */
bool secret_is(enum secret_kind kind, const char *text) MUST_CHECK;

/* What is stored and looked up. */
void secret_hash(const char *text, char out[SHA256_HEX_SIZE]);

#endif
