/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_BUF_H
#define SHARED_BASE_BUF_H

/* A growable byte buffer on the heap. A zeroed struct is an empty buffer. What is in it is always
 * followed by a NUL that len does not count, so text can be read in place. Growth aborts on
 * exhaustion; whoever feeds it client data checks the limit first. */

#include "shared/base/macros.h"

#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t value);
void buf_add_i64(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* A quoted, escaped JSON string (RFC 8259). The bytes must be valid UTF-8. */
void buf_json_str(struct buf *b, const char *s, size_t len);

const char *buf_str(const struct buf *b); /* never NULL */
char *buf_steal(struct buf *b);           /* the caller frees; the buffer is empty again */
void buf_reset(struct buf *b);            /* forget the content, keep the memory */
void buf_done(struct buf *b);

#define auto_buf __attribute__((cleanup(buf_done)))

#endif
