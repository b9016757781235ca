/* SPDX-License-Identifier: MIT
 *
 * Opaque secrets. */

#include "shared/crypto/secret.h"
#include "tests/test.h"

#include <string.h>

TEST(a_secret_is_recognised_by_its_prefix_and_its_length)
{
    char refresh[SECRET_TEXT_SIZE];
    char key[SECRET_TEXT_SIZE];
    secret_new(SECRET_REFRESH, refresh);
    secret_new(SECRET_API_KEY, key);
    CHECK(strncmp(refresh, "pr_", 3) == 0 && strlen(refresh) == SECRET_TEXT_SIZE - 1);
    CHECK(secret_is(SECRET_REFRESH, refresh));
    CHECK(!secret_is(SECRET_TICKET, refresh));
    CHECK(secret_is(SECRET_API_KEY, key));
    key[20] = '!';
    CHECK(!secret_is(SECRET_API_KEY, key));
    CHECK(!secret_is(SECRET_API_KEY, "pk_"));
    CHECK(!secret_is(SECRET_API_KEY, ""));
}

TEST(secrets_differ_and_their_hashes_stay_the_same)
{
    char one[SECRET_TEXT_SIZE];
    char two[SECRET_TEXT_SIZE];
    char first[SHA256_HEX_SIZE];
    char again[SHA256_HEX_SIZE];
    secret_new(SECRET_TICKET, one);
    secret_new(SECRET_TICKET, two);
    CHECK(strcmp(one, two) != 0);
    secret_hash(one, first);
    secret_hash(one, again);
    CHECK_STR(first, again);
    secret_hash(two, again);
    CHECK(strcmp(first, again) != 0);
}
