/* SPDX-License-Identifier: MIT
 *
 * Any bytes as each kind of picture whose head we read: nothing is read past the end (the input is
 * exactly as long as its memory), and a size that is believed is one. */

#include "services/media/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"image/png", "image/jpeg", "image/gif", "image/webp"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct image image;
        if (image_read(types[i], data, size, &image) && (image.width < 1 || image.height < 1))
            abort();
    }
    return 0;
}
