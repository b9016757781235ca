/* SPDX-License-Identifier: MIT
 *
 * Hierarchy. Every comparison is strict: of two members with the same highest role neither may act
 * on the other, which is what keeps moderators from removing each other. */

#include "shared/domain/role.h"

struct role_rank role_rank(const struct member_rights *member)
{
    struct role_rank rank = {.is_owner = member->is_owner};
    for (size_t i = 0; i < member->role_count; i++)
        if (member->roles[i].position > rank.highest)
            rank.highest = member->roles[i].position;
    return rank;
}

bool role_may_act_on(struct role_rank actor, struct role_rank target)
{
    if (target.is_owner)
        return false;
    return actor.is_owner || actor.highest > target.highest;
}

bool role_may_manage(struct role_rank actor, int position)
{
    return actor.is_owner || actor.highest > position;
}

bool role_may_grant(uint64_t held, uint64_t before, uint64_t wanted)
{
    uint64_t changed = before ^ wanted;
    return permission_has(held, PERM_ADMINISTRATOR) || permission_has(held, changed);
}

enum preset_sets {
    MEMBER = PERM_VIEW_CHANNEL | PERM_SEND_MESSAGES | PERM_READ_HISTORY | PERM_ADD_REACTIONS |
             PERM_EMBED_LINKS | PERM_ATTACH_FILES | PERM_USE_EXTERNAL_EMOJIS |
             PERM_USE_EXTERNAL_STICKERS | PERM_CREATE_INVITE | PERM_CHANGE_NICKNAME | PERM_CONNECT |
             PERM_SPEAK | PERM_STREAM | PERM_USE_VOICE_ACTIVITY | PERM_REQUEST_TO_SPEAK |
             PERM_USE_SOUNDBOARD | PERM_CREATE_PUBLIC_THREADS | PERM_CREATE_PRIVATE_THREADS |
             PERM_SEND_IN_THREADS | PERM_SEND_VOICE_MESSAGES | PERM_SEND_POLLS |
             PERM_USE_APPLICATION_COMMANDS,
    MODERATOR = MEMBER | PERM_KICK_MEMBERS | PERM_BAN_MEMBERS | PERM_MODERATE_MEMBERS |
                PERM_MANAGE_MESSAGES | PERM_PIN_MESSAGES | PERM_MANAGE_NICKNAMES |
                PERM_MANAGE_THREADS | PERM_VIEW_AUDIT_LOG | PERM_MENTION_EVERYONE |
                PERM_BYPASS_SLOW_MODE | PERM_PRIORITY_SPEAKER | PERM_MUTE_MEMBERS |
                PERM_DEAFEN_MEMBERS | PERM_MOVE_MEMBERS,
    ADMIN = MODERATOR | PERM_ADMINISTRATOR,
};

uint64_t role_preset_permissions(enum role_preset preset)
{
    static const uint64_t presets[] = {
        [PRESET_MEMBER] = MEMBER,
        [PRESET_MODERATOR] = MODERATOR,
        [PRESET_ADMIN] = ADMIN,
        [PRESET_OWNER] = PERM_ALL,
    };
    return presets[preset];
}
