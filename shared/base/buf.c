/* SPDX-License-Identifier: MIT
 *
 * Doubling growth, and a NUL kept behind the content at all times: cap is at least len + 1 whenever
 * there is memory at all. */

#include "shared/base/buf.h"

#include "shared/base/heap.h"
#include "shared/base/str.h"

#include <stdarg.h>
#include <string.h>

enum { SMALLEST = 64 };

void buf_reserve(struct buf *b, size_t more)
{
    size_t need;
    if (__builtin_add_overflow(b->len, more, &need) || __builtin_add_overflow(need, 1, &need))
        abort();
    if (need <= b->cap)
        return;
    size_t cap = b->cap < SMALLEST ? SMALLEST : b->cap;
    while (cap < need)
        if (__builtin_mul_overflow(cap, 2, &cap))
            abort();
    b->data = heap_grow(b->data, cap);
    b->data[b->len] = '\0';
    b->cap = cap;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    buf_reserve(b, len);
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_add_u64(struct buf *b, uint64_t value)
{
    char digits[U64_TEXT_SIZE];
    buf_add(b, digits, str_format_u64(value, digits));
}

void buf_add_i64(struct buf *b, int64_t value)
{
    if (value < 0)
        buf_addc(b, '-');
    /* Negated as unsigned: INT64_MIN has no positive twin. */
    buf_add_u64(b, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len < 0)
        abort();
    buf_reserve(b, (size_t)len);
    (void)vsnprintf(b->data + b->len, (size_t)len + 1, format, again);
    b->len += (size_t)len;
    va_end(again);
    va_end(args);
}

/* What stands behind the backslash; 'u' for the long form, 0 for a byte that goes as it is. */
static const char escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', [0 ... 7] = 'u', ['\b'] = 'b', ['\t'] = 't',
    ['\n'] = 'n', [11] = 'u',    ['\f'] = 'f',    ['\r'] = 'r', [14 ... 31] = 'u',
};

static void add_escape(struct buf *b, unsigned char byte)
{
    if (escapes[byte] == 'u') {
        buf_printf(b, "\\u%04x", byte);
        return;
    }
    buf_add(b, (const char[]){'\\', escapes[byte]}, 2);
}

/* Stretches without an escape, nearly always the whole text, are copied at once. */
void buf_json_str(struct buf *b, const char *s, size_t len)
{
    buf_reserve(b, len + 2);
    buf_addc(b, '"');
    size_t copied = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)s[i];
        if (escapes[byte] == 0)
            continue;
        buf_add(b, s + copied, i - copied);
        add_escape(b, byte);
        copied = i + 1;
    }
    buf_add(b, s + copied, len - copied);
    buf_addc(b, '"');
}

const char *buf_str(const struct buf *b)
{
    return b->data != NULL ? b->data : "";
}

char *buf_steal(struct buf *b)
{
    buf_reserve(b, 0);
    char *data = b->data;
    *b = (struct buf){0};
    return data;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void buf_done(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
