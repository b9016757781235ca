/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_MESSAGING_H
#define SERVICES_MESSAGING_MESSAGING_H

/* Servers and what is said in them. Here is what two features share; what one feature owns is in
 * its file. Bodies of answers and events are in entities.h and gone.h, permissions in rights.h. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

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

enum { MESSAGING_SUBS = 6 };

/* What the process keeps: req.state. */
struct messaging {
    const struct messaging_settings *settings;
    struct rights_cache *rights;
    atomic_bool is_read_only;    /* the whole instance */
    _Atomic int64_t slow_mode_s; /* everywhere, at least */
    struct bus_sub *subs[MESSAGING_SUBS];
};
static inline struct messaging *messaging_of(const struct req *rq)
{
    return rq->state;
}

/* instance.c: what auth says of the whole instance. */
enum err instance_load(struct req *rq);
void instance_heard(void *arg, natsMsg *msg);

/* users.c: the copy of auth's accounts that names authors and members. Makes sure that the caller
 * is in it; asks auth when not, so never inside a transaction. */
MUST_CHECK enum err user_require(struct req *rq);
/* Locks the user and takes their next number. */
MUST_CHECK enum err user_advance(struct req *rq, snowflake user_id, int64_t *ret_seq);
enum err user_heard(struct req *rq, const void *payload, const char *event_id);
struct user_copy;
extern const struct shape user_copy_shape;
#define AUTHOR_JSON(u)                                                                 \
    "json_build_object('id', " u ".id, 'username', " u ".username, 'display_name', " u \
    ".display_name, 'avatar_url', " u ".avatar_url, 'is_bot', " u ".is_bot)"

/* servers.c. Whoever changes the structure of a server (members, roles, channels) locks it first:
 * that lock, not a count, is what keeps limits and uses exact. server_advance then takes the next
 * `count` numbers, the first of which is *ret_first; each must go out with one event. */
#define SERVER_COLUMNS \
    "s.id, s.owner_id, s.name, s.description, s.is_public, s.member_count, s.seq, s.created_at"
MUST_CHECK enum err server_lock(struct req *rq, snowflake server_id, struct server *ret);
MUST_CHECK enum err server_advance(struct req *rq, snowflake server_id, int64_t count,
                                   int64_t *ret_first);

/* members.c */
MUST_CHECK enum err member_find(struct req *rq, snowflake server_id, snowflake user_id,
                                struct member *ret);
/* The caller holds the server's lock. No error when already a member. */
MUST_CHECK enum err member_enter(struct req *rq, struct server *s, snowflake user_id);
MUST_CHECK enum err member_end(struct req *rq, const struct server *s, struct member_gone *gone);
void member_tell(struct req *rq, const struct member *m);

/* roles.c: the roles every server begins with. */
MUST_CHECK enum err roles_found(struct req *rq, snowflake server_id);

/* channels.c */
MUST_CHECK enum err channels_found(struct req *rq, snowflake server_id);
MUST_CHECK enum err channel_find(struct req *rq, snowflake channel_id, struct channel *ret);
/* Stamps the locked server's next number on the channel, answers it and tells everybody. */
MUST_CHECK enum err channel_changed(struct req *rq, snowflake server_id, snowflake channel_id);

/* invites.c: use up one use of an invite to the locked server, or of none when code is NULL. */
MUST_CHECK enum err invite_spend(struct req *rq, const char *code, const struct server *s);

/* state.c: servers as their members see them, by server id. Only channels the user sees. */
MUST_CHECK enum err state_of_user(struct req *rq, snowflake user_id, snowflake only_server,
                                  struct list *ret_joined);

/* messages.c */
MUST_CHECK enum err channel_advance(struct req *rq, snowflake channel_id, int64_t *ret_seq);
MUST_CHECK enum err message_find(struct req *rq, const struct rights *where, snowflake message_id,
                                 struct message *ret);
/* Turns it into a tombstone and says so. */
MUST_CHECK enum err message_bury(struct req *rq, const struct rights *where, snowflake message_id);
void message_finish(struct req *rq, snowflake server_id, struct message *m);
enum err messages_purge(struct req *rq);
#define MESSAGE_COLUMNS                                                                \
    "m.id, m.channel_id, m.reply_to, m.mentions, m.mention_roles, m.mention_everyone," \
    " m.edited_at, m.deleted_at, m.seq, m.rev,"                                        \
    " CASE WHEN m.deleted_at IS NULL THEN m.content END AS content,"                   \
    " CASE WHEN m.deleted_at IS NULL THEN m.attachments END AS attachments,"           \
    " (SELECT " AUTHOR_JSON(                                                           \
        "u") " FROM users u WHERE u.id = m.author_id) AS author,"                      \
             " (SELECT json_build_object('id', r.id, 'author', " AUTHOR_JSON(          \
                 "u") ", 'content',"                                                   \
                      "         CASE WHEN r.deleted_at IS NULL THEN r.content END)"    \
                      "    FROM messages r JOIN users u ON u.id = r.author_id"         \
                      "   WHERE r.channel_id = m.channel_id AND r.id = m.reply_to) AS referenced"

/* mentions.c: whom a text notifies, of those it names. */
struct resolved {
    struct list users, roles;
    bool everyone;
};
MUST_CHECK enum err mentions_resolve(struct req *rq, const struct rights *where, const char *text,
                                     struct resolved *ret);

/* reads.c: read positions and counts of the channels with these ids. */
MUST_CHECK enum err reads_count(struct req *rq, const snowflake *channels, size_t n,
                                struct list *ret);

#endif
