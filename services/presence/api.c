/* SPDX-License-Identifier: MIT */
/* The dispatch table, grown from api.def. */

#include "services/presence/presence.h"

#define API_DEF   "services/presence/api.def"
#define API_TABLE presence_api
#include "shared/service/api_table.h"
