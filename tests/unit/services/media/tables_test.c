/* SPDX-License-Identifier: MIT */
/* The walk over media's tables. */

#include "tests/unit/services/media/depot.h"
#include "tests/walk.h"

TEST(media_has_a_sound_contract)
{
    walk_contract(&media_service, "media.file.open media.file.open");
}

TEST(media_has_statements_that_prepare)
{
    walk_statements(&media_service, "");
}

TEST(media_refuses_strangers_on_every_row)
{
    if (depot_open())
        walk_strangers(&media_service, depot_media());
}
