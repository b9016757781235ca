/* SPDX-License-Identifier: MIT */
#include "services/media/image.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static bool is_sized(const char *type, const void *data, size_t len, int64_t width, int64_t height)
{
    struct image image = {0};
    return image_read(type, data, len, &image) && image.width == width && image.height == height;
}

static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\xe0";
static const char gif[] = "GIF89a\x40\x01\xc8\x00";
static const char jpeg[] = "\xff\xd8\xff\xe0\0\x04xx\xff\xff\xc2\0\x11\x08\x01\xe0\x02\x80";
static const char lossy[] = "RIFFxxxxWEBPVP8 xxxx\x30\x01\x00\x9d\x01\x2a\x64\x40\x32\x00";
static const char lossless[] = "RIFFxxxxWEBPVP8Lxxxx\x2f\x63\x40\x0c\x00xxxxx";
static const char extended[] = "RIFFxxxxWEBPVP8Xxxxx\0\0\0\0\xff\x03\x00\xff\x02\x00";

#define SIZED(type, head, width, height) is_sized(type, head, sizeof(head) - 1, width, height)

TEST(each_kind_of_picture_tells_its_size)
{
    CHECK(SIZED("image/png", png, 640, 480));
    CHECK(SIZED("image/gif", gif, 320, 200));
    CHECK(SIZED("image/jpeg", jpeg, 640, 480));
    CHECK(SIZED("image/webp", lossy, 100, 50));
    CHECK(SIZED("image/webp", lossless, 100, 50));
    CHECK(SIZED("image/webp", extended, 1024, 768));
}

/* On the heap, exactly as long, so that a sanitizer sees one byte too many. */
static bool is_read_cut(const char *type, const char *head, size_t len)
{
    struct image image;
    char *cut = malloc(len > 0 ? len : 1);
    memcpy(cut, head, len);
    bool is_read = image_read(type, (const uint8_t *)cut, len, &image);
    free(cut);
    return is_read;
}

TEST(a_head_that_is_cut_off_tells_nothing)
{
    for (size_t len = 0; len < sizeof(png) - 1; len++)
        CHECK(!is_read_cut("image/png", png, len));
    for (size_t len = 0; len < sizeof(jpeg) - 1; len++)
        CHECK(!is_read_cut("image/jpeg", jpeg, len));
    for (size_t len = 0; len < sizeof(extended) - 1; len++)
        CHECK(!is_read_cut("image/webp", extended, len));
    for (size_t len = 0; len < sizeof(gif) - 1; len++)
        CHECK(!is_read_cut("image/gif", gif, len));
}

TEST(a_picture_without_extent_is_none)
{
    static const char flat[] = "GIF89a\x40\x01\x00\x00";
    static const char huge[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\xff\xff\xff\xff\0\0\0\x01";
    CHECK(!is_read_cut("image/gif", flat, sizeof(flat) - 1));
    CHECK(!is_read_cut("image/png", huge, sizeof(huge) - 1));
}

TEST(a_jpeg_whose_data_begins_without_a_frame_is_none)
{
    static const char scan[] = "\xff\xd8\xff\xda\0\x04xx\xff\xc0\0\x11\x08\x01\xe0\x02\x80";
    CHECK(!is_read_cut("image/jpeg", scan, sizeof(scan) - 1));
}

TEST(what_is_no_picture_has_no_size)
{
    CHECK(!is_read_cut("text/html", png, sizeof(png) - 1));
    CHECK(!is_read_cut("image/gif", png, sizeof(png) - 1));
}
