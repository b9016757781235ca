/* SPDX-License-Identifier: MIT
 *
 * The order of the steps is the rule, and it is Discord's: whoever administers is above overwrites;
 * a narrower overwrite is laid over a wider one; among a member's roles allowing beats denying. */

#include "shared/domain/permission.h"

#include "shared/base/macros.h"
#include "shared/base/str.h"

#include <pthread.h>

bool permission_has(uint64_t held, uint64_t wanted)
{
    return (held & wanted) == wanted;
}

/* What roles give, before anything takes away. */
static uint64_t granted(const struct member_rights *member)
{
    uint64_t held = member->is_owner ? PERM_ALL : PERM_NONE;
    for (size_t i = 0; i < member->role_count; i++)
        held |= member->roles[i].permissions;
    return permission_has(held, PERM_ADMINISTRATOR) ? PERM_ALL : held;
}

uint64_t permission_in_server(const struct member_rights *member)
{
    uint64_t held = granted(member);
    bool is_bound = member->is_timed_out && !permission_has(held, PERM_ADMINISTRATOR);
    return is_bound ? held & PERM_TIMED_OUT : held;
}

static bool holds_role(const struct member_rights *member, snowflake id)
{
    for (size_t i = 0; i < member->role_count; i++)
        if (member->roles[i].id == id)
            return true;
    return false;
}

/* Which of the three layers an overwrite belongs to, for this member. */
enum layer { LAYER_EVERYONE, LAYER_ROLES, LAYER_MEMBER, LAYER_COUNT, LAYER_NONE = LAYER_COUNT };

static enum layer layer_of(const struct member_rights *member, const struct overwrite *overwrite)
{
    if (overwrite->kind == OVERWRITE_MEMBER)
        return overwrite->id == member->user_id ? LAYER_MEMBER : LAYER_NONE;
    if (overwrite->id == member->everyone_id)
        return LAYER_EVERYONE;
    return holds_role(member, overwrite->id) ? LAYER_ROLES : LAYER_NONE;
}

uint64_t permission_in_channel(const struct member_rights *member,
                               const struct overwrite *overwrites, size_t count)
{
    uint64_t held = granted(member);
    if (permission_has(held, PERM_ADMINISTRATOR))
        return held;

    uint64_t allow[LAYER_COUNT] = {0};
    uint64_t deny[LAYER_COUNT] = {0};
    for (size_t i = 0; i < count; i++) {
        enum layer layer = layer_of(member, &overwrites[i]);
        if (layer == LAYER_NONE)
            continue;
        allow[layer] |= overwrites[i].allow;
        deny[layer] |= overwrites[i].deny;
    }
    for (int layer = 0; layer < LAYER_COUNT; layer++)
        held = (held & ~deny[layer]) | allow[layer];

    /* Nobody becomes administrator by way of one channel. */
    held &= ~(uint64_t)PERM_ADMINISTRATOR;
    if (!permission_has(held, PERM_VIEW_CHANNEL))
        return PERM_NONE;
    return member->is_timed_out ? held & PERM_TIMED_OUT : held;
}

struct permission_row {
    uint64_t bit;
    const char *text;
    char name[32];
};

static struct permission_row rows[] = {
#define PERM(name, bit, text) {PERM_##name, text, #name},
#include "shared/domain/permission.def"
#undef PERM
};

static pthread_once_t lowered = PTHREAD_ONCE_INIT;

static void lower_names(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        str_ascii_lower(rows[i].name);
}

static const struct permission_row *row(uint64_t one)
{
    pthread_once(&lowered, lower_names);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].bit == one)
            return &rows[i];
    return NULL;
}

const char *permission_name(uint64_t one)
{
    const struct permission_row *found = row(one);
    return found != NULL ? found->name : NULL;
}

const char *permission_text(uint64_t one)
{
    const struct permission_row *found = row(one);
    return found != NULL ? found->text : NULL;
}
