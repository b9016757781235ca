/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STAND_IN_H
#define TESTS_STAND_IN_H

/* Other services on the bus, played by a unit test: what they answer to a subject, from now on, for
 * the rest of the process. Listens as the operator of NATS_URL_OPERATOR. */

#include "shared/base/err.h"

#include <stdbool.h>

/* False: there is no bus here, and the test is marked as skipped. */
bool stand_in_open(void);

/* "messaging.permission.get" is answered with this JSON, or with this error. */
void stand_in_answers(const char *subject, const char *json);
void stand_in_refuses(const char *subject, enum err e);

/* How often the subject was asked. */
int stand_in_asked(const char *subject);

/* The operator's bus, for work that asks and that the kit would run in a transaction. */
struct bus;
struct bus *stand_in_bus(void);

/* The body of the last such question, and one of its headers; "" when there is none. */
const char *stand_in_body(const char *subject);
const char *stand_in_head(const char *subject, const char *name);

#endif
