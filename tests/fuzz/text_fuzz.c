/* SPDX-License-Identifier: MIT
 *
 * Any bytes as each kind of text that clients send: times, numbers, base64url, names, messages, and
 * JSON strings of ours. What is read must be written back the same. */

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/str.h"
#include "shared/domain/mention.h"
#include "shared/domain/name.h"

#include "tests/fuzz/fuzz.h"

static void read_base64url(struct arena *a, const char *text, size_t size)
{
    char *bytes = arena_alloc(a, size + 1);
    char *again = arena_alloc(a, BASE64URL_SIZE(size + 1));
    size_t n;
    if (!base64url_decode(text, size, bytes, size + 1, &n))
        return;
    if (base64url_encode(bytes, n, again) != size || memcmp(text, again, size) != 0)
        abort();
}

static void read_number(const char *text, size_t size)
{
    uint64_t value;
    char again[U64_TEXT_SIZE];
    if (!str_parse_u64(text, size, &value))
        return;
    if (str_format_u64(value, again) != size || memcmp(text, again, size) != 0)
        abort();
}

static void read_names(struct arena *a, const char *text)
{
    (void)name_check_username(text);
    (void)name_check_email(text);
    if (utf8_valid(text, strlen(text)))
        (void)name_check_title(name_trim(a, text), 1, LIMIT_SERVER_NAME);
}

/* An offset can move a time out of the years that are written. */
static void read_time(const char *text)
{
    char first[TIME_TEXT_SIZE];
    char second[TIME_TEXT_SIZE];
    int64_t us;
    if (!time_parse_rfc3339(text, &us))
        return;
    time_format_rfc3339(us, first);
    expect(time_parse_rfc3339(first, &us));
    time_format_rfc3339(us, second);
    expect(strcmp(first, second) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    auto_buf struct buf json = {0};
    static struct mentions mentions;
    const char *text = (const char *)data;
    const char *string = arena_strndup(&a, text, size);

    mention_scan(text, size, &mentions);
    read_base64url(&a, text, size);
    read_number(text, size);
    read_names(&a, string);
    buf_json_str(&json, text, size);
    read_time(string);
    return 0;
}
