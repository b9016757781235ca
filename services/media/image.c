/* SPDX-License-Identifier: MIT */
/* Each reader checks that a byte is there before it looks at it: a span is a pointer with its
 * length, and nothing reads past one. */

#include "services/media/image.h"

#include <string.h>

#include "shared/base/macros.h"

struct span {
    const uint8_t *at;
    size_t len;
};

static bool has_text(struct span s, size_t offset, const char *text)
{
    size_t len = strlen(text);
    return offset + len <= s.len && memcmp(s.at + offset, text, len) == 0;
}

static int64_t big_endian(const uint8_t *at, size_t bytes)
{
    int64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static int64_t little_endian(const uint8_t *at, size_t bytes)
{
    int64_t value = 0;
    for (size_t i = bytes; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

/* Signature, then the chunk IHDR: the standard lets nothing come before it. */
static bool read_png(struct span s, struct image *ret)
{
    if (s.len < 24 || !has_text(s, 0, "\x89PNG\r\n\x1a\n") || !has_text(s, 12, "IHDR"))
        return false;
    *ret = (struct image){big_endian(s.at + 16, 4), big_endian(s.at + 20, 4)};
    return true;
}

static bool read_gif(struct span s, struct image *ret)
{
    if (s.len < 10 || !has_text(s, 0, "GIF8"))
        return false;
    *ret = (struct image){little_endian(s.at + 6, 2), little_endian(s.at + 8, 2)};
    return true;
}

/* C4, C8 and CC are no frames though they stand among them. */
static bool is_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Markers without a length: restarts and TEM. */
static bool is_bare(uint8_t marker)
{
    return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/* Segments until the one that begins a frame; the picture's own data comes only after it. */
static bool read_jpeg(struct span s, struct image *ret)
{
    enum { START_OF_SCAN = 0xda, END_OF_IMAGE = 0xd9 };
    if (!has_text(s, 0, "\xff\xd8"))
        return false;
    size_t at = 2;
    while (at + 4 <= s.len && s.at[at] == 0xff) {
        uint8_t marker = s.at[at + 1];
        if (marker == START_OF_SCAN || marker == END_OF_IMAGE)
            return false;
        if (marker == 0xff) { /* fill */
            at++;
            continue;
        }
        if (is_frame(marker)) {
            if (at + 9 > s.len)
                return false;
            *ret = (struct image){big_endian(s.at + at + 7, 2), big_endian(s.at + at + 5, 2)};
            return true;
        }
        at += is_bare(marker) ? 2 : 2 + (size_t)big_endian(s.at + at + 2, 2);
    }
    return false;
}

/* A RIFF file whose first chunk says which of three ways the size is written in. */
static bool read_webp(struct span s, struct image *ret)
{
    if (s.len < 30 || !has_text(s, 0, "RIFF") || !has_text(s, 8, "WEBP"))
        return false;
    if (has_text(s, 12, "VP8X")) {
        *ret = (struct image){1 + little_endian(s.at + 24, 3), 1 + little_endian(s.at + 27, 3)};
        return true;
    }
    if (has_text(s, 12, "VP8L") && s.at[20] == 0x2f) {
        int64_t bits = little_endian(s.at + 21, 4);
        *ret = (struct image){1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)};
        return true;
    }
    if (has_text(s, 12, "VP8 ") && has_text(s, 23, "\x9d\x01\x2a")) {
        *ret = (struct image){little_endian(s.at + 26, 2) & 0x3fff,
                              little_endian(s.at + 28, 2) & 0x3fff};
        return true;
    }
    return false;
}

static const struct {
    const char *content_type;
    bool (*read)(struct span s, struct image *ret);
} readers[] = {
    {"image/png",  read_png },
    {"image/jpeg", read_jpeg},
    {"image/gif",  read_gif },
    {"image/webp", read_webp},
};

bool image_read(const char *content_type, const uint8_t *data, size_t len, struct image *ret)
{
    struct image found;
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        if (strcmp(readers[i].content_type, content_type) != 0)
            continue;
        if (!readers[i].read((struct span){data, len}, &found) || found.width < 1 ||
            found.height < 1 || found.width > INT32_MAX || found.height > INT32_MAX)
            return false;
        *ret = found;
        return true;
    }
    return false;
}
