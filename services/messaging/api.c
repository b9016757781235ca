/* SPDX-License-Identifier: MIT */
/* The dispatch table, grown from api.def. */

#include "services/messaging/messaging.h"

#define API_DEF   "services/messaging/api.def"
#define API_TABLE messaging_api
#include "shared/service/api_table.h"
