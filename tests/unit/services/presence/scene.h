/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SERVICES_PRESENCE_SCENE_H
#define TESTS_UNIT_SERVICES_PRESENCE_SCENE_H

/* A user with sessions in one server, both this test's own, in a real Redis. Messaging is played by
 * the test. */

#include "services/presence/presence.h"
#include "tests/kit.h"
#include "tests/stand_in.h"
#include "tests/test.h"

struct scene {
    snowflake user;
    snowflake server;
    char laptop[24]; /* session ids */
    char phone[24];
};

/* False: something is missing here, and the test was skipped. */
bool scene_open(struct scene *ret);

enum err session_opens(const struct scene *s, const char *session);
enum err session_closes(const char *session);
/* One beat of a gateway that has this session. */
enum err session_beats(const struct scene *s, const char *session);

/* Redis' own words: what it answered, numbers as text. */
const char *redis(const char *format, ...) PRINTF_LIKE(1, 2);

/* The first row of a page of the server: its user and status, "" when the page is empty. */
const char *listed(const struct scene *s, const char *status);

#endif
