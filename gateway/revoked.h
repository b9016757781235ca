/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_REVOKED_H
#define GATEWAY_REVOKED_H

#include <stdbool.h>

#include "gateway/identity.h"

/* The sessions and API keys that ended less than a token's life ago. Pushed by session.revoke
 * events; the owner asks again at start, after every reconnect of the bus and every half minute,
 * because an event can be missed and a logged-out token must not live on. Any thread. */
struct revoked;

MUST_CHECK enum err revoked_open(struct gateway *g, struct revoked **ret);
void revoked_stop(struct revoked *r);  /* before bus_close: hears nothing any more */
void revoked_close(struct revoked *r); /* after it */

/* Ask auth what ended since the last answer; the answer comes by itself. */
void revoked_ask(struct revoked *r);
bool revoked_is_loaded(struct revoked *r); /* once true, it stays so */

bool revoked_has(struct revoked *r, snowflake session);
void revoked_listen(struct revoked *r, identity_gone_fn *fn, void *arg);

#endif
