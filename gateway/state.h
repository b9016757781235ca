/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_STATE_H
#define GATEWAY_STATE_H

/* What messaging says a session begins with, taken apart as far as the gateway has to understand
 * it; the rest goes to the client as it is. */

#include <stddef.h>

#include "gateway/ask.h"
#include "gateway/member.h"
#include "shared/base/arena.h"

struct state {
    struct arena arena;
    struct span json;        /* {"servers":[…],"read_states":[…],…} */
    struct span read_states; /* the array */
    int64_t user_seq;        /* of the user's own events */
    struct told *servers;
    size_t count;
};

void *state_parse(const struct ask_answer *a); /* a query_parse_fn */
void state_free(struct state *s);
const struct told *state_find(const struct state *s, snowflake server);

#endif
