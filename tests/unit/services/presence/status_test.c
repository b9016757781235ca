/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "tests/unit/services/presence/scene.h"

static enum err page_after(const struct scene *s, int user)
{
    return kit_call(
        s->user, "presence.status.list",
        kit_f("{\"server_id\":\"%" PRIu64 "\",\"after\":\"%d\",\"limit\":\"2\"}", s->server, user),
        NULL);
}

TEST(members_are_paged_by_user_id)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    static const snowflake users[] = {900, 70, 123456789012345678};
    for (size_t i = 0; i < 3; i++) {
        s.user = users[i];
        CHECK_INT(session_opens(&s, kit_f("page%" PRIu64 "-%" PRIu64, s.server, users[i])), OK);
    }
    CHECK_INT(page_after(&s, 1), OK);
    CHECK_STR(kit_get("0.user_id"), "70");
    CHECK_STR(kit_get("1.user_id"), "900");
    CHECK_STR(kit_get("2.user_id"), "");
    CHECK_STR(kit_get("0.last_seen"), "null");
    CHECK_INT(page_after(&s, 900), OK);
    CHECK_STR(kit_get("0.user_id"), "123456789012345678");
    CHECK_STR(kit_get("1.user_id"), "");
}

TEST(other_services_learn_who_is_online)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    const char *body = kit_f("{\"user_ids\":[\"%" PRIu64 "\",\"5\"]}", s.user);
    CHECK_INT(kit_call(0, "presence.status.get", NULL, body), OK);
    CHECK_STR(kit_get("0.status"), "online");
    CHECK_STR(kit_get("1.user_id"), "5");
    CHECK_STR(kit_get("1.status"), "offline");
    CHECK_INT(kit_call(0, "presence.status.get", NULL, "{\"user_ids\":[]}"), OK);
    CHECK_STR(kit_body(), "[]");
}

TEST(who_may_only_not_have_been_told_of_yet_is_not_called_absent)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(session_opens(&s, s.laptop), OK);
    const char *both = kit_f("{\"user_ids\":[\"%" PRIu64 "\",\"5\"]}", s.user);
    const char *one = kit_f("{\"user_ids\":[\"%" PRIu64 "\"]}", s.user);
    (void)redis("DEL presence:known");
    CHECK_INT(kit_call(0, "presence.status.get", NULL, both), ERR_UNAVAILABLE);
    CHECK_INT(kit_call(0, "presence.status.get", NULL, one), OK);
    CHECK_STR(kit_get("0.status"), "online");
    (void)redis("SET presence:known 9999999999999");
    CHECK_INT(kit_call(0, "presence.status.get", NULL, both), ERR_UNAVAILABLE);
    (void)redis("SET presence:known 1");
    CHECK_INT(kit_call(0, "presence.status.get", NULL, both), OK);
}

TEST(a_page_has_a_limit_and_a_status_is_a_word)
{
    struct scene s;
    if (!scene_open(&s))
        return;
    CHECK_INT(
        kit_call(s.user, "presence.status.list", "{\"server_id\":\"1\",\"limit\":\"1001\"}", NULL),
        ERR_INVALID_FORM);
    CHECK(strstr(kit_field(), "limit") != NULL);
    CHECK_INT(kit_call(s.user, "presence.status.list",
                       "{\"server_id\":\"1\",\"status\":\"asleep\"}", NULL),
              ERR_INVALID_FORM);
}

TEST(ids_keep_their_order_as_text)
{
    char small[PADDED_ID_SIZE];
    char large[PADDED_ID_SIZE];
    id_pad(9, small);
    id_pad(INT64_MAX, large);
    CHECK_STR(small, "0000000000000000009");
    CHECK_STR(large, "9223372036854775807");
    CHECK(id_unpad(small) == 9);
    CHECK(id_unpad(large) == INT64_MAX);
    CHECK(id_unpad("") == 0);
    CHECK(id_unpad("0") == 0);
}
