/* SPDX-License-Identifier: MIT */
/* The service as the runner sees it: what it hears, what it does by the clock. */

#include "services/presence/presence.h"

static const struct listen hears[] = {
    {EV_MEMBER_CREATE, "member_joined", member_joined, &membership_shape},
    {EV_MEMBER_DELETE, "member_left",   member_left,   &membership_shape},
    {EV_SERVER_DELETE, "server_ended",  server_ended,  &server_end_shape},
    {EV_SERVER_DELETE, NULL,            NULL,          NULL             },
};

/* Every copy runs them: a script gives each entry to one. */
static const struct job jobs[] = {
    {"typing_sweep",  1, JOB_EACH, typing_sweep },
    {"session_sweep", 2, JOB_EACH, session_sweep},
    {NULL,            0, JOB_EACH, NULL         },
};

const struct service presence_service = {
    .name = "presence",
    .subject = "presence",
    .api = &presence_api,
    .hears = hears,
    .jobs = jobs,
    .needs = NEEDS_CACHE,
};
