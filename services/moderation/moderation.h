/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MODERATION_MODERATION_H
#define SERVICES_MODERATION_MODERATION_H

/* Who may not: kicks, bans, time-outs, redactions, and the log of every act by which somebody
 * governs a server. Nothing is kept here but the log. */

#include "shared/domain/limit.h"
#include "shared/service/service.h"
#include "shared/wire/req.h"

#define API_DEF "services/moderation/api.def"
#include "shared/service/api_prototypes.h"
#undef API_DEF

/* Somebody in a server, and why. */
struct target_args {
    snowflake server_id;
    snowflake user_id;
    const char *reason;
};

/* Why, in one line, for the log. */
#define F_REASON(s)                                                           \
    F_STR(s, reason, FLAGS(FIELD_OPTIONAL | FIELD_NULLABLE | FIELD_ONE_LINE), \
          RANGE(0, LIMIT_REASON))

extern const struct rpc_table moderation_api;
extern const struct service moderation_service;

/* members.c */
extern const struct shape target_args_shape;

/* audit.c */
enum err audit_heard(struct req *rq, const void *payload, const char *event_id);
extern const struct shape audit_heard_shape;

#endif
