/* SPDX-License-Identifier: MIT */
#include "tests/stand_in.h"
#include "tests/unit/services/media/depot.h"

#include "shared/base/clock.h"

#include <inttypes.h>
#include <string.h>

/* Asks to open a file the way a link would. */
static enum err open_link(snowflake id, const char *name, const char *query)
{
    char params[400];
    const char *sig = strstr(query, "&sig=");
    snprintf(params, sizeof(params),
             "{\"attachment_id\":\"%" PRIu64
             "\",\"filename\":\"%s\",\"exp\":\"%.*s\",\"sig\":\"%s\"}",
             id, name, (int)(sig - query), query, sig + 5);
    return kit_call(0, "media.file.open", params, NULL);
}

static const char *query_of(const char *url)
{
    return strstr(url, "?exp=") + 5;
}

TEST(a_link_opens_its_own_file_and_no_other)
{
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    snowflake other = depot_file(ann);
    snowflake id = depot_file(ann);
    const char *query = query_of(depot_get("url"));
    CHECK_INT(open_link(id, "words.txt", query), OK);
    CHECK_STR(kit_get("content_type"), "text/plain");
    CHECK_STR(kit_get("is_inline"), "false");
    CHECK_INT((long long)strlen(kit_get("etag")), 66);
    CHECK_INT(open_link(other, "words.txt", query), ERR_LINK_EXPIRED);
    CHECK_INT(open_link(id, "words.html", query), ERR_LINK_EXPIRED);
}

TEST(a_link_that_is_forged_or_past_its_time_opens_nothing)
{
    if (!depot_open())
        return;
    snowflake id = depot_file(snowflake_next());
    char *query = strdup(query_of(depot_get("url")));
    query[strlen(query) - 2] ^= 1;
    CHECK_INT(open_link(id, "words.txt", query), ERR_LINK_EXPIRED);
    free(query);
    CHECK_INT(open_link(id, "words.txt", "99999999999&sig=x"), ERR_LINK_EXPIRED);
    CHECK_INT(kit_call(0, "media.file.open",
                       kit_f("{\"attachment_id\":\"%" PRIu64 "\",\"filename\":\"words.txt\"}", id),
                       NULL),
              ERR_LINK_EXPIRED);

    auto_arena struct arena arena = {0};
    const struct attachment file = {.id = id, .filename = "words.txt"};
    const char *secret = depot_media()->settings->secret;
    int64_t before_us = clock_us() - INT64_C(3) * 86400 * 1000000;
    const char *old = attachment_url(&arena, secret, &file, before_us);
    CHECK_INT(open_link(id, "words.txt", query_of(old)), ERR_LINK_EXPIRED);
}

TEST(only_what_cannot_run_is_shown_in_place)
{
    static const char *const saved[] = {"text/html",
                                        "image/svg+xml",
                                        "text/xml",
                                        "application/pdf",
                                        "application/javascript",
                                        "text/plain",
                                        ""};
    CHECK(sniff_is_inline("image/png"));
    CHECK(sniff_is_inline("video/mp4"));
    for (size_t i = 0; i < ARRAY_LEN(saved); i++)
        CHECK(!sniff_is_inline(saved[i]));
}

TEST(who_uploaded_a_file_sees_what_it_is)
{
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    snowflake id = depot_file(ann);
    CHECK_INT(kit_call(ann, "media.file.get", depot_of(id), NULL), OK);
    CHECK_STR(kit_get("filename"), "words.txt");
    CHECK_STR(kit_get("token"), "");
    CHECK_INT(open_link(id, "words.txt", query_of(kit_get("url"))), OK);
    CHECK_INT(kit_call(snowflake_next(), "media.file.get", depot_of(id), NULL),
              ERR_UNKNOWN_ATTACHMENT);
}

static void use(snowflake id, snowflake message, snowflake channel)
{
    const char *payload = kit_f("{\"message_id\":\"%" PRIu64 "\",\"channel_id\":\"%" PRIu64
                                "\",\"server_id\":\"1\",\"attachment_ids\":[\"%" PRIu64 "\"]}",
                                message, channel, id);
    CHECK_INT(kit_hear(depot_hears(EV_ATTACHMENT_USE), payload, NULL), OK);
}

TEST(who_reads_a_message_sees_what_its_files_are)
{
    if (!depot_open() || !stand_in_open())
        return;
    snowflake id = depot_file(snowflake_next());
    snowflake bob = snowflake_next();
    use(id, snowflake_next(), snowflake_next());
    stand_in_answers("messaging.permission.get",
                     kit_f("{\"permissions\":\"%llu\",\"is_member\":true}",
                           (unsigned long long)(PERM_VIEW_CHANNEL | PERM_READ_HISTORY)));
    CHECK_INT(kit_call(bob, "media.file.get", depot_of(id), NULL), OK);
    stand_in_answers("messaging.permission.get", "{\"permissions\":\"0\",\"is_member\":true}");
    CHECK_INT(kit_call(bob, "media.file.get", depot_of(id), NULL), ERR_UNKNOWN_ATTACHMENT);
    stand_in_refuses("messaging.permission.get", ERR_UNAVAILABLE);
    CHECK_INT(kit_call(bob, "media.file.get", depot_of(id), NULL), ERR_UNAVAILABLE);
}

TEST(a_file_is_taken_back_by_its_owner_while_no_message_has_it)
{
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    snowflake id = depot_file(ann);
    const char *query = query_of(depot_get("url"));
    CHECK_INT(kit_call(snowflake_next(), "media.file.delete", depot_of(id), NULL),
              ERR_UNKNOWN_ATTACHMENT);
    CHECK_INT(kit_call(ann, "media.file.delete", depot_of(id), NULL), OK);
    CHECK_INT(kit_call(ann, "media.file.delete", depot_of(id), NULL), ERR_UNKNOWN_ATTACHMENT);
    CHECK_INT(open_link(id, "words.txt", query), ERR_UNKNOWN_ATTACHMENT);

    id = depot_file(ann);
    use(id, snowflake_next(), snowflake_next());
    CHECK_INT(kit_call(ann, "media.file.delete", depot_of(id), NULL), ERR_CONFLICT);
}

TEST(a_file_of_another_application_is_unknown)
{
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    snowflake id = depot_file(ann);
    kit_caller()->app = 2;
    CHECK_INT(kit_call(ann, "media.file.get", depot_of(id), NULL), ERR_UNKNOWN_ATTACHMENT);
    CHECK_INT(kit_call(ann, "media.file.delete", depot_of(id), NULL), ERR_UNKNOWN_ATTACHMENT);
}
