/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_RIGHTS_CACHE_H
#define SERVICES_MESSAGING_RIGHTS_CACHE_H

/* What one process remembers of permissions: a table of fixed size, any thread. An entry says at
 * which number of its server it was true; the versions say which number a server has, as far as was
 * read within the last second and nobody here has touched the server since. */

#include "services/messaging/rights.h"

enum { KEPT_USERNAME_SIZE = 33, KEPT_NAME_SIZE = 129, KEPT_URL_SIZE = 256 };

/* Without a pointer, so that it can be copied in and out. */
struct kept {
    snowflake user_id;
    snowflake where; /* the key's other half: channel_id, or server_id */
    snowflake server_id;
    snowflake channel_id;
    int64_t server_seq;
    int64_t loaded_us;
    int64_t timed_out_until;
    int64_t slow_mode_s;
    uint64_t permissions;
    uint64_t permissions_timed_out;
    struct role_rank rank;
    int channel_type;
    bool is_locked;
    bool is_bot;
    char username[KEPT_USERNAME_SIZE];
    char display_name[KEPT_NAME_SIZE]; /* "" is none */
    char avatar_url[KEPT_URL_SIZE];    /* "" is none */
};

bool kept_find(struct rights_cache *c, snowflake user_id, snowflake where, struct kept *ret);
void kept_store(struct rights_cache *c, const struct kept *k);

enum version_state { VERSION_SAME, VERSION_OTHER, VERSION_UNKNOWN };
enum version_state version_check(struct rights_cache *c, snowflake server_id, int64_t seq,
                                 int64_t now_us);

/* Take a mark before reading a server's number; noting it later has no effect when somebody touched
 * or forgot the server in between. */
struct version_mark {
    uint64_t changes;
    int64_t at_us;
};
struct version_mark version_mark(struct rights_cache *c, snowflake server_id);
void version_note(struct rights_cache *c, snowflake server_id, int64_t seq,
                  struct version_mark mark);

/* Between the two nothing is known of the server. They nest. */
void version_touch(struct rights_cache *c, snowflake server_id);
void version_untouch(struct rights_cache *c, snowflake server_id);

#endif
