/* SPDX-License-Identifier: MIT */
/* The service as the runner sees it. Guards ask messaging, which owns the memberships. */

#include "services/moderation/moderation.h"

static const struct listen hears[] = {
    {EV_AUDIT_CREATE, "audit", audit_heard, &audit_heard_shape},
    {EVENT_COUNT,     NULL,    NULL,        NULL              },
};

const struct service moderation_service = {
    .name = "moderation",
    .subject = "moderation",
    .api = &moderation_api,
    .hears = hears,
    .authorise = guard_ask,
    .needs = NEEDS_DB | NEEDS_IDS,
};
