/* SPDX-License-Identifier: MIT
 *
 * Servers that help participants find a path: STUN ones as they are, TURN ones with a password that
 * the relay itself can check, because it shares the secret (draft-uberti-behave-turn-rest-00). The
 * name says when it ends and whose it is. A password opens new allocations only; a call that is
 * running does not end with it.
 */
#include "services/voice-signaling/voice.h"

#include <inttypes.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/crypto/hmac.h"

static const struct field ice_server_fields[] = {
    F_STRS(ice_server, urls),
    F_STR(ice_server, username, OPTIONAL),
    F_STR(ice_server, credential, OPTIONAL),
};
SHAPE(ice_server);

struct ice {
    struct list ice_servers;
    int64_t expires_at;
};
static const struct field ice_fields[] = {
    F_LIST(ice, ice_servers, ice_server),
    F_TIME(ice, expires_at, NULLABLE, TEXT("When to ask again, for connections to come.")),
};
SHAPE(ice);

static struct list split_urls(struct arena *a, const char *text)
{
    size_t most = 1;
    for (const char *at = text; *at != '\0'; at++)
        most += *at == ',';
    const char **urls = arena_new_n(a, const char *, most);
    size_t count = 0;
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (len > 0)
            urls[count++] = arena_strndup(a, at, len);
        at += len + (at[len] == ',');
    }
    return (struct list){.items = urls, .count = count};
}

static struct ice_server turn_server(struct req *rq, struct list urls, int64_t expires_at)
{
    const struct voice_settings *settings = rq->state;
    char password[TURN_PASSWORD_SIZE];
    const char *username =
        arena_printf(&rq->arena, "%" PRId64 ":%" PRIu64, expires_at / 1000000, rq->actor);
    turn_password(settings->turn_secret, username, password);
    return (struct ice_server){
        .urls = urls,
        .username = username,
        .credential = arena_strdup(&rq->arena, password),
    };
}

struct list ice_servers(struct req *rq, int64_t *ret_expires_at)
{
    const struct voice_settings *settings = rq->state;
    struct ice_server *all = arena_new_n(&rq->arena, struct ice_server, 2);
    struct list stun = split_urls(&rq->arena, settings->stun_urls);
    struct list turn = split_urls(&rq->arena, settings->turn_urls);
    size_t count = 0;
    *ret_expires_at = 0;
    if (stun.count > 0)
        all[count++] = (struct ice_server){.urls = stun};
    if (turn.count > 0) {
        /* Whole seconds, as the name can say them. */
        *ret_expires_at = (clock_us() / 1000000 + settings->turn_ttl_s) * 1000000;
        all[count++] = turn_server(rq, turn, *ret_expires_at);
    }
    return (struct list){.items = all, .count = count};
}

enum err ice_get(struct req *rq, const struct no_args *in UNUSED)
{
    struct ice ice;
    ice.ice_servers = ice_servers(rq, &ice.expires_at);
    return reply(rq, &ice_shape, &ice);
}
