/* SPDX-License-Identifier: MIT */
/* The dispatch table, grown from api.def. */

#include "services/media/media.h"

#define API_DEF   "services/media/api.def"
#define API_TABLE media_api
#include "shared/service/api_table.h"
