/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_IDENTITY_H
#define GATEWAY_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/domain/snowflake.h"

/* Who a credential belongs to. Access tokens are verified here with auth's public keys and then
 * remembered until they expire; API keys and tickets are asked from auth (keys are remembered for
 * seconds). A revoked session is refused at once: the set of them is pushed by session.revoke
 * events, and asked again at start, after every reconnect of the bus and every 30 s. While auth is
 * away everything already known goes on working; what is unknown gets ERR_UNAVAILABLE, and so does
 * everybody until that set came for the first time.
 * Any thread. */
struct identities;
struct gateway;

enum scope { SCOPE_READ = 1 << 0, SCOPE_WRITE = 1 << 1, SCOPE_ADMIN = 1 << 2 };
#define SCOPE_ALL (SCOPE_READ | SCOPE_WRITE | SCOPE_ADMIN)

struct identity {
    snowflake user;
    snowflake app;
    snowflake session;  /* of an API key: the key's id */
    int64_t expires_us; /* UTC; of an API key: when it must be asked again */
    unsigned scopes;    /* SCOPE_ALL but for API keys */
    bool is_admin;
    bool is_bot; /* an API key, not a person's session */
};

/* Exactly one call, on the calling thread before identity_check returns, or later on any thread; it
 * must not block. who lives only during the call and is NULL unless e is OK. */
typedef void identity_fn(void *arg, enum err e, const struct identity *who);

/* What was shown, and by whom. */
struct credential {
    const char *text;
    size_t len;
    const char *ip; /* where too many were refused, only known ones work: ERR_RATE_LIMITED */
};

/* An access token or API key, as after "Bearer ". The text is copied where it must outlive. */
void identity_check(struct identities *ids, const struct credential *shown, identity_fn *fn,
                    void *arg);

/* A single-use ticket of POST /auth/ticket. */
void identity_redeem(struct identities *ids, const struct credential *shown, identity_fn *fn,
                     void *arg);

bool identity_is_revoked(struct identities *ids, snowflake session);

/* Calls fn for each session (or API key) that turns out revoked, by event or by asking; on any
 * thread, perhaps more than once for the same one. One listener: the realtime side. */
typedef void identity_gone_fn(void *arg, snowflake session);
void identity_on_revoke(struct identities *ids, identity_gone_fn *fn, void *arg);

/* Begins to fetch keys and revocations; OK also while auth is away. */
MUST_CHECK enum err identities_open(struct gateway *g, struct identities **ret);
void identities_stop(struct identities *ids);  /* before bus_close: nothing new is asked */
void identities_close(struct identities *ids); /* after it: nothing is in flight */
/* Can tokens be verified? What /ready says. */
bool identities_is_ready(struct identities *ids);

#endif
