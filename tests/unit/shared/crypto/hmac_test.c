/* SPDX-License-Identifier: MIT
 *
 * Digests by the vectors of their RFCs, and the signatures made of them. */

#include "shared/crypto/hmac.h"

#include "shared/base/str.h"
#include "tests/test.h"

#include <string.h>

TEST(sha256_gives_the_vector_of_fips_180)
{
    char hex[SHA256_HEX_SIZE];
    sha256_hex("abc", 3, hex);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, test case 2; RFC 2202, test case 2. */
TEST(hmacs_give_the_vectors_of_their_rfcs)
{
    static const char data[] = "what do ya want for nothing?";
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_SIZE];
    hmac_sha256("Jefe", data, strlen(data), digest);
    str_hex(digest, SHA256_BYTES, hex);
    CHECK_STR(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_sha1("Jefe", data, strlen(data), digest);
    str_hex(digest, SHA1_BYTES, hex);
    CHECK_STR(hex, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST(a_link_signature_proves_every_part_and_its_place)
{
    static const char *const parts[] = {"42", "picture.png", "1700000000"};
    static const char *const shifted[] = {"42p", "icture.png", "1700000000"};
    static const char *const later[] = {"42", "picture.png", "1700000001"};
    char signature[LINK_SIGNATURE_SIZE];
    link_sign("secret", parts, 3, signature);
    CHECK_INT(strlen(signature), LINK_SIGNATURE_SIZE - 1);
    CHECK(link_verify("secret", parts, 3, signature));
    CHECK(!link_verify("secret", parts, 2, signature));
    CHECK(!link_verify("secret", shifted, 3, signature));
    CHECK(!link_verify("secret", later, 3, signature));
    CHECK(!link_verify("another", parts, 3, signature));
    CHECK(!link_verify("secret", parts, 3, ""));
    signature[5] = signature[5] == 'A' ? 'B' : 'A';
    CHECK(!link_verify("secret", parts, 3, signature));
}

/* The value openssl computes:
 * printf '1700000000:7' | openssl dgst -sha1 -hmac north -binary | base64 */
TEST(a_turn_password_is_what_coturn_computes)
{
    char password[TURN_PASSWORD_SIZE];
    turn_password("north", "1700000000:7", password);
    CHECK_STR(password, "PPWz7PpRwxKwGzZCJzS+CZ2BJhk=");
}
