/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MEDIA_IMAGE_H
#define SERVICES_MEDIA_IMAGE_H

/* How large a picture is, read from its head alone: PNG, JPEG, GIF and WebP. Nothing is decoded, so
 * hostile files have little to work on. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
    int64_t width, height; /* pixels, at least 1 */
};

/* content_type is what the bytes were found to be. False: no picture of these kinds, or a broken
 * one. */
bool image_read(const char *content_type, const uint8_t *data, size_t len, struct image *ret);

#endif
