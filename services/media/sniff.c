/* SPDX-License-Identifier: MIT */
/* What a file is, by its bytes (libmagic). The sender's word decides nothing; it can only make an
 * upload fail, when it promises a picture and there is none. */

#include "services/media/media.h"

#include "shared/base/log.h"

#include <magic.h>
#include <string.h>

/* Enough for every kind of file we name; hostile text then costs less than a tenth of a second. */
enum { SNIFF_MAX = 64 * 1024, REGEX_MAX = 1024 };

/* Types a browser may show in place. A type that can carry script or load something (HTML, SVG,
 * XML, PDF) is missing on purpose: it is offered for saving. */
static const struct {
    const char *name;
    bool is_picture;
} shown[] = {
    {"image/png",       true },
    {"image/jpeg",      true },
    {"image/gif",       true },
    {"image/webp",      true },
    {"image/avif",      true },
    {"image/bmp",       true },
    {"audio/mpeg",      false},
    {"audio/ogg",       false},
    {"audio/flac",      false},
    {"audio/x-wav",     false},
    {"audio/x-m4a",     false},
    {"video/mp4",       false},
    {"video/webm",      false},
    {"video/quicktime", false},
};

static bool is_shown(const char *type, bool must_be_picture)
{
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        if (strcasecmp(shown[i].name, type) == 0)
            return shown[i].is_picture || !must_be_picture;
    return false;
}

bool sniff_is_inline(const char *content_type)
{
    return is_shown(content_type, false);
}

/* A struct sniffer is libmagic's own cookie. */
static magic_t cookie(struct sniffer *s)
{
    return (magic_t)(void *)s;
}

/* What unpacks, or looks into a program's sections, is left out: more code than it is worth. */
struct sniffer *sniffer_new(void)
{
    magic_t magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF);
    if (magic == NULL)
        return NULL;
    const size_t regex_max = REGEX_MAX;
    if (magic_setparam(magic, MAGIC_PARAM_REGEX_MAX, &regex_max) != 0 ||
        magic_load(magic, NULL) != 0) {
        LOG(ERROR, "magic.missing", KV("why", magic_error(magic)));
        magic_close(magic);
        return NULL;
    }
    return (struct sniffer *)(void *)magic;
}

void sniffer_free(struct sniffer *s)
{
    if (s != NULL)
        magic_close(cookie(s));
}

enum err sniff(struct req *rq, struct sniffer *s, const char *declared, const struct piece *head,
               const char **ret_type)
{
    size_t len = head->len < SNIFF_MAX ? head->len : SNIFF_MAX;
    const char *found = magic_buffer(cookie(s), head->data, len);
    if (found == NULL)
        return fail(rq, ERR_INTERNAL, "libmagic: %s", magic_error(cookie(s)));
    if (is_shown(declared, true) && strncmp(found, "image/", 6) != 0)
        return fail(rq, ERR_UNSUPPORTED_MEDIA_TYPE, "declared %s, found %s", declared, found);
    *ret_type = arena_strdup(&rq->arena, found);
    return OK;
}
