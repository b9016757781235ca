/* SPDX-License-Identifier: MIT */
/* The dispatch table, grown from api.def. */

#include "services/moderation/moderation.h"

#define API_DEF   "services/moderation/api.def"
#define API_TABLE moderation_api
#include "shared/service/api_table.h"
