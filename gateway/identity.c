/* SPDX-License-Identifier: MIT
 *
 * Credentials to identities. What was verified once is found again by the SHA-256 of its text, so a
 * busy client costs one hash a request instead of one signature; the whole digest is compared, so a
 * crafted text cannot borrow somebody else's identity. Revocation is asked after every look-up.
 */
#include "gateway/identity.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "gateway/ask.h"
#include "gateway/gateway.h"
#include "gateway/keyring.h"
#include "gateway/limit.h"
#include "gateway/peer.h"
#include "gateway/revoked.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/thread.h"
#include "shared/crypto/hmac.h"
#include "shared/crypto/secret.h"
#include "shared/crypto/token.h"
#include "shared/wire/bus.h"

enum {
    KNOWN_SLOTS = 8192, /* a power of two */
    KNOWN_WAYS = 4,     /* slots a digest may be in */
    API_KEY_KEEP_US = 10 * 1000000,
    ASK_EVERY_MS = 30 * 1000,
    RETRY_MS = 300, /* until everything is here */
};

struct known {
    uint8_t digest[SHA256_BYTES];
    struct identity who; /* expires_us 0: free */
};

struct identities {
    struct gateway *gateway;
    struct keyring *keyring;
    struct revoked *revoked;
    pthread_t keeper;
    struct stopper stopper;
    struct keyring_wait first_keys;
    atomic_bool is_fetching;
    pthread_mutex_t lock; /* guards known */
    struct known known[KNOWN_SLOTS];
};

/* What auth answers about an API key or a ticket. */
struct vouched {
    snowflake session_id;
    snowflake user_id;
    snowflake app_id;
    bool is_admin;
    bool is_bot;
    struct list scopes;
    int64_t expires_at;
};
static const struct field vouched_fields[] = {
    F_ID(vouched, session_id),
    F_ID(vouched, user_id),
    F_ID(vouched, app_id),
    F_BOOL(vouched, is_admin),
    F_BOOL(vouched, is_bot),
    F_STRS(vouched, scopes, OPTIONAL),
    F_TIME(vouched, expires_at, OPT_NULL),
};
static SHAPE(vouched);

/* A credential that must be asked about. */
struct checking {
    struct identities *ids;
    identity_fn *fn;
    void *arg;
    struct keyring_wait wait;
    uint8_t digest[SHA256_BYTES];
    bool is_ticket;
    char ip[PEER_TEXT_SIZE];
    size_t len;
    char text[]; /* of a token */
};

static struct known *set_of(struct identities *ids, const uint8_t digest[SHA256_BYTES])
{
    uint64_t hash;
    memcpy(&hash, digest, sizeof(hash));
    return &ids->known[(hash & (KNOWN_SLOTS / KNOWN_WAYS - 1)) * KNOWN_WAYS];
}

static bool recall(struct identities *ids, const uint8_t digest[SHA256_BYTES], struct identity *ret)
{
    bool is_known = false;
    int64_t now = clock_us();
    pthread_mutex_lock(&ids->lock);
    struct known *set = set_of(ids, digest);
    for (size_t i = 0; i < KNOWN_WAYS && !is_known; i++)
        if (set[i].who.expires_us > now && memcmp(set[i].digest, digest, SHA256_BYTES) == 0) {
            *ret = set[i].who;
            is_known = true;
        }
    pthread_mutex_unlock(&ids->lock);
    return is_known;
}

/* In place of the one of its set that expires first. */
static void remember(struct identities *ids, const uint8_t digest[SHA256_BYTES],
                     const struct identity *who)
{
    pthread_mutex_lock(&ids->lock);
    struct known *set = set_of(ids, digest);
    struct known *chosen = set;
    for (size_t i = 1; i < KNOWN_WAYS; i++)
        if (set[i].who.expires_us < chosen->who.expires_us)
            chosen = &set[i];
    memcpy(chosen->digest, digest, SHA256_BYTES);
    chosen->who = *who;
    pthread_mutex_unlock(&ids->lock);
}

/* The one place that says yes. Until auth has said once who was logged out, nobody is known not to
 * be. */
static void admit(struct identities *ids, const struct identity *who, identity_fn *fn, void *arg)
{
    if (!revoked_is_loaded(ids->revoked))
        fn(arg, ERR_UNAVAILABLE, NULL);
    else if (revoked_has(ids->revoked, who->session))
        fn(arg, ERR_UNAUTHORIZED, NULL);
    else
        fn(arg, OK, who);
}

static struct checking *checking_new(struct identities *ids, const struct credential *shown,
                                     identity_fn *fn, void *arg)
{
    struct checking *c = heap_alloc(sizeof(*c) + shown->len + 1);
    c->ids = ids;
    c->fn = fn;
    c->arg = arg;
    c->len = shown->len;
    snprintf(c->ip, sizeof(c->ip), "%s", shown->ip);
    memcpy(c->text, shown->text, shown->len);
    sha256(shown->text, shown->len, c->digest);
    return c;
}

static bool is_barred(const struct checking *c)
{
    return limit_barred_ms(c->ids->gateway->limits, c->ip) > 0;
}

static void reject(struct checking *c, enum err e)
{
    if (e == ERR_UNAUTHORIZED || e == ERR_TOKEN_EXPIRED)
        limit_refused(c->ids->gateway->limits, c->ip);
    c->fn(c->arg, e, NULL);
    free(c);
}

/* ---- access tokens ---- */

static enum err verify(struct identities *ids, const char *token, size_t len, struct identity *ret)
{
    struct token_claims claims;
    TRY(token_verify(keyring_keys(ids->keyring), token, len, clock_us(), &claims));
    *ret = (struct identity){
        .user = claims.user_id,
        .app = claims.app_id,
        .session = claims.session_id,
        .expires_us = claims.expires_us,
        .scopes = SCOPE_ALL,
        .is_admin = claims.is_admin,
    };
    return OK;
}

static void on_keys(void *arg, enum err e)
{
    struct checking *c = arg;
    struct identity who;
    if (e == OK)
        e = verify(c->ids, c->text, c->len, &who);
    if (e != OK) {
        reject(c, e);
        return;
    }
    remember(c->ids, c->digest, &who);
    admit(c->ids, &who, c->fn, c->arg);
    free(c);
}

static void check_token(struct checking *c)
{
    struct identities *ids = c->ids;
    if (c->len > TOKEN_MAX)
        reject(c, ERR_UNAUTHORIZED);
    else if (token_key_is_known(keyring_keys(ids->keyring), c->text, c->len))
        on_keys(c, OK);
    else
        keyring_refresh(ids->keyring, &c->wait, on_keys, c);
}

/* ---- API keys and tickets ---- */

static unsigned scopes_of(const struct list *names)
{
    static const struct {
        const char *name;
        enum scope scope;
    } rows[] = {
        {"read",  SCOPE_READ },
        {"write", SCOPE_WRITE},
        {"admin", SCOPE_ADMIN}
    };
    unsigned scopes = 0;
    for (size_t i = 0; i < names->count; i++)
        for (size_t row = 0; row < ARRAY_LEN(rows); row++)
            if (strcmp(*LIST_AT(names, const char *, i), rows[row].name) == 0)
                scopes |= rows[row].scope;
    return scopes;
}

static enum err read_credential(const struct checking *c, enum err e, const natsMsg *msg,
                                struct identity *ret)
{
    auto_arena struct arena arena = {0};
    struct vouched got = {0};
    struct ask_answer answer;
    ask_read(e, msg, &answer);
    /* Whatever auth has against it, to the client it is a credential that does not work. */
    if (answer.err != OK)
        return answer.status >= 400 && answer.status < 500 ? ERR_UNAUTHORIZED : ERR_UNAVAILABLE;
    TRY(ask_decode(&vouched_shape, &answer, &arena, &got));
    *ret = (struct identity){
        .user = got.user_id,
        .app = got.app_id,
        .session = got.session_id,
        .expires_us = got.expires_at != 0 ? got.expires_at : clock_us() + API_KEY_KEEP_US,
        .scopes = c->is_ticket ? SCOPE_ALL : scopes_of(&got.scopes),
        .is_admin = got.is_admin,
        .is_bot = got.is_bot,
    };
    return OK;
}

static void on_credential(void *arg, enum err e, natsMsg *msg)
{
    struct checking *c = arg;
    struct identity who;
    e = read_credential(c, e, msg, &who);
    bus_msg_free(msg);
    if (e != OK) {
        reject(c, e);
        return;
    }
    if (!c->is_ticket) {
        struct identity kept = who;
        kept.expires_us = clock_us() + API_KEY_KEEP_US;
        remember(c->ids, c->digest, &kept);
    }
    admit(c->ids, &who, c->fn, c->arg);
    free(c);
}

static void ask_credential(struct checking *c, const char *subject, const char *name)
{
    auto_buf struct buf json = {0};
    buf_printf(&json, "{\"%s\":", name);
    buf_json_str(&json, c->text, c->len);
    buf_addc(&json, '}');
    ask_start(c->ids->gateway->bus, subject, buf_str(&json), on_credential, c);
}

/* ---- */

void identity_check(struct identities *ids, const struct credential *shown, identity_fn *fn,
                    void *arg)
{
    struct checking *c = checking_new(ids, shown, fn, arg);
    struct identity who;
    if (recall(ids, c->digest, &who)) {
        free(c);
        admit(ids, &who, fn, arg);
    } else if (is_barred(c)) {
        reject(c, ERR_RATE_LIMITED);
    } else if (secret_is(SECRET_API_KEY, c->text)) {
        ask_credential(c, "rpc.auth.credential.check", "key");
    } else {
        check_token(c);
    }
}

void identity_redeem(struct identities *ids, const struct credential *shown, identity_fn *fn,
                     void *arg)
{
    struct checking *c = checking_new(ids, shown, fn, arg);
    c->is_ticket = true;
    if (is_barred(c))
        reject(c, ERR_RATE_LIMITED);
    else if (secret_is(SECRET_TICKET, c->text))
        ask_credential(c, "rpc.auth.ticket.redeem", "ticket");
    else
        reject(c, ERR_UNAUTHORIZED);
}

bool identity_is_revoked(struct identities *ids, snowflake session)
{
    return revoked_has(ids->revoked, session);
}

void identity_on_revoke(struct identities *ids, identity_gone_fn *fn, void *arg)
{
    revoked_listen(ids->revoked, fn, arg);
}

/* ---- keeping up with auth ---- */

static void on_first_keys(void *arg, enum err e)
{
    struct identities *ids = arg;
    atomic_store(&ids->is_fetching, false);
    if (e == OK)
        stopper_nudge(&ids->stopper);
}

static void keep_up(struct identities *ids)
{
    if (!bus_is_up(ids->gateway->bus))
        return;
    if (!keyring_is_loaded(ids->keyring) && !atomic_exchange(&ids->is_fetching, true))
        keyring_refresh(ids->keyring, &ids->first_keys, on_first_keys, ids);
    revoked_ask(ids->revoked);
}

static void *keep(void *arg)
{
    struct identities *ids = arg;
    do
        keep_up(ids);
    while (!stopper_wait(&ids->stopper, identities_is_ready(ids) ? ASK_EVERY_MS : RETRY_MS));
    return NULL;
}

static void on_reconnect(void *arg)
{
    stopper_nudge(&((struct identities *)arg)->stopper);
}

enum err identities_open(struct gateway *g, struct identities **ret)
{
    struct identities *ids = heap_alloc(sizeof(*ids));
    ids->gateway = g;
    pthread_mutex_init(&ids->lock, NULL);
    stopper_init(&ids->stopper);
    ids->keyring = keyring_new(g);
    enum err e = revoked_open(g, &ids->revoked);
    if (e != OK) {
        identities_close(ids);
        return e;
    }
    bus_on_reconnect(g->bus, on_reconnect, ids);
    thread_start(&ids->keeper, keep, ids);
    *ret = ids;
    return OK;
}

void identities_stop(struct identities *ids)
{
    stopper_stop(&ids->stopper);
    pthread_join(ids->keeper, NULL);
    revoked_stop(ids->revoked);
}

void identities_close(struct identities *ids)
{
    if (ids == NULL)
        return;
    revoked_close(ids->revoked);
    keyring_free(ids->keyring);
    stopper_done(&ids->stopper);
    pthread_mutex_destroy(&ids->lock);
    free(ids);
}

bool identities_is_ready(struct identities *ids)
{
    return keyring_is_loaded(ids->keyring) && revoked_is_loaded(ids->revoked);
}
