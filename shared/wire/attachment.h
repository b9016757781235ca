/* SPDX-License-Identifier: MIT */
#ifndef SHARED_WIRE_ATTACHMENT_H
#define SHARED_WIRE_ATTACHMENT_H

#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/domain/snowflake.h"
#include "shared/wire/field.h"

/* A file in a message. media answers an upload with a token: what the file is, signed. messaging
 * believes the token, so sending a message asks nobody; media learns of the binding from the event
 * message.create. Both know one secret (MEDIA_SECRET). */
struct attachment {
    snowflake id;
    const char *filename;
    const char *content_type;
    int64_t size;
    int64_t width, height; /* FIELD_NO_INT when it is no picture */
    const char *url;
    const char *token; /* only in the answer to the upload */
};
extern const struct shape attachment_shape;

/* The token says whose upload it is: only they can use it, and only while the file is sure to be
 * there (an upload that no message uses within a day is removed). */
MUST_CHECK enum err attachment_token_make(struct arena *a, const char *secret, snowflake owner,
                                          const struct attachment *file, const char **ret_token);
/* ERR_UNKNOWN_ATTACHMENT unless the secret's holder made it for this owner within the last
 * ATTACHMENT_TOKEN_S. No url is set. */
enum { ATTACHMENT_TOKEN_S = 23 * 3600 };
MUST_CHECK enum err attachment_token_read(struct arena *a, const char *secret, snowflake owner,
                                          const char *token, struct attachment *ret);

/* A link to the file's bytes that needs no log-in: "/api/v1/media/files/<id>/<name>?exp=&sig=". It
 * works for one to two days and is the same text during one day, so browsers can cache. */
const char *attachment_url(struct arena *a, const char *secret, const struct attachment *file,
                           int64_t now_us);
/* Is this the signature of that link, and is it still good? ERR_LINK_EXPIRED when not. */
MUST_CHECK enum err attachment_url_check(const char *secret, snowflake id, const char *filename,
                                         int64_t expires_s, const char *signature, int64_t now_us);

#endif
