/* SPDX-License-Identifier: MIT */
/* The dispatch table, grown from api.def. */

#include "services/auth/auth.h"

#define API_DEF   "services/auth/api.def"
#define API_TABLE auth_api
#include "shared/service/api_table.h"
