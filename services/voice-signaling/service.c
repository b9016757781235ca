/* SPDX-License-Identifier: MIT */
/* The service as the runner sees it: its settings, what it hears, what it does by the clock. */

#include "services/voice-signaling/voice.h"

#include "shared/base/log.h"

enum { GHOSTS_EVERY_S = 20, RIGHTS_EVERY_S = 1 };

#define SETTING(member, kind) CONF(voice_settings, member, kind)
/* clang-format off */
static const struct conf_key voice_keys[] = {
    {"TURN_SECRET",    SETTING(turn_secret, STR),    "",     CONF_SECRET, "what the relay's passwords are made with; the relay has the same", 0, 0},
    {"TURN_URLS",      SETTING(turn_urls, STR),      "",     0,           "relays, separated by commas: turn:host:3478?transport=udp", 0, 0},
    {"STUN_URLS",      SETTING(stun_urls, STR),      "",     0,           "servers that tell one's address, separated by commas", 0, 0},
    {"TURN_TTL_S",     SETTING(turn_ttl_s, INT),     "3600", 0,           "seconds a relay's password works", 30, 86400},
    {"ROOMS_REPLICAS", SETTING(rooms_replicas, INT), "1",    0,           "copies of the voice rooms in a NATS cluster", 1, 5},
};
/* clang-format on */

static const struct listen hears[] = {
    {EV_SESSION_EXPIRE, "session_ended",   session_ended,  &session_end_shape  },
    {EV_MEMBER_DELETE,  "member_left",     member_left,    &member_end_shape   },
    {EV_MEMBER_UPDATE,  "member_changed",  member_changed, &member_change_shape},
    {EV_ROLE_UPDATE,    "role_changed",    rights_changed, &rights_change_shape},
    {EV_ROLE_DELETE,    "role_deleted",    rights_changed, &rights_change_shape},
    {EV_CHANNEL_UPDATE, "channel_changed", rights_changed, &rights_change_shape},
    {EV_SERVER_UPDATE,  "server_changed",  owner_changed,  &owner_change_shape },
    {EV_CHANNEL_DELETE, "channel_ended",   channel_ended,  &channel_end_shape  },
    {EV_SERVER_DELETE,  "server_ended",    server_ended,   &server_end_shape   },
    {EV_SERVER_DELETE,  NULL,              NULL,           NULL                },
};

static const struct job jobs[] = {
    {"ghost_sweep",  GHOSTS_EVERY_S, JOB_EACH, ghost_sweep },
    {"rights_sweep", RIGHTS_EVERY_S, JOB_EACH, rights_sweep},
    {NULL,           0,              JOB_EACH, NULL        },
};

static enum err start(const struct service_run *run, void **ret_state)
{
    const struct voice_settings *s = run->settings;
    if (s->turn_urls[0] != '\0' && s->turn_secret[0] == '\0')
        die("TURN_URLS without TURN_SECRET: nobody could use the relay");
    *ret_state = (void *)(uintptr_t)s;
    return OK;
}

const struct service voice_service = {
    .name = "voice-signaling",
    .subject = "voice",
    .api = &voice_api,
    .hears = hears,
    .jobs = jobs,
    .prepare = rooms_prepare,
    .keys = voice_keys,
    .key_count = ARRAY_LEN(voice_keys),
    .settings_size = sizeof(struct voice_settings),
    .start = start,
};
