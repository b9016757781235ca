/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LIB_PLANT_H
#define TESTS_BENCH_LIB_PLANT_H

/* A large world, written straight into the database by its owner as the services would have left
 * it: thousands of sign-ups over REST would take longer than what is measured. Everything of it is
 * found by number; user u is a member of `servers_each` servers, from u * servers_each on, around.
 * Every channel has `messages` messages, all read by everybody. */

#include <libpq-fe.h>

#include "shared/domain/snowflake.h"

struct plan {
    int users;
    int servers;
    int servers_each; /* of one user */
    int channels;     /* of one server */
    int messages;     /* of one channel */
};

struct plant {
    struct plan plan;
    snowflake users, servers, channels; /* the first of each; the others follow it */
    char **tokens;                      /* of the users, good for an hour */
};

void plant_make(struct plant *p, PGconn *conn, struct plan plan);

/* The server that is number k of this user's. */
int plant_server(const struct plant *p, int user, int k);
snowflake plant_channel(const struct plant *p, int server, int channel);

#endif
