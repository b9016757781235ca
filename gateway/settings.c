/* SPDX-License-Identifier: MIT
 *
 * Everything about a gateway that an operator can change.
 */
#include "gateway/gateway.h"

#include "shared/base/macros.h"

#define S(member, kind) CONF(gateway_settings, member, kind)

const struct conf_key gateway_keys[] = {
    {"LISTEN",             S(listen,                 STR),  "127.0.0.1:8080",        0,                           "host:port of the one public door",         0,   0      },
    {"OPS_LISTEN",         S(ops_listen,             STR),  "127.0.0.1:9080",        0,
     "host:port of /health, /ready and /metrics",                                                                                                             0,   0      },
    {"NATS_URL",           S(nats_url,               STR),  NULL,                    CONF_REQUIRED | CONF_SECRET, "the bus",                                  0,   0      },
    {"REDIS_URL",          S(redis_url,              STR),  NULL,                    CONF_REQUIRED | CONF_SECRET, "where rates are counted",
     0,                                                                                                                                                            0      },
    {"PUBLIC_URL",         S(public_url,             STR),  "http://127.0.0.1:8080", 0,                           "how clients reach this gateway",
     0,                                                                                                                                                            0      },
    {"WEB_ROOT",           S(web_root,               STR),  "gateway/clients/web",   0,                           "folder of the web client",                 0,   0      },
    {"DOCUMENTS",          S(documents,              STR),  NULL,                    0,
     "folder of openapi.json and asyncapi.json; share/ beside bin/ when absent",                                                                              0,   0      },
    {"LOG_LEVEL",          S(log_level,              STR),  "info",                  0,                           "debug, info, warn or error",               0,   0      },
    {"LOG_PRETTY",         S(log_pretty,             BOOL), "false",                 0,                           "log for people instead of machines",       0,   0      },
    {"LOG_REQUESTS",       S(log_requests,           BOOL), "true",                  0,                           "one line for each request",                0,   0      },

    {"TOKEN_ISSUER",       S(token_issuer,           STR),  "parley",                0,                           "who issues access tokens",                 0,   0      },
    {"TOKEN_AUDIENCE",     S(token_audience,         STR),  "parley",                0,                           "for whom access tokens are",               0,   0      },
    {"REVOKED_KEEP_S",     S(revoked_keep_s,         INT),  "900",                   0,
     "how long ended sessions are remembered; longer than a token lives",                                                                                     60,  86400  },

    {"REST_CONNECTIONS",   S(rest_connections,       INT),  "10000",                 0,                           "HTTP connections at a time",               1,
     1000000                                                                                                                                                              },
    {"HTTP_IDLE_S",        S(http_idle_s,            INT),  "60",                    0,                           "seconds a silent HTTP connection is kept", 1,
     3600                                                                                                                                                                 },
    {"REQUEST_TIMEOUT_MS", S(request_timeout_ms,     INT),  "5000",                  0,                           "a request's deadline",                     100,
     60000                                                                                                                                                                },
    {"CORS_ORIGINS",       S(cors_origins,           STR),  NULL,                    0,
     "origins whose pages may call the API, by commas, or *",                                                                                                 0,   0      },
    {"TRUSTED_PROXIES",    S(trusted_proxies,        STR),  NULL,                    0,
     "addresses or networks whose X-Forwarded-For is believed, by commas",                                                                                    0,   0      },
    {"LIMIT_GENERAL",      S(limits[RATE_GENERAL],   RATE), "100/60",                0,
     "requests of a user, or sign-ins or refused credentials of an address",                                                                                  0,   0      },
    {"LIMIT_MESSAGING",    S(limits[RATE_MESSAGING], RATE), "30/60",                 0,                           "messages of a user",                       0,   0      },
    {"LIMIT_AUTH",         S(limits[RATE_AUTH],      RATE), "5/60",                  0,                           "sign-ins of an address and account",       0,
     0                                                                                                                                                                    },
    {"LIMIT_UPLOAD",       S(limits[RATE_UPLOAD],    RATE), "20/60",                 0,                           "uploads of a user",                        0,   0      },
    {"LIMIT_DOWNLOAD",     S(limits[RATE_DOWNLOAD],  RATE), "600/60",                0,                           "files fetched by an address",
     0,                                                                                                                                                            0      },
    {"LIMIT_SIGNAL",       S(limits[RATE_SIGNAL],    RATE), "300/60",                0,                           "voice signals of a user",                  0,   0      },
    {"LIMIT_BOT",          S(limit_bot,              RATE), "50/1",                  0,                           "requests of a bot or API key",             0,   0      },

    {"MAX_CONNECTIONS",    S(max_connections,        INT),  "10000",                 0,                           "WebSockets at a time",                     1,   1000000},
    {"WS_LOOPS",           S(ws_loops,               INT),  "1",                     0,                           "threads that serve WebSockets",            1,   64     },
    {"WS_EVENTS",          S(ws_events,              RATE), "30/10",                 0,                           "frames one WebSocket may send",            0,   0      },
    {"RESUME_WINDOW_S",    S(resume_window_s,        INT),  "120",                   0,                           "how long a lost session can come back",
     1,                                                                                                                                                            3600   },
    {"RING_FRAMES",        S(ring_frames,            INT),  "1024",                  0,                           "frames kept for a session that is behind", 16,
     65536                                                                                                                                                                },
};
const size_t gateway_key_count = ARRAY_LEN(gateway_keys);
