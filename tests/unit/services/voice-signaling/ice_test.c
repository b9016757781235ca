/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/crypto/hmac.h"
#include "tests/unit/services/voice-signaling/scene.h"

TEST(a_relay_password_names_its_end_and_its_user)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(kit_call(s.people[0], "voice.ice.get", NULL, NULL), OK);
    CHECK_STR(kit_get("ice_servers.0.urls.0"), "stun:127.0.0.1:3478");
    CHECK_STR(kit_get("ice_servers.0.username"), "");
    CHECK_STR(kit_get("ice_servers.1.urls.1"), "turn:127.0.0.1:3478?transport=tcp");
    const char *username = kit_get("ice_servers.1.username");
    CHECK_STR(strchr(username, ':'), kit_f(":%" PRIu64, s.people[0]));
    long long left = strtoll(username, NULL, 10) - clock_us() / 1000000;
    CHECK(left >= 598 && left <= 600);

    char password[TURN_PASSWORD_SIZE];
    turn_password("secret of the tests", username, password);
    CHECK_STR(kit_get("ice_servers.1.credential"), password);
}

TEST(without_servers_there_is_nothing_to_hand_out)
{
    static struct voice_settings none = {.turn_urls = "", .stun_urls = "", .turn_secret = ""};
    if (!kit_use(&voice_service, &none))
        return;
    CHECK_INT(kit_call(5, "voice.ice.get", NULL, NULL), OK);
    CHECK_STR(kit_body(), "{\"ice_servers\":[],\"expires_at\":null}");
}
