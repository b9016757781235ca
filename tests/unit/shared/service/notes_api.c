/* SPDX-License-Identifier: MIT */
/* The dispatch table of the test service, grown as every service grows its own. */

#include "tests/unit/shared/service/notes.h"

#define API_DEF "tests/unit/shared/service/notes.def"
#include "shared/service/api_prototypes.h"
extern const struct rpc_table notes_api;
#define API_TABLE notes_api
#include "shared/service/api_table.h"
