/* SPDX-License-Identifier: MIT
 *
 * getrandom(2), once per need: secrets are rare, and a cache of random bytes is one more thing to
 * wipe. */

#include "shared/base/rand.h"

#include "shared/base/str.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

void rand_bytes(void *out, size_t n)
{
    unsigned char *at = out;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        at += got;
        n -= (size_t)got;
    }
}

uint64_t rand_u64(void)
{
    uint64_t value;
    rand_bytes(&value, sizeof(value));
    return value;
}

char *rand_token(struct arena *a, size_t n)
{
    unsigned char *bytes = arena_alloc(a, n);
    char *text = arena_alloc(a, BASE64URL_SIZE(n));
    rand_bytes(bytes, n);
    base64url_encode(bytes, n, text);
    explicit_bzero(bytes, n);
    return text;
}
