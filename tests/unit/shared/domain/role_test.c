/* SPDX-License-Identifier: MIT
 *
 * Hierarchy and presets. */

#include "shared/domain/role.h"
#include "tests/test.h"

static const struct role_rank owner = {.is_owner = true};
static const struct role_rank high = {.highest = 5};
static const struct role_rank low = {.highest = 2};

TEST(a_members_rank_is_their_highest_role)
{
    struct role_grant roles[] = {
        {.id = 1       },
        { .id = 2, .position = 7},
        { .id = 3, .position = 4}
    };
    struct member_rights m = {.roles = roles, .role_count = 3};
    CHECK_INT(role_rank(&m).highest, 7);
    CHECK(!role_rank(&m).is_owner);
    m.role_count = 0;
    CHECK_INT(role_rank(&m).highest, 0);
}

TEST(one_acts_only_on_those_strictly_below)
{
    CHECK(role_may_act_on(high, low));
    CHECK(!role_may_act_on(low, high));
    CHECK(!role_may_act_on(high, high));
    CHECK(role_may_act_on(owner, high));
    CHECK(!role_may_act_on(high, owner));
    CHECK(!role_may_act_on(owner, owner));
}

TEST(one_manages_only_roles_strictly_below)
{
    CHECK(role_may_manage(high, 4));
    CHECK(!role_may_manage(high, 5));
    CHECK(role_may_manage(owner, 250));
}

TEST(nobody_gives_or_takes_what_they_lack)
{
    uint64_t held = PERM_MANAGE_ROLES | PERM_SEND_MESSAGES;
    CHECK(role_may_grant(held, 0, PERM_SEND_MESSAGES));
    CHECK(!role_may_grant(held, 0, PERM_BAN_MEMBERS));
    CHECK(!role_may_grant(held, PERM_BAN_MEMBERS, 0));
    CHECK(role_may_grant(held, PERM_BAN_MEMBERS, PERM_BAN_MEMBERS | PERM_SEND_MESSAGES));
    CHECK(role_may_grant(PERM_ADMINISTRATOR, 0, PERM_ALL));
}

TEST(each_preset_contains_the_one_below)
{
    for (int preset = PRESET_MEMBER; preset < PRESET_OWNER; preset++) {
        uint64_t lower = role_preset_permissions((enum role_preset)preset);
        uint64_t upper = role_preset_permissions((enum role_preset)(preset + 1));
        CHECK(permission_has(upper, lower) && upper != lower);
    }
    CHECK(!permission_has(role_preset_permissions(PRESET_MEMBER), PERM_MANAGE_MESSAGES));
    CHECK(permission_has(role_preset_permissions(PRESET_ADMIN), PERM_ADMINISTRATOR));
}
