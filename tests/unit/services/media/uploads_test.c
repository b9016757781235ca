/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/media/depot.h"

#include "services/media/lanes.h"
#include "shared/base/heap.h"
#include "shared/domain/limit.h"

#include <string.h>

/* Bytes that are no known kind of file, and different at every place. */
static char *noise(size_t len)
{
    char *bytes = heap_alloc(len);
    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint64_t number = test_random();
        memcpy(bytes + i, &number, sizeof(number));
    }
    memset(bytes, 0x81, len < 16 ? len : 16);
    return bytes;
}

static enum err send_text(snowflake owner, const char *type, const char *text)
{
    return depot_upload(&(struct sent){owner, "a file", type, text, strlen(text)});
}

static const char *open_upload(snowflake owner)
{
    CHECK_INT(kit_call(owner, "media.upload.open", NULL,
                       "{\"filename\":\"x\",\"content_type\":\"text/plain\"}"),
              OK);
    return kit_f("%s", kit_get("subject"));
}

TEST(a_file_comes_back_byte_for_byte)
{
    enum { LEN = 200 * 1000 };
    if (!depot_open())
        return;
    char *bytes = noise(LEN);
    const struct sent sent = {snowflake_next(), "noise.bin", "application/octet-stream", bytes,
                              LEN};
    CHECK_INT(depot_upload(&sent), OK);
    CHECK_STR(depot_get("size"), "200000");
    CHECK_STR(depot_get("filename"), "noise.bin");
    CHECK(depot_get("token")[0] != '\0');
    char subject[LANE_SUBJECT_SIZE];
    snowflake id = 0;
    CHECK(snowflake_parse(depot_get("id"), &id));
    lane_block_subject(id, subject);
    for (size_t at = 0; at < LEN; at += 100 * 1000) {
        const void *block;
        struct bytes ask = {.subject = subject, .offset = (int64_t)at, .size = 100 * 1000};
        CHECK_INT(depot_ask(&ask), OK);
        CHECK_INT((long long)depot_body(&block), 100 * 1000);
        CHECK(memcmp(block, bytes + at, 100 * 1000) == 0);
    }
    free(bytes);
}

TEST(a_file_at_the_limit_is_taken_and_one_byte_more_is_not)
{
    if (!depot_open())
        return;
    char *bytes = noise(LIMIT_FILE + 1);
    struct sent sent = {snowflake_next(), "big", "application/octet-stream", bytes, LIMIT_FILE};
    CHECK_INT(depot_upload(&sent), OK);
    sent.len++;
    CHECK_INT(depot_upload(&sent), ERR_TOO_LARGE);
    CHECK_INT(depot_temps(), 0);
    free(bytes);
}

TEST(an_empty_file_is_refused)
{
    if (!depot_open())
        return;
    CHECK_INT(send_text(snowflake_next(), "text/plain", ""), ERR_INVALID_FORM);
    CHECK_INT(depot_temps(), 0);
}

TEST(the_type_of_a_file_is_what_its_bytes_are)
{
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    CHECK_INT(send_text(ann, "application/octet-stream", "<html><script>x</script></html>"), OK);
    CHECK_STR(depot_get("content_type"), "text/html");
    CHECK_STR(depot_get("width"), "null");
}

TEST(who_declares_a_picture_must_send_one)
{
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    CHECK_INT(send_text(ann, "image/png", "<html><script>x</script></html>"),
              ERR_UNSUPPORTED_MEDIA_TYPE);
    CHECK_INT(send_text(ann, "IMAGE/JPEG", "MZ not a picture"), ERR_UNSUPPORTED_MEDIA_TYPE);
    CHECK_INT(depot_temps(), 0);
}

TEST(a_picture_is_answered_with_its_size)
{
    static const char gif[] = "GIF89a\x40\x01\xc8\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,";
    if (!depot_open())
        return;
    const struct sent sent = {snowflake_next(), "a.gif", "image/gif", gif, sizeof(gif) - 1};
    CHECK_INT(depot_upload(&sent), OK);
    CHECK_STR(depot_get("content_type"), "image/gif");
    CHECK_STR(depot_get("width"), "320");
    CHECK_STR(depot_get("height"), "200");
}

TEST(a_piece_out_of_order_ends_the_upload)
{
    if (!depot_open())
        return;
    const char *subject = open_upload(snowflake_next());
    struct bytes piece = {.subject = subject, .offset = 0, .size = -1, .data = "ab", .len = 2};
    CHECK_INT(depot_ask(&piece), OK);
    CHECK_INT(depot_ask(&piece), ERR_CONFLICT);
    piece.offset = 2;
    CHECK_INT(depot_ask(&piece), ERR_GONE);
    CHECK_INT(depot_temps(), 0);
}

TEST(an_end_that_counts_other_bytes_is_refused)
{
    if (!depot_open())
        return;
    const char *subject = open_upload(snowflake_next());
    struct bytes piece = {.subject = subject, .offset = 0, .size = -1, .data = "ab", .len = 2};
    CHECK_INT(depot_ask(&piece), OK);
    struct bytes end = {.subject = kit_f("%s.end", subject), .offset = -1, .size = 3};
    CHECK_INT(depot_ask(&end), ERR_CONFLICT);
    CHECK_INT(depot_temps(), 0);
}

TEST(nobody_has_more_than_four_uploads_open_on_one_copy)
{
    const char *subjects[UPLOADS_PER_USER];
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    for (int i = 0; i < UPLOADS_PER_USER; i++)
        subjects[i] = open_upload(ann);
    const char *body = "{\"filename\":\"x\",\"content_type\":\"text/plain\"}";
    CHECK_INT(kit_call(ann, "media.upload.open", NULL, body), ERR_RATE_LIMITED);
    CHECK_INT(kit_call(snowflake_next(), "media.upload.open", NULL, body), OK);
    (void)depot_ask(&(struct bytes){kit_f("%s.abort", kit_get("subject")), -1, -1, NULL, 0});
    for (int i = 0; i < UPLOADS_PER_USER; i++)
        CHECK_INT(depot_ask(&(struct bytes){kit_f("%s.abort", subjects[i]), -1, -1, NULL, 0}), OK);
    CHECK_INT(depot_temps(), 0);
    subjects[0] = open_upload(ann);
    CHECK_INT(depot_ask(&(struct bytes){kit_f("%s.abort", subjects[0]), -1, -1, NULL, 0}), OK);
}

TEST(an_upload_that_stands_still_is_dropped)
{
    if (!depot_open())
        return;
    struct media *copy = depot_copy();
    struct upload *up = &copy->uploads[0];
    struct req rq = {.state = copy};
    if (!kit_use(&media_service, copy))
        return;
    (void)open_upload(snowflake_next());
    CHECK_INT(depot_temps(), 1);
    CHECK(upload_expire(&rq, up, false));
    up->touched_us -= (UPLOAD_IDLE_MS + 1) * INT64_C(1000);
    CHECK(!upload_expire(&rq, up, false));
    CHECK(atomic_load(&up->owner) == 0);
    CHECK_INT(depot_temps(), 0);
}

TEST(a_full_copy_says_when_to_come_back)
{
    if (!depot_open())
        return;
    struct media *copy = depot_copy();
    struct req rq = {.state = copy};
    if (!kit_use(&media_service, copy))
        return;
    for (int i = 0; i < UPLOADS; i++)
        (void)open_upload(snowflake_next());
    CHECK_INT(kit_call(snowflake_next(), "media.upload.open", NULL,
                       "{\"filename\":\"x\",\"content_type\":\"text/plain\"}"),
              ERR_UNAVAILABLE);
    for (int i = 0; i < UPLOADS; i++)
        CHECK(!upload_expire(&rq, &copy->uploads[i], true));
    CHECK_INT(depot_temps(), 0);
}

TEST(an_upload_without_a_name_or_with_a_long_one_is_refused)
{
    if (!depot_open())
        return;
    char name[LIMIT_FILE_NAME + 2];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    snowflake ann = snowflake_next();
    CHECK_INT(kit_call(ann, "media.upload.open", NULL,
                       kit_f("{\"filename\":\"%s\",\"content_type\":\"a/b\"}", name)),
              ERR_INVALID_FORM);
    CHECK_INT(kit_call(ann, "media.upload.open", NULL, "{\"content_type\":\"a/b\"}"),
              ERR_INVALID_FORM);
}
