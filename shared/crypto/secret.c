/* SPDX-License-Identifier: MIT
 *
 * Prefix and randomness. The text exists in the answer that hands it out and nowhere else of ours.
 */

#include "shared/crypto/secret.h"

#include "shared/base/rand.h"
#include "shared/base/str.h"

#include <string.h>

enum { PREFIX_LENGTH = 3, RANDOM_BYTES = 32 };

_Static_assert(SECRET_TEXT_SIZE == PREFIX_LENGTH + BASE64URL_SIZE(RANDOM_BYTES),
               "a secret is its prefix and its random bytes");

static const char *const prefixes[] = {
    [SECRET_REFRESH] = "pr_",
    [SECRET_API_KEY] = "pk_",
    [SECRET_TICKET] = "pt_",
};

void secret_new(enum secret_kind kind, char out[SECRET_TEXT_SIZE])
{
    uint8_t bytes[RANDOM_BYTES];
    rand_bytes(bytes, sizeof(bytes));
    memcpy(out, prefixes[kind], PREFIX_LENGTH);
    base64url_encode(bytes, sizeof(bytes), out + PREFIX_LENGTH);
    explicit_bzero(bytes, sizeof(bytes));
}

bool secret_is(enum secret_kind kind, const char *text)
{
    uint8_t bytes[RANDOM_BYTES];
    size_t n;
    bool is_shaped = strnlen(text, SECRET_TEXT_SIZE) == SECRET_TEXT_SIZE - 1 &&
                     memcmp(text, prefixes[kind], PREFIX_LENGTH) == 0 &&
                     base64url_decode(text + PREFIX_LENGTH, SECRET_TEXT_SIZE - 1 - PREFIX_LENGTH,
                                      bytes, sizeof(bytes), &n);
    explicit_bzero(bytes, sizeof(bytes));
    return is_shaped;
}

void secret_hash(const char *text, char out[SHA256_HEX_SIZE])
{
    sha256_hex(text, strlen(text), out);
}
