/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/moderation/scene.h"

#include <inttypes.h>

bool scene_open(void)
{
    if (!kit_use(&moderation_service, NULL) || !stand_in_open())
        return false;
    scene_permits(UINT64_MAX >> 1, true);
    return true;
}

void scene_permits(uint64_t permissions, bool is_member)
{
    stand_in_answers("messaging.permission.get",
                     kit_f("{\"permissions\":\"%" PRIu64 "\",\"is_member\":%s}", permissions,
                           is_member ? "true" : "false"));
}
