/* SPDX-License-Identifier: MIT */
/* The service as the runner sees it: its settings, what its constraints mean to clients, its jobs,
 * and what must exist before the first request: a key that signs and somebody who administers. */

#include "services/auth/auth.h"
#include "shared/base/heap.h"
#include "shared/crypto/password.h"
#include "shared/crypto/token.h"

enum {
    PURGE_EVERY_S = 300,
    PASSWORD_WAIT_MS = 2000, /* for a turn to hash, before 503 */
};

#define SETTING(member, kind) CONF(auth_settings, member, kind)
/* clang-format off */
static const struct conf_key auth_keys[] = {
    {"TOKEN_ISSUER",        SETTING(token_issuer, STR),        "parley",  0,
     "who issues access tokens", 0, 0},
    {"TOKEN_AUDIENCE",      SETTING(token_audience, STR),      "parley",  0,
     "for whom access tokens are", 0, 0},
    {"ACCESS_TOKEN_S",      SETTING(access_token_s, INT),      "600",     0,
     "seconds an access token lives", 30, 3600},
    {"REFRESH_TOKEN_S",     SETTING(refresh_token_s, INT),     "2592000", 0,
     "seconds a session lives without being used", 60, 31536000},
    {"TICKET_S",            SETTING(ticket_s, INT),            "30",      0,
     "seconds a realtime ticket lives", 1, 300},
    {"SIGNING_KEY_DAYS",    SETTING(signing_key_days, INT),    "90",      0,
     "days after which a start makes a new signing key", 1, 3650},
    {"PASSWORD_PASSES",     SETTING(password_passes, INT),     "2",       0,
     "argon2id passes", 1, 10},
    {"PASSWORD_MEMORY_KIB", SETTING(password_memory_kib, INT), "19456",   0,
     "argon2id memory of one operation", 8, 1048576},
    {"PASSWORD_PARALLEL",   SETTING(password_parallel, INT),   "2",       0,
     "argon2id operations at a time", 1, 64},
    {"ADMIN_USERNAME",      SETTING(admin_username, STR),      NULL,      0,
     "the first administrator, made when there is none", 0, 0},
    {"ADMIN_EMAIL",         SETTING(admin_email, STR),         NULL,      0,
     "their e-mail address", 0, 0},
    {"ADMIN_PASSWORD",      SETTING(admin_password, STR),      NULL,      CONF_SECRET,
     "their password", 0, 0},
};
/* clang-format on */

static const struct db_constraint constraints[] = {
    {"users_username_key",    ERR_USERNAME_TAKEN     },
    {"users_email_key",       ERR_EMAIL_TAKEN        },
    {"users_app_id_fkey",     ERR_UNKNOWN_APPLICATION},
    {"applications_name_key", ERR_CONFLICT           },
    {NULL,                    OK                     },
};

static const struct job jobs[] = {
    {"purge", PURGE_EVERY_S, JOB_ONE, session_purge},
    {NULL,    0,             JOB_ONE, NULL         },
};

static enum err start(const struct service_run *run, void **ret_state)
{
    const struct auth_settings *s = run->settings;
    password_init(&(struct password_cost){
        .passes = s->password_passes,
        .memory = s->password_memory_kib * 1024,
        .parallel = (int)s->password_parallel,
        .wait_ms = PASSWORD_WAIT_MS,
    });
    struct auth *auth = heap_alloc(sizeof(*auth));
    auth->settings = s;
    *ret_state = auth;
    return OK;
}

static enum err prepare(struct req *rq)
{
    struct auth *auth = rq->state;
    rq->app = APPLICATION_DEFAULT;
    TRY(admin_ensure(rq, auth->settings));
    return keys_load(rq, auth);
}

static void stop(void *state)
{
    struct auth *auth = state;
    token_signer_free(auth->signer);
    free(auth);
}

const struct service auth_service = {
    .name = "auth",
    .subject = "auth",
    .api = &auth_api,
    .jobs = jobs,
    .constraints = constraints,
    .needs = NEEDS_DB | NEEDS_IDS,
    .keys = auth_keys,
    .key_count = ARRAY_LEN(auth_keys),
    .settings_size = sizeof(struct auth_settings),
    .start = start,
    .prepare = prepare,
    .stop = stop,
};
