/* SPDX-License-Identifier: MIT */
#ifndef SHARED_DOMAIN_ROLE_H
#define SHARED_DOMAIN_ROLE_H

/* Who stands above whom. A member acts only on members and roles strictly below their own highest
 * role; the owner stands above all; nobody gives away a permission they lack. */

#include "shared/domain/permission.h"

struct role_rank {
    bool is_owner;
    int highest; /* position of the highest role; 0 is the everyone role */
};

struct role_rank role_rank(const struct member_rights *member);

bool role_may_act_on(struct role_rank actor, struct role_rank target);
bool role_may_manage(struct role_rank actor, int position);

/* May somebody holding `held` in the server put `wanted` into a role or overwrite that had
 * `before`? Only bits they hold themselves may change; an administrator holds all. */
bool role_may_grant(uint64_t held, uint64_t before, uint64_t wanted);

enum role_preset { PRESET_MEMBER, PRESET_MODERATOR, PRESET_ADMIN, PRESET_OWNER };

/* The permissions a new server's roles begin with. */
uint64_t role_preset_permissions(enum role_preset preset);

#endif
