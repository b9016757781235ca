/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_COMMAND_H
#define GATEWAY_COMMAND_H

/* What clients send: opcodes by the table protocol.def, and `request`, which is any endpoint by
 * name, with the guards, limits and errors of REST. */

#include <stddef.h>

struct session;

/* One whole text message. */
void command_receive(struct session *s, const char *text, size_t len);

#endif
