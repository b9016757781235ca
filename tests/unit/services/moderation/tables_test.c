/* SPDX-License-Identifier: MIT */
/* The walk over moderation's tables. */

#include "tests/unit/services/moderation/scene.h"
#include "tests/walk.h"

TEST(moderation_has_a_sound_contract)
{
    walk_contract(&moderation_service, "");
}

TEST(moderation_has_statements_that_prepare)
{
    walk_statements(&moderation_service, "");
}

TEST(moderation_refuses_strangers_on_every_row)
{
    if (!scene_open())
        return;
    scene_permits(PERM_NONE, false);
    walk_strangers(&moderation_service, NULL);
}
