/* SPDX-License-Identifier: MIT
 *
 * Text at the edges. The invariant: a parser accepts exactly one spelling of a value, so that what
 * was checked as one thing cannot be read as another later. */

#include "shared/base/str.h"

#include <string.h>

/* Length of the sequence a lead byte begins and the smallest code point it may hold. */
struct utf8_lead {
    unsigned char mask;
    unsigned char value;
    size_t length;
    uint32_t smallest;
};

static const struct utf8_lead leads[] = {
    {0x80, 0x00, 1, 0x0    },
    {0xE0, 0xC0, 2, 0x80   },
    {0xF0, 0xE0, 3, 0x800  },
    {0xF8, 0xF0, 4, 0x10000},
};

/* Length of the valid sequence at s, 0 if there is none within left bytes. */
static size_t utf8_decode(const char *s, size_t left, uint32_t *ret_point)
{
    unsigned char byte = (unsigned char)s[0];
    const struct utf8_lead *lead = NULL;
    for (size_t i = 0; i < ARRAY_LEN(leads) && lead == NULL; i++)
        if ((byte & leads[i].mask) == leads[i].value)
            lead = &leads[i];
    if (lead == NULL || lead->length > left)
        return 0;

    uint32_t point = byte & (unsigned char)~lead->mask;
    for (size_t i = 1; i < lead->length; i++) {
        byte = (unsigned char)s[i];
        if ((byte & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (byte & 0x3F);
    }
    bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < lead->smallest || is_surrogate || point > 0x10FFFF)
        return 0;
    *ret_point = point;
    return lead->length;
}

bool utf8_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t point;
        size_t length = (unsigned char)s[i] < 0x80 ? 1 : utf8_decode(s + i, len - i, &point);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

size_t utf8_length(const char *s, size_t len)
{
    size_t points = 0;
    for (size_t i = 0; i < len; i++)
        points += ((unsigned char)s[i] & 0xC0) != 0x80;
    return points;
}

uint32_t utf8_next(const char **s, const char *end)
{
    uint32_t point = 0;
    if (*s >= end)
        return 0;
    size_t length = utf8_decode(*s, (size_t)(end - *s), &point);
    *s += length > 0 ? length : 1;
    return point;
}

bool str_parse_u64(const char *s, size_t len, uint64_t *ret_value)
{
    if (len == 0 || (s[0] == '0' && len > 1))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s[i] - '0'), &value))
            return false;
    }
    *ret_value = value;
    return true;
}

size_t str_format_u64(uint64_t value, char out[U64_TEXT_SIZE])
{
    char digits[U64_TEXT_SIZE];
    size_t len = 0;
    do {
        digits[len++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < len; i++)
        out[i] = digits[len - 1 - i];
    out[len] = '\0';
    return len;
}

bool str_eq_ct(const char *a, const char *b)
{
    size_t len = strlen(a);
    if (strlen(b) != len)
        return false;
    /* volatile: the compiler must not stop at the first difference. */
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < len; i++)
        difference = difference | (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

void str_ascii_lower(char *s)
{
    for (; *s != '\0'; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
}

void str_ascii_printable(char *s)
{
    for (; *s != '\0'; s++)
        if (*s < ' ' || *s > '~')
            *s = '?';
}

void str_hex(const void *bytes, size_t n, char *out)
{
    const unsigned char *in = bytes;
    for (size_t i = 0; i < n; i++) {
        *out++ = "0123456789abcdef"[in[i] >> 4];
        *out++ = "0123456789abcdef"[in[i] & 15];
    }
    *out = '\0';
}

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char base64_alphabet[] = ALPHANUMERIC "+/";
static const char base64url_alphabet[] = ALPHANUMERIC "-_";

static size_t encode(const char *alphabet, const void *bytes, size_t n, char *out)
{
    const unsigned char *in = bytes;
    char *at = out;
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | in[i];
        for (have += 8; have >= 6; have -= 6)
            *at++ = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        *at++ = alphabet[bits << (6 - have) & 63];
    *at = '\0';
    return (size_t)(at - out);
}

size_t base64_encode(const void *bytes, size_t n, char *out)
{
    size_t len = encode(base64_alphabet, bytes, n, out);
    while (len % 4 != 0)
        out[len++] = '=';
    out[len] = '\0';
    return len;
}

size_t base64url_encode(const void *bytes, size_t n, char *out)
{
    return encode(base64url_alphabet, bytes, n, out);
}

static int base64url_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(base64url_alphabet, c);
    return at == NULL ? -1 : (int)(at - base64url_alphabet);
}

bool base64url_decode(const char *s, size_t len, void *out, size_t cap, size_t *ret_n)
{
    size_t n = len / 4 * 3 + (len % 4 > 0 ? len % 4 - 1 : 0);
    if (len % 4 == 1 || n > cap)
        return false;
    unsigned char *at = out;
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < len; i++) {
        int value = base64url_value(s[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        *at++ = (unsigned char)(bits >> have);
    }
    /* Left-over bits that are not zero would be a second spelling of the same bytes. */
    if ((bits & ((1U << have) - 1)) != 0)
        return false;
    *ret_n = n;
    return true;
}
