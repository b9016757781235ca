/* SPDX-License-Identifier: MIT
 *
 * Passwords: hashed, verified, imported, and never all at once. */

#include "shared/base/clock.h"
#include "shared/crypto/password.h"
#include "tests/test.h"

#include <pthread.h>
#include <string.h>

/* Cheap on purpose: what is tested here is not how long argon2id takes. */
static const struct password_cost cheap = {
    .passes = 1, .memory = 64 * 1024, .parallel = 2, .wait_ms = 2000};

TEST(a_password_verifies_against_its_own_hash_only)
{
    char hash[PASSWORD_HASH_SIZE];
    password_init(&cheap);
    CHECK_INT(password_hash("correct horse", hash), OK);
    CHECK(strncmp(hash, "$argon2id$", 10) == 0);
    CHECK_INT(password_verify(hash, "correct horse"), OK);
    CHECK_INT(password_verify(hash, "correct horsf"), ERR_INVALID_CREDENTIALS);
    CHECK_INT(password_verify(hash, ""), ERR_INVALID_CREDENTIALS);
}

TEST(the_same_password_never_has_the_same_hash)
{
    char one[PASSWORD_HASH_SIZE];
    char two[PASSWORD_HASH_SIZE];
    password_init(&cheap);
    CHECK_INT(password_hash("secret", one), OK);
    CHECK_INT(password_hash("secret", two), OK);
    CHECK(strcmp(one, two) != 0);
}

/* From the test set of Openwall's crypt_blowfish, in each of the prefixes in use. */
TEST(bcrypt_hashes_of_other_systems_verify_and_want_replacing)
{
    static const char *const hashes[] = {
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    };
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        CHECK_INT(password_verify(hashes[i], "U*U"), OK);
        CHECK_INT(password_verify(hashes[i], "U*V"), ERR_INVALID_CREDENTIALS);
        CHECK(password_needs_rehash(hashes[i]));
    }
}

TEST(what_is_no_hash_lets_nobody_in)
{
    static const char *const broken[] = {
        "",
        "*",
        "plain",
        "$2b$",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$argon2id$v=19$m=64,t=1,p=1$",
    };
    password_init(&cheap);
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        CHECK_INT(password_verify(broken[i], "plain"), ERR_INVALID_CREDENTIALS);
}

TEST(a_hash_made_at_another_cost_wants_replacing)
{
    char hash[PASSWORD_HASH_SIZE];
    struct password_cost dearer = cheap;
    dearer.passes = 2;
    password_init(&cheap);
    CHECK_INT(password_hash("secret", hash), OK);
    CHECK(!password_needs_rehash(hash));
    password_init(&dearer);
    CHECK(password_needs_rehash(hash));
    password_init(&cheap);
}

TEST(an_unknown_account_costs_as_much_as_a_known_one_and_fails)
{
    password_init(&cheap);
    CHECK_INT(password_verify_dummy("anything"), ERR_INVALID_CREDENTIALS);
}

static void *hash_slowly(void *ret)
{
    char hash[PASSWORD_HASH_SIZE];
    *(enum err *)ret = password_hash("secret", hash);
    return NULL;
}

TEST(who_waits_too_long_for_a_turn_is_told_so)
{
    /* Half a second of work each, one at a time, and nobody waits. */
    struct password_cost slow = {
        .passes = 8, .memory = 64 * 1024 * 1024, .parallel = 1, .wait_ms = 0};
    enum { CROWD = 3 };
    pthread_t threads[CROWD];
    enum err results[CROWD];
    int busy = 0;
    int done = 0;
    password_init(&slow);
    for (int i = 0; i < CROWD; i++)
        pthread_create(&threads[i], NULL, hash_slowly, &results[i]);
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
        busy += results[i] == ERR_UNAVAILABLE;
        done += results[i] == OK;
    }
    CHECK(done >= 1 && busy >= 1);
    CHECK_INT(done + busy, CROWD);
    password_init(&cheap);
}
