/* SPDX-License-Identifier: MIT
 *
 * libsodium's argon2id behind a gate that lets a few through at a time: without it, a burst of
 * log-ins would take 19 MiB and a core each. crypt(3) reads bcrypt. */

#include "shared/crypto/password.h"

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/macros.h"
#include "shared/base/str.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

enum { BCRYPT_COST_MAX = 15 };

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES,
               "libsodium decides how long a hash is");

static struct password_cost cost = {
    .passes = 2,
    .memory = 19 * 1024 * 1024,
    .parallel = 2,
    .wait_ms = 2000,
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t left;
    int inside;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

void password_init(const struct password_cost *wanted)
{
    cost = *wanted;
}

/* Waits for a place no longer than the cost's wait. */
static enum err enter(void)
{
    if (sodium_init() < 0)
        return ERR_UNAVAILABLE;
    int64_t until_us = mono_us() + cost.wait_ms * 1000;
    struct timespec until = {
        .tv_sec = until_us / 1000000,
        .tv_nsec = until_us % 1000000 * 1000,
    };
    int waited = 0;
    pthread_mutex_lock(&gate.lock);
    while (gate.inside >= cost.parallel && waited != ETIMEDOUT)
        waited = pthread_cond_clockwait(&gate.left, &gate.lock, CLOCK_MONOTONIC, &until);
    bool is_in = gate.inside < cost.parallel;
    gate.inside += is_in;
    pthread_mutex_unlock(&gate.lock);
    return is_in ? OK : ERR_UNAVAILABLE;
}

static void leave(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.inside--;
    pthread_cond_signal(&gate.left);
    pthread_mutex_unlock(&gate.lock);
}

enum err password_hash(const char *password, char ret_hash[PASSWORD_HASH_SIZE])
{
    TRY(enter());
    int failed =
        crypto_pwhash_str_alg(ret_hash, password, strlen(password), (unsigned long long)cost.passes,
                              (size_t)cost.memory, crypto_pwhash_ALG_ARGON2ID13);
    leave();
    return failed == 0 ? OK : ERR_UNAVAILABLE;
}

/* "$2a$10$…", "$2b$…" or "$2y$…", at a cost that ends this minute: each step doubles the time. */
static bool is_bcrypt(const char *hash)
{
    bool is_kind = hash[0] == '$' && hash[1] == '2' && hash[2] != '\0' &&
                   strchr("aby", hash[2]) != NULL && hash[3] == '$';
    if (!is_kind || strlen(hash) != strlen("$2b$10$") + 53)
        return false;
    int rounds = (hash[4] - '0') * 10 + (hash[5] - '0');
    return rounds >= 4 && rounds <= BCRYPT_COST_MAX;
}

static bool bcrypt_matches(const char *hash, const char *password)
{
    struct crypt_data *work = heap_alloc(sizeof(*work));
    const char *made = crypt_r(password, hash, work);
    bool is_match = made != NULL && str_eq_ct(made, hash);
    explicit_bzero(work, sizeof(*work));
    free(work);
    return is_match;
}

enum err password_verify(const char *hash, const char *password)
{
    TRY(enter());
    bool is_match = is_bcrypt(hash)
                        ? bcrypt_matches(hash, password)
                        : crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
    leave();
    return is_match ? OK : ERR_INVALID_CREDENTIALS;
}

/* Making a hash is the work of checking one. */
enum err password_verify_dummy(const char *password)
{
    char hash[PASSWORD_HASH_SIZE];
    TRY(password_hash(password, hash));
    return ERR_INVALID_CREDENTIALS;
}

bool password_needs_rehash(const char *hash)
{
    return crypto_pwhash_str_needs_rehash(hash, (unsigned long long)cost.passes,
                                          (size_t)cost.memory) != 0;
}
