/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_STR_H
#define SHARED_BASE_STR_H

/* What C lacks for text at the edges: UTF-8 checks, strict numbers, hex and the two base64
 * alphabets (RFC 4648), comparison in constant time. Parsers accept exactly one spelling. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes of text with its NUL for n bytes. */
#define HEX_SIZE(n)       (2 * (n) + 1)
#define BASE64_SIZE(n)    (((n) + 2) / 3 * 4 + 1)
#define BASE64URL_SIZE(n) (((n)*4 + 2) / 3 + 1)

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(const char *s, size_t len);

/* Code points in valid UTF-8. */
size_t utf8_length(const char *s, size_t len);

/* Decodes one code point of valid UTF-8 and moves *s behind it; 0 at end. */
uint32_t utf8_next(const char **s, const char *end);

/* Decimal digits only: no sign, no space, no leading zero but "0" itself. */
bool str_parse_u64(const char *s, size_t len, uint64_t *ret_value) MUST_CHECK;

/* Decimal digits and a NUL; returns the length without it. */
enum { U64_TEXT_SIZE = 21 };
size_t str_format_u64(uint64_t value, char out[U64_TEXT_SIZE]);

/* Time depends on the lengths, not on the content. */
bool str_eq_ct(const char *a, const char *b) MUST_CHECK;

void str_ascii_lower(char *s);
void str_ascii_printable(char *s);                    /* any other byte becomes "?" */
void str_hex(const void *bytes, size_t n, char *out); /* lower case; HEX_SIZE(n) */

/* Encoders write a NUL and return the length without it. base64url has no padding. */
size_t base64_encode(const void *bytes, size_t n, char *out);
size_t base64url_encode(const void *bytes, size_t n, char *out);

/* Strict: no padding, no foreign byte, no stray bits at the end, at most cap bytes out. */
bool base64url_decode(const char *s, size_t len, void *out, size_t cap, size_t *ret_n) MUST_CHECK;

#endif
