/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SERVICES_MESSAGING_WORLD_H
#define TESTS_UNIT_SERVICES_MESSAGING_WORLD_H

/* What messaging's tests begin with: people, and a server of theirs. Every test makes its own, so
 * no two ever meet. */

#include "services/messaging/messaging.h"
#include "tests/kit.h"
#include "tests/test.h"

/* First in each test: false when there is no database (the test is skipped). */
bool world_open(void);
struct messaging *world_state(void);

/* An account as auth would have announced it. */
snowflake person(const char *name);

/* A server founded by its owner, with what a new server has. */
struct place {
    snowflake owner;
    snowflake server;
    snowflake channel; /* the text channel "general" */
    snowflake moderator_role;
    snowflake admin_role;
};
struct place place_new(void);

/* A new account that has joined. */
snowflake member_of(const struct place *p);
void join(const struct place *p, snowflake user);

/* A channel made by the owner, from the body of channel.create; 0 when refused. */
snowflake channel_of(const struct place *p, const char *body);
/* One that only those see who are let in. */
snowflake private_channel(const struct place *p);

/* Send a message; its id, 0 when refused (the last call says why). */
snowflake say(snowflake user, snowflake channel, const char *text);

/* Parameters and bodies: {"server_id":"…"} and the like. */
const char *in_server(snowflake server);
const char *in_channel(snowflake channel);
const char *of_member(snowflake server, snowflake user);
const char *of_message(snowflake channel, snowflake message);

/* Run fn in n threads at once; each gets its number. */
void at_once(int n, void (*fn)(int number, void *arg), void *arg);

#endif
