/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a token and as a key set. Nobody can sign by chance, so no input is ever accepted.
 */

#include "shared/crypto/token.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char jwks[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6"
    "KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct token_keys *keys = token_keys_new("parley", "parley-clients");
    struct token_claims claims;
    if (token_keys_load(keys, jwks, sizeof(jwks) - 1) != OK ||
        token_verify(keys, text, size, INT64_C(1800000000000000), &claims) == OK)
        abort();
    (void)token_key_is_known(keys, text, size);
    /* What is a key set is no token. */
    if (token_keys_load(keys, text, size) == OK &&
        token_verify(keys, text, size, INT64_C(1800000000000000), &claims) == OK)
        abort();
    token_keys_free(keys);
    return 0;
}
