/* SPDX-License-Identifier: MIT
 *
 * Any text as an attachment's token. Nobody can sign by chance, so as it is none is ever accepted;
 * with the right signature before it the content is read too, and what is read makes a token and a
 * link that work. */

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/str.h"
#include "shared/crypto/hmac.h"
#include "shared/wire/attachment.h"
#include "tests/fuzz/fuzz.h"

static const char secret[] = "not much of a secret";
enum { OWNER = 42 };

static char *sign(struct arena *a, const uint8_t *json, size_t size)
{
    char *text = arena_alloc(a, BASE64URL_SIZE(size));
    char signature[LINK_SIGNATURE_SIZE];
    base64url_encode(json, size, text);
    const char *parts[] = {"attachment", "42", text};
    link_sign(secret, parts, ARRAY_LEN(parts), signature);
    return arena_printf(a, "%s.%s", text, signature);
}

static int64_t link_number(const char *url, const char *name)
{
    const char *at = strstr(url, name);
    expect(at != NULL);
    return strtoll(at + strlen(name), NULL, 10);
}

static void check_link(struct arena *a, const struct attachment *file)
{
    int64_t now_us = clock_us();
    const char *url = attachment_url(a, secret, file, now_us);
    const char *signature = strstr(url, "&sig=") + 5;
    int64_t expires_s = link_number(url, "?exp=");
    expect(strspn(url, "/?&=.-_~%0123456789abcdefghijklmnopqrstuvwxyz"
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(url));
    expect(attachment_url_check(secret, file->id, file->filename, expires_s, signature, now_us) ==
           OK);
}

static void check_token(struct arena *a, const struct attachment *file)
{
    const char *token;
    struct attachment again;
    if (attachment_token_make(a, secret, OWNER, file, &token) != OK)
        return;
    expect(attachment_token_read(a, secret, OWNER, token, &again) == OK);
    expect(again.id == file->id && again.size == file->size);
    expect(strcmp(again.filename, file->filename) == 0);
    expect(attachment_token_read(a, secret, OWNER + 1, token, &again) != OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    struct attachment file;
    expect(attachment_token_read(&a, secret, OWNER, arena_strndup(&a, (const char *)data, size),
                                 &file) != OK);
    if (attachment_token_read(&a, secret, OWNER, sign(&a, data, size), &file) != OK)
        return 0;
    if (file.filename == NULL || file.content_type == NULL)
        return 0;
    check_token(&a, &file);
    check_link(&a, &file);
    return 0;
}
