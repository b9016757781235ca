/* SPDX-License-Identifier: MIT */
#ifndef SHARED_DOMAIN_PERMISSION_H
#define SHARED_DOMAIN_PERMISSION_H

/* Who may do what, as pure arithmetic on sets of bits. messaging decides with it, and the gateway
 * decides with the same code who sees which channel; neither ever asks the other. */

#include "shared/domain/snowflake.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum permission {
    PERM_NONE = 0,
#define PERM(name, bit, text) PERM_##name = UINT64_C(1) << (bit),
#include "shared/domain/permission.def"
#undef PERM
};

/* Every bit that has a row. */
#define PERM(name, bit, text) | UINT64_C(1) << (bit)
enum permission_sets {
    PERM_ALL = UINT64_C(0)
#include "shared/domain/permission.def"
        ,
    /* What is left to a member who is timed out. */
    PERM_TIMED_OUT = PERM_VIEW_CHANNEL | PERM_READ_HISTORY,
};
#undef PERM

struct role_grant {
    snowflake id;
    uint64_t permissions;
    int position;
};

enum overwrite_kind { OVERWRITE_ROLE, OVERWRITE_MEMBER };

struct overwrite {
    snowflake id; /* the role's or the user's */
    enum overwrite_kind kind;
    uint64_t allow;
    uint64_t deny;
};

/* One member of one server. everyone_id is the server's own id; the roles are those the member
 * holds, the everyone role among them, in any order. */
struct member_rights {
    snowflake user_id;
    snowflake everyone_id;
    bool is_owner;
    bool is_timed_out;
    const struct role_grant *roles;
    size_t role_count;
};

uint64_t permission_in_server(const struct member_rights *member);

/* The channel's overwrites laid over the server's permissions: everyone, then the member's roles
 * together (what one allows beats what another denies), then the member. Without VIEW_CHANNEL
 * nothing is left. A channel without overwrites of its own in a category is passed those that
 * apply: inheritance is the caller's. */
uint64_t permission_in_channel(const struct member_rights *member,
                               const struct overwrite *overwrites, size_t count);

/* All the bits of wanted are in held. */
bool permission_has(uint64_t held, uint64_t wanted);

/* "manage_messages" for one bit and what it means; NULL for a bit without a row. */
const char *permission_name(uint64_t one);
const char *permission_text(uint64_t one);

#endif
