/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SHARED_SERVICE_NOTES_H
#define TESTS_UNIT_SHARED_SERVICE_NOTES_H

/* A service small enough to see through, with a row of every mode and guard. Its handlers do what
 * the text of a note says: "fail", "refuse", "retry", "slow". */

#include "shared/service/service.h"

extern const struct service notes_service;

/* First in each test: the tables, and the kit for this service. False: no database. */
bool notes_open(void);

/* How many notes this channel has. */
long notes_count(snowflake channel_id);

/* A channel of the test's own. Users below 1000 see it; this one may do nothing there. */
snowflake notes_channel(void);
enum { NOTES_SECOND_CLASS = 9 };

#endif
