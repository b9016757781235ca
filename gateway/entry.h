/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ENTRY_H
#define GATEWAY_ENTRY_H

/* How a session comes to know its state, without a gap and without a double: first it is attached
 * to everything it will hear, then, with the subscriptions in force, the state is asked for; what
 * happened in between is told afterwards, except for what the state already says. The same way
 * serves identify, a resume by cursors and a server that was joined later. */

#include <stdbool.h>

#include "gateway/scan.h"
#include "gateway/session.h"

/* state is AWAITING. */
void entry_identify(struct session *s, struct span token, bool is_ticket);

struct resume {
    struct span token;
    struct span session_id;
    uint64_t received;
    struct span cursors; /* the JSON object, or an empty span */
};
void entry_resume(struct session *s, const struct resume *r);

/* state is ACTIVE or DETACHED. */
void entry_join(struct session *s, snowflake server);

/* Something it waits for may be there. */
void entry_advance(struct session *s);
/* It waits for one more backlog; one that it waited for is there. Only the last one advances it:
 * otherwise every backlog would put the session on the lists of all the others once more. */
void entry_await(struct session *s);
void entry_told(struct session *s);

/* A server it has heard of is gone; what was asked may not be true any more. */
void entry_disturb(struct session *s);
void entry_hold(struct session *s, struct frame *f);
bool entry_is_first(const struct entry *e); /* the client knows nothing yet */
void entry_free(struct entry *e);

#endif
