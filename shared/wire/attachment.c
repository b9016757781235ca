/* SPDX-License-Identifier: MIT */
/* Tokens are base64url(JSON) "." base64url(HMAC); the signature covers the text that was encoded,
 * so there is no second spelling of the same token. */

#include "shared/wire/attachment.h"

#include <inttypes.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/str.h"
#include "shared/crypto/hmac.h"
#include "shared/wire/json.h"

enum { TOKEN_JSON_MAX = 3072, DAY_S = 86400, NUMBER_SIZE = 24 };

static const struct field attachment_fields[] = {
    F_ID(attachment, id),
    F_STR(attachment, filename),
    F_STR(attachment, content_type),
    F_INT(attachment, size, TEXT("Bytes.")),
    F_INT(attachment, width, NULLABLE, TEXT("Of a picture, in pixels.")),
    F_INT(attachment, height, NULLABLE),
    F_STR(attachment, url, OPTIONAL, TEXT("Works without log-in, for a day at least.")),
    F_STR(attachment, token, OPTIONAL,
          TEXT("Only in the answer to the upload: attaches the file to a message of one's own.")),
};
SHAPE(attachment);

static void token_sign(const char *secret, snowflake owner, const char *text,
                       char out[LINK_SIGNATURE_SIZE])
{
    char id[SNOWFLAKE_TEXT_SIZE];
    snowflake_format(owner, id);
    const char *parts[] = {"attachment", id, text};
    link_sign(secret, parts, ARRAY_LEN(parts), out);
}

enum err attachment_token_make(struct arena *a, const char *secret, snowflake owner,
                               const struct attachment *file, const char **ret_token)
{
    struct attachment bare = *file;
    bare.url = NULL;
    bare.token = NULL;
    auto_buf struct buf json = {0};
    shape_encode(&attachment_shape, &bare, &json);
    if (json.len > TOKEN_JSON_MAX)
        return ERR_TOO_LARGE;
    char *text = arena_alloc(a, BASE64URL_SIZE(json.len));
    base64url_encode(json.data, json.len, text);
    char signature[LINK_SIGNATURE_SIZE];
    token_sign(secret, owner, text, signature);
    *ret_token = arena_printf(a, "%s.%s", text, signature);
    return OK;
}

enum err attachment_token_read(struct arena *a, const char *secret, snowflake owner,
                               const char *token, struct attachment *ret)
{
    const char *dot = strchr(token, '.');
    if (dot == NULL)
        return ERR_UNKNOWN_ATTACHMENT;
    char *text = arena_strndup(a, token, (size_t)(dot - token));
    char signature[LINK_SIGNATURE_SIZE];
    token_sign(secret, owner, text, signature);
    if (!str_eq_ct(signature, dot + 1))
        return ERR_UNKNOWN_ATTACHMENT;

    char json[TOKEN_JSON_MAX];
    size_t len;
    if (!base64url_decode(text, strlen(text), json, sizeof(json), &len))
        return ERR_UNKNOWN_ATTACHMENT;
    auto_json json_t *object = NULL;
    const char *why;
    struct attachment file = {0};
    if (json_read_object(a, json, len, &object, &why) != OK ||
        shape_decode_entity(&attachment_shape, object, a, &file) != OK ||
        clock_us() - snowflake_time_us(file.id) > ATTACHMENT_TOKEN_S * INT64_C(1000000))
        return ERR_UNKNOWN_ATTACHMENT;
    *ret = file;
    return OK;
}

static void url_sign(const char *secret, snowflake id, const char *filename, int64_t expires_s,
                     char out[LINK_SIGNATURE_SIZE])
{
    char id_text[SNOWFLAKE_TEXT_SIZE];
    char expires[NUMBER_SIZE];
    snowflake_format(id, id_text);
    snprintf(expires, sizeof(expires), "%" PRId64, expires_s);
    const char *parts[] = {"file", id_text, filename, expires};
    link_sign(secret, parts, ARRAY_LEN(parts), out);
}

/* RFC 3986: what is not unreserved is percent-encoded. */
static void percent_encode(struct buf *b, const char *s)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *s != '\0'; s++) {
        if (strchr(plain, *s) != NULL)
            buf_addc(b, *s);
        else
            buf_printf(b, "%%%02X", (unsigned char)*s);
    }
}

const char *attachment_url(struct arena *a, const char *secret, const struct attachment *file,
                           int64_t now_us)
{
    int64_t expires_s = (now_us / 1000000 / DAY_S + 2) * DAY_S;
    char signature[LINK_SIGNATURE_SIZE];
    url_sign(secret, file->id, file->filename, expires_s, signature);
    auto_buf struct buf name = {0};
    percent_encode(&name, file->filename);
    return arena_printf(a, "/api/v1/media/files/%" PRIu64 "/%s?exp=%" PRId64 "&sig=%s", file->id,
                        buf_str(&name), expires_s, signature);
}

enum err attachment_url_check(const char *secret, snowflake id, const char *filename,
                              int64_t expires_s, const char *signature, int64_t now_us)
{
    char expected[LINK_SIGNATURE_SIZE];
    url_sign(secret, id, filename, expires_s, expected);
    if (!str_eq_ct(expected, signature) || expires_s < now_us / 1000000)
        return ERR_LINK_EXPIRED;
    return OK;
}
