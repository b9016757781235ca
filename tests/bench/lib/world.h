/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LIB_WORLD_H
#define TESTS_BENCH_LIB_WORLD_H

/* What tests/bench/world.mjs prepared over REST: one line a user, "token user server channel". */

#include <stddef.h>

struct world_user {
    char *token;
    char *user;
    char *server;
    char *channel;
};

/* Reads the file named by the environment variable WORLD. */
struct world_user *world_read(size_t *ret_count);

#endif
