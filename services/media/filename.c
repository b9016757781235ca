/* SPDX-License-Identifier: MIT */
/* What a file may be called. The name is shown and offered for saving, never used as a path of
 * ours; but the one who saves it must get the extension they saw. */

#include "services/media/media.h"

#include "shared/base/buf.h"
#include "shared/base/str.h"

#include <string.h>

/* Left-to-right and right-to-left marks, embeddings, overrides and isolates: they let "gpj.exe"
 * look like "exe.jpg". */
static bool turns_text(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

static const char *last_part(const char *name)
{
    const char *part = name;
    for (const char *at = name; *at != '\0'; at++)
        if (*at == '/' || *at == '\\')
            part = at + 1;
    return part;
}

char *filename_clean(struct arena *a, const char *name)
{
    auto_buf struct buf clean = {0};
    const char *at = last_part(name);
    const char *end = at + strlen(at);
    while (at < end) {
        const char *from = at;
        uint32_t c = utf8_next(&at, end);
        if (is_control(c) || turns_text(c))
            buf_addc(&clean, '_');
        else
            buf_add(&clean, from, (size_t)(at - from));
    }
    /* "." and ".." are folders to whoever reads a link. */
    bool is_name = buf_str(&clean)[strspn(buf_str(&clean), ". ")] != '\0';
    return arena_strdup(a, is_name ? buf_str(&clean) : "file");
}
