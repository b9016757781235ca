/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_MESSAGING_H
#define SERVICES_MESSAGING_MESSAGING_H

/* Servers and what is said in them. Here is what two features share; what one feature owns is in
 * its file. Bodies of answers and events are in entities.h and gone.h, permissions in rights.h. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "services/messaging/columns.h"
#include "services/messaging/entities.h"
#include "services/messaging/gone.h"
#include "services/messaging/rights.h"
#include "shared/service/service.h"
#include "shared/wire/event.h"
#include "shared/wire/req.h"

#define API_DEF "services/messaging/api.def"
#include "shared/service/api_prototypes.h"
#undef API_DEF

extern const struct rpc_table messaging_api;
extern const struct service messaging_service;

struct messaging_settings {
    const char *media_secret;
    int64_t tombstone_days;
};

enum { MESSAGING_SUBS = 5, KNOWN_USERS = 4096 };

/* What the process keeps: req.state. */
struct messaging {
    const struct messaging_settings *settings;
    struct rights_cache *rights;
    int64_t began_us;
    atomic_bool is_instance_known; /* auth has said what follows */
    atomic_bool is_read_only;      /* the whole instance */
    _Atomic int64_t slow_mode_s;   /* everywhere, at least */
    struct bus_sub *subs[MESSAGING_SUBS];
    _Atomic snowflake known_users[KNOWN_USERS]; /* users.c: whom the copy has for certain */
};
static inline struct messaging *messaging_of(const struct req *rq)
{
    return rq->state;
}
struct messaging *messaging_new(const struct messaging_settings *settings);
void messaging_free(struct messaging *m);

/* Inputs that several features take. */
struct server_args {
    snowflake server_id;
};
struct channel_args {
    snowflake channel_id;
};

/* instance.c: what auth says of the whole instance. _prepare waits for it before the first request,
 * though not for ever; _check says whether the caller may post now. */
MUST_CHECK enum err instance_prepare(struct req *rq);
MUST_CHECK enum err instance_check(struct req *rq);
void instance_ask(struct messaging *m, struct bus *bus);
void instance_heard(void *arg, natsMsg *msg);

/* users.c: the copy of auth's accounts that names authors and members. Makes sure that the caller
 * is in it; asks auth when not, so never inside a transaction. */
MUST_CHECK enum err user_require(struct req *rq);
/* Locks the user and takes their next number. */
MUST_CHECK enum err user_advance(struct req *rq, snowflake user_id, int64_t *ret_seq);
enum err user_heard(struct req *rq, const void *payload, const char *event_id);
extern const struct shape user_copy_shape;

/* servers.c. Whoever changes the structure of a server (members, roles, channels) locks it first:
 * that lock, not a count, is what keeps limits and uses exact. server_advance then takes the next
 * `count` numbers, the first of which is *ret_first; each must go out with one event. */
MUST_CHECK enum err id_new(struct req *rq, snowflake *ret_id);
MUST_CHECK enum err title_check(struct req *rq, const char *field, const char *text);
MUST_CHECK enum err server_lock(struct req *rq, snowflake server_id, struct server *ret);
MUST_CHECK enum err server_advance(struct req *rq, snowflake server_id, int64_t count,
                                   int64_t *ret_first);

/* members.c */
MUST_CHECK enum err member_find(struct req *rq, snowflake server_id, snowflake user_id,
                                struct member *ret);
/* The caller holds the server's lock. No error when already a member. */
MUST_CHECK enum err member_enter(struct req *rq, struct server *s, snowflake user_id);
MUST_CHECK enum err member_end(struct req *rq, const struct server *s, struct member_gone *gone);
/* The caller enters, by an invite or (NULL) because the server is public, and is answered it. */
MUST_CHECK enum err server_enter(struct req *rq, snowflake server_id, const char *invite);
void member_tell(struct req *rq, enum event_id what, const struct member *m);

/* roles.c: the roles every server begins with; a role of this server, not the everyone role. */
MUST_CHECK enum err roles_found(struct req *rq, snowflake server_id);
MUST_CHECK enum err role_require(struct req *rq, snowflake server_id, snowflake role_id);

/* channels.c */
MUST_CHECK enum err channels_found(struct req *rq, snowflake server_id);
void channel_tell(struct req *rq, enum event_id what, const struct channel *c);
MUST_CHECK enum err channel_find(struct req *rq, snowflake channel_id, struct channel *ret);
/* Stamps the locked server's next number on the channel, answers it and tells everybody. */
MUST_CHECK enum err channel_changed(struct req *rq, snowflake server_id, snowflake channel_id);

/* overwrites.c: put an exception into actor->channel_id, as far as the actor may. */
struct overwrite_input {
    snowflake id;
    int type;
    uint64_t allow, deny;
};
extern const struct shape overwrite_input_shape;
MUST_CHECK enum err overwrite_put(struct req *rq, const struct rights *actor,
                                  const struct overwrite_input *o);

/* invites.c: take one use of an invite to the locked server. */
MUST_CHECK enum err invite_spend(struct req *rq, const char *code, const struct server *s);

/* state.c: servers as their members see them, by server id (0: all of them). Only channels the user
 * sees; channels_filter keeps those the caller sees. */
MUST_CHECK enum err channels_filter(struct req *rq, snowflake server_id, struct list *channels);
MUST_CHECK enum err state_of_user(struct req *rq, snowflake user_id, snowflake only_server,
                                  struct list *ret_joined);

MUST_CHECK enum err state_of_server(struct req *rq, snowflake server_id, struct list *ret_roles,
                                    struct list *ret_channels);

/* reads.c: positions and counts of all channels of these servers; a new member has read all. */
MUST_CHECK enum err reads_of_joined(struct req *rq, const struct list *joined, struct list *ret);
MUST_CHECK enum err reads_found(struct req *rq, snowflake server_id, snowflake user_id);

/* purge.c: the job. */
enum err purge(struct req *rq);

#endif
