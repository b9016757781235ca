/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/moderation/scene.h"

static const char MESSAGE[] = "{\"channel_id\":\"9\",\"message_id\":\"10\"}";
static const char REDACT[] = "messaging.message.redact";

TEST(a_redaction_is_asked_of_messaging)
{
    if (!scene_open())
        return;
    stand_in_answers(REDACT, "{\"id\":\"10\",\"channel_id\":\"9\"}");
    CHECK_INT(kit_call(5, "moderation.message.redact", MESSAGE, "{\"reason\":\"rude\"}"), OK);
    CHECK_INT(kit_status(), 204);
    CHECK_STR(stand_in_body(REDACT),
              "{\"channel_id\":\"9\",\"message_id\":\"10\",\"reason\":\"rude\"}");
}

TEST(a_message_that_is_gone_is_unknown)
{
    if (!scene_open())
        return;
    stand_in_refuses(REDACT, ERR_UNKNOWN_MESSAGE);
    CHECK_INT(kit_call(5, "moderation.message.redact", MESSAGE, NULL), ERR_UNKNOWN_MESSAGE);
}
