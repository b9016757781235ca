/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_INTENTS_H
#define GATEWAY_INTENTS_H

/* Which families of events a session wants: a family is the noun of an event's name, "message" of
 * "message.create", and has a bit that grows from events.def. Built once, constant afterwards. */

#include <stdbool.h>
#include <stdint.h>

#include "gateway/scan.h"
#include "shared/wire/event.h"

#define INTENTS_ALL UINT32_MAX

/* Before any session; again is fine. */
void intents_init(void);

/* ["message","typing"]. False: no such list, or no such family. */
bool intents_read(struct span list, uint32_t *ret) MUST_CHECK;

/* type NULL: a frame that is no event is always wanted. */
bool intents_want(uint32_t intents, const struct event_type *type);

/* Of what has numbers: the families whose events a channel counts, and those a server does. */
uint32_t intents_of_channels(void);
uint32_t intents_of_servers(void);

#endif
