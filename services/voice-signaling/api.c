/* SPDX-License-Identifier: MIT */
/* The dispatch table, grown from api.def. */

#include "services/voice-signaling/voice.h"

#define API_DEF   "services/voice-signaling/api.def"
#define API_TABLE voice_api
#include "shared/service/api_table.h"
