/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_RIGHTS_H
#define SERVICES_MESSAGING_RIGHTS_H

/* Who may do what, where. Decisions are kept per process and trusted as long as the server's
 * counter, read at most a second ago, has not moved: every change of members, roles, overwrites and
 * channels moves it. */

#include "services/messaging/entities.h"
#include "shared/domain/role.h"
#include "shared/service/rpc.h"

struct rights_cache;

struct rights {
    snowflake user_id;
    snowflake server_id;
    snowflake channel_id; /* 0: in the server itself */
    uint64_t permissions; /* what is left of them now */
    struct role_rank rank;
    bool is_member;
    bool is_timed_out;
    bool is_locked; /* the channel */
    int channel_type;
    int64_t slow_mode_s;
    struct author author; /* the user, as messages show them */
};

struct rights_cache *rights_cache_new(void);
void rights_cache_free(struct rights_cache *c);

/* Of anybody. ERR_UNKNOWN_SERVER / ERR_UNKNOWN_CHANNEL when the user is no member or does not see
 * the channel; instance administrators see everything. */
MUST_CHECK enum err rights_in_server(struct req *rq, snowflake user_id, snowflake server_id,
                                     struct rights *ret);
MUST_CHECK enum err rights_in_channel(struct req *rq, snowflake user_id, snowflake channel_id,
                                      struct rights *ret);
/* Of the caller. */
MUST_CHECK enum err rights_here(struct req *rq, snowflake channel_id, struct rights *ret);

/* Of members among these users, in one statement and without the cache: struct rights each. */
MUST_CHECK enum err rights_of_many(struct req *rq, snowflake channel_id, const snowflake *users,
                                   size_t n, struct list *ret);

/* The caller's, which must include these permissions. */
MUST_CHECK enum err rights_require(struct req *rq, snowflake server_id, uint64_t permissions,
                                   struct rights *ret);
/* The actor stands above the target, if that is a member. */
MUST_CHECK enum err rights_require_above(struct req *rq, const struct rights *actor,
                                         snowflake target);
/* Of one's own rights: ERR_MISSING_PERMISSIONS, or ERR_TIMED_OUT when that is why. */
MUST_CHECK enum err rights_include(const struct rights *r, uint64_t permissions);

/* May the member see the channel? The member's roles include the everyone role. */
struct member_rights;
bool channel_is_visible(struct arena *a, const struct member_rights *member,
                        const struct channel *channel);

/* This request changes the server: until it has ended nothing kept about it is trusted. */
void rights_touch(struct req *rq, snowflake server_id);
/* Another copy changed it. */
void rights_forget(struct rights_cache *c, snowflake server_id);

/* The SERVER and CHANNEL guards. */
enum err rights_authorise(struct req *rq, enum guard guard, snowflake where, uint64_t permission);

#endif
