/* SPDX-License-Identifier: MIT
 *
 * Randomness: long enough, and never twice the same. */

#include "shared/base/rand.h"
#include "tests/test.h"

#include <string.h>

TEST(random_tokens_differ_and_have_the_length_asked_for)
{
    auto_arena struct arena a = {0};
    const char *one = rand_token(&a, 32);
    const char *two = rand_token(&a, 32);
    CHECK_INT(strlen(one), 43);
    CHECK(strcmp(one, two) != 0);
    CHECK(rand_u64() != rand_u64());
}
