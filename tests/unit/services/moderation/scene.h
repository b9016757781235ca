/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SERVICES_MODERATION_SCENE_H
#define TESTS_UNIT_SERVICES_MODERATION_SCENE_H

/* moderation alone, with messaging played by the test. */

#include "services/moderation/moderation.h"
#include "tests/kit.h"
#include "tests/stand_in.h"
#include "tests/test.h"

/* First in each test: false when there is no database or bus here (the test is skipped). Everything
 * is permitted to everybody, everywhere. */
bool scene_open(void);

/* What the guards are told from now on; is_member false is a stranger. */
void scene_permits(uint64_t permissions, bool is_member);

#endif
