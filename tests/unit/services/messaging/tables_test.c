/* SPDX-License-Identifier: MIT */
/* The walk over messaging's tables. */

#include "tests/unit/services/messaging/world.h"
#include "tests/walk.h"

TEST(messaging_has_a_sound_contract)
{
    walk_contract(&messaging_service, "messaging.invite.get");
}

TEST(messaging_has_statements_that_prepare)
{
    walk_statements(&messaging_service,
                    "purge_invites purge_channel_end purge_channel_messages purge_channel_reads"
                    " purge_channel_reactions");
}

TEST(messaging_refuses_strangers_on_every_row)
{
    if (world_open())
        walk_strangers(&messaging_service, world_state());
}
