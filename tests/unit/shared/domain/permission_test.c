/* SPDX-License-Identifier: MIT
 *
 * Permissions against the same rules told twice: once by bits, once bit by bit in words. */

#include "shared/domain/permission.h"
#include "tests/test.h"

#include <stdio.h>

enum { EVERYONE = 1, USER = 50, ROLES = 6, OVERWRITES = 8, CASES = 150000 };

static uint64_t in_server(uint64_t everyone, struct member_rights m)
{
    struct role_grant role = {.id = EVERYONE, .permissions = everyone};
    m.user_id = USER;
    m.everyone_id = EVERYONE;
    m.roles = &role;
    m.role_count = 1;
    return permission_in_server(&m);
}

TEST(no_two_permissions_share_a_bit_and_all_have_a_name)
{
    uint64_t seen = 0;
#define PERM(name, bit, text)                                                            \
    CHECK((seen & PERM_##name) == 0);                                                    \
    CHECK(permission_name(PERM_##name) != NULL && permission_text(PERM_##name) != NULL); \
    seen |= PERM_##name;
#include "shared/domain/permission.def"
#undef PERM
    CHECK(seen == PERM_ALL);
    CHECK_STR(permission_name(PERM_MANAGE_MESSAGES), "manage_messages");
    CHECK(permission_name(UINT64_C(1) << 63) == NULL);
}

TEST(permissions_have_the_bits_discord_clients_know)
{
    CHECK(PERM_ADMINISTRATOR == 0x8);
    CHECK(PERM_VIEW_CHANNEL == 0x400);
    CHECK(PERM_MANAGE_MESSAGES == 0x2000);
    CHECK(PERM_MODERATE_MEMBERS == UINT64_C(0x10000000000));
}

TEST(the_owner_and_administrators_may_everything_even_timed_out)
{
    CHECK(in_server(0, (struct member_rights){.is_owner = true}) == PERM_ALL);
    CHECK(in_server(PERM_ADMINISTRATOR, (struct member_rights){0}) == PERM_ALL);
    CHECK(in_server(PERM_ADMINISTRATOR, (struct member_rights){.is_timed_out = true}) == PERM_ALL);
}

TEST(who_is_timed_out_may_only_look)
{
    uint64_t held = PERM_VIEW_CHANNEL | PERM_READ_HISTORY | PERM_SEND_MESSAGES | PERM_KICK_MEMBERS;
    uint64_t left = in_server(held, (struct member_rights){.is_timed_out = true});
    CHECK(left == (PERM_VIEW_CHANNEL | PERM_READ_HISTORY));
}

static uint64_t in_channel(uint64_t everyone, const struct overwrite *overwrites, size_t count)
{
    struct role_grant roles[] = {
        {.id = EVERYONE, .permissions = everyone},
        {.id = 2             },
        {.id = 3}
    };
    struct member_rights m = {
        .user_id = USER, .everyone_id = EVERYONE, .roles = roles, .role_count = 3};
    return permission_in_channel(&m, overwrites, count);
}

TEST(among_roles_allowing_beats_denying)
{
    struct overwrite overwrites[] = {
        {.id = 2, .kind = OVERWRITE_ROLE, .allow = PERM_SEND_MESSAGES},
        {.id = 3, .kind = OVERWRITE_ROLE, .deny = PERM_SEND_MESSAGES },
    };
    uint64_t held = PERM_VIEW_CHANNEL;
    CHECK(permission_has(in_channel(held, overwrites, 2), PERM_SEND_MESSAGES));
}

TEST(the_members_own_overwrite_has_the_last_word)
{
    struct overwrite overwrites[] = {
        {.id = USER,     .kind = OVERWRITE_MEMBER, .deny = PERM_SEND_MESSAGES },
        {.id = 2,        .kind = OVERWRITE_ROLE,   .allow = PERM_SEND_MESSAGES},
        {.id = USER + 1, .kind = OVERWRITE_MEMBER, .allow = PERM_SEND_MESSAGES},
    };
    uint64_t held = PERM_VIEW_CHANNEL | PERM_SEND_MESSAGES;
    CHECK(!permission_has(in_channel(held, overwrites, 3), PERM_SEND_MESSAGES));
}

TEST(a_private_channel_opens_only_to_whom_it_names)
{
    struct overwrite overwrites[] = {
        {.id = EVERYONE, .kind = OVERWRITE_ROLE,   .deny = PERM_VIEW_CHANNEL },
        {.id = USER,     .kind = OVERWRITE_MEMBER, .allow = PERM_VIEW_CHANNEL},
    };
    uint64_t held = PERM_VIEW_CHANNEL | PERM_SEND_MESSAGES;
    CHECK(in_channel(held, overwrites, 1) == 0);
    CHECK(in_channel(held, overwrites, 2) == held);
}

TEST(a_member_whose_id_is_a_roles_id_is_not_that_role)
{
    struct overwrite overwrites[] = {
        {.id = USER,     .kind = OVERWRITE_ROLE,   .allow = PERM_SEND_MESSAGES},
        {.id = 2,        .kind = OVERWRITE_MEMBER, .allow = PERM_SEND_MESSAGES},
        {.id = EVERYONE, .kind = OVERWRITE_MEMBER, .allow = PERM_SEND_MESSAGES},
    };
    CHECK(in_channel(PERM_VIEW_CHANNEL, overwrites, 3) == PERM_VIEW_CHANNEL);
}

TEST(a_channel_makes_nobody_administrator)
{
    struct overwrite overwrite = {.id = 2, .kind = OVERWRITE_ROLE, .allow = PERM_ADMINISTRATOR};
    CHECK(in_channel(PERM_VIEW_CHANNEL, &overwrite, 1) == PERM_VIEW_CHANNEL);
}

/* --- the reference: one permission at a time, and the answer sought from the narrow end --- */

struct world {
    struct role_grant roles[ROLES];
    struct overwrite overwrites[OVERWRITES];
    size_t overwrite_count;
    struct member_rights member;
};

static bool any_role_gives(const struct world *w, uint64_t one)
{
    for (size_t i = 0; i < w->member.role_count; i++)
        if ((w->roles[i].permissions & one) != 0)
            return true;
    return false;
}

static bool has_role(const struct world *w, snowflake id)
{
    bool has = false;
    for (size_t i = 0; i < w->member.role_count; i++)
        has = has || w->roles[i].id == id;
    return has;
}

enum who { THE_MEMBER, A_ROLE, EVERYBODY };

static bool concerns(const struct world *w, const struct overwrite *o, enum who who)
{
    bool is_role = o->kind == OVERWRITE_ROLE;
    switch (who) {
    case THE_MEMBER:
        return !is_role && o->id == USER;
    case A_ROLE:
        return is_role && o->id != EVERYONE && has_role(w, o->id);
    case EVERYBODY:
        return is_role && o->id == EVERYONE;
    }
    return false;
}

/* 1: allowed, -1: denied, 0: nothing said. */
static int verdict(const struct world *w, enum who who, uint64_t one)
{
    bool is_denied = false;
    for (size_t i = 0; i < w->overwrite_count; i++) {
        if (!concerns(w, &w->overwrites[i], who))
            continue;
        if ((w->overwrites[i].allow & one) != 0)
            return 1;
        is_denied = is_denied || (w->overwrites[i].deny & one) != 0;
    }
    return is_denied ? -1 : 0;
}

static bool said_in_channel(const struct world *w, uint64_t one)
{
    static const enum who narrow_first[] = {THE_MEMBER, A_ROLE, EVERYBODY};
    for (int i = 0; i < 3; i++) {
        int said = verdict(w, narrow_first[i], one);
        if (said != 0)
            return said > 0;
    }
    return any_role_gives(w, one);
}

static bool expected_in_channel(const struct world *w, uint64_t one)
{
    if (w->member.is_owner || any_role_gives(w, PERM_ADMINISTRATOR))
        return true;
    if (one == PERM_ADMINISTRATOR || !said_in_channel(w, PERM_VIEW_CHANNEL))
        return false;
    if (w->member.is_timed_out && one != PERM_VIEW_CHANNEL && one != PERM_READ_HISTORY)
        return false;
    return said_in_channel(w, one);
}

static uint64_t random_set(unsigned thinness)
{
    uint64_t set = test_random();
    for (unsigned i = 0; i < thinness; i++)
        set &= test_random();
    /* Administrators would hide everything else: make them rare. */
    return test_random() % 32 == 0 ? set & PERM_ALL
                                   : set & PERM_ALL & ~(uint64_t)PERM_ADMINISTRATOR;
}

static void make_world(struct world *w)
{
    *w = (struct world){.overwrite_count = test_random() % (OVERWRITES + 1)};
    w->member = (struct member_rights){
        .user_id = USER,
        .everyone_id = EVERYONE,
        .is_owner = test_random() % 64 == 0,
        .is_timed_out = test_random() % 8 == 0,
        .roles = w->roles,
        .role_count = 1 + test_random() % ROLES,
    };
    for (size_t i = 0; i < ROLES; i++)
        w->roles[i] = (struct role_grant){.id = EVERYONE + i, .permissions = random_set(1)};
    for (size_t i = 0; i < OVERWRITES; i++) {
        bool is_role = test_random() % 4 != 0;
        w->overwrites[i] = (struct overwrite){
            .id = is_role ? EVERYONE + test_random() % (ROLES + 2) : USER + test_random() % 2,
            .kind = is_role ? OVERWRITE_ROLE : OVERWRITE_MEMBER,
            .allow = random_set(2),
            .deny = random_set(1),
        };
    }
}

static bool agrees(const struct world *w)
{
    uint64_t held = permission_in_channel(&w->member, w->overwrites, w->overwrite_count);
    for (int bit = 0; bit < 64; bit++) {
        uint64_t one = UINT64_C(1) << bit;
        if ((PERM_ALL & one) == 0)
            continue;
        if (((held & one) != 0) != expected_in_channel(w, one))
            return false;
    }
    return (held & ~(uint64_t)PERM_ALL) == 0;
}

TEST(a_hundred_thousand_random_channels_agree_with_the_reference)
{
    struct world w;
    for (int i = 0; i < CASES; i++) {
        make_world(&w);
        if (!CHECK(agrees(&w))) {
            printf("  case %d\n", i);
            return;
        }
    }
}
