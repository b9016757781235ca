/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_BYTES_H
#define GATEWAY_BYTES_H

/* Files through the gateway: the RAW rows of services/media/api.def, whose names are
 *   media_upload   POST multipart/form-data; the first part that has a file name is the file
 *   media_download GET with Range, If-Range, If-None-Match, HEAD
 * Bytes travel over the bus in pieces, so that there is one public door, any number of media copies
 * and a bounded window of memory per transfer. Beside the usual request headers the pieces carry
 * the ones below. Errors are answered as everywhere (Parley-Status and a problem document).
 *
 * Upload, all by requests:
 *   rpc.media.upload.open {"filename","content_type"}
 *                       -> 200 {"subject"}: where this one copy takes this upload's bytes, a full
 *                       subject ("rpc.bytes.up.<copy>.<place>.<nonce>")
 *   <subject>           raw bytes, BYTES_OFFSET -> 204; up to UPLOAD_WINDOW of them at a time, sent
 *                       in order, each UPLOAD_PIECE long but the last
 *   <subject>.end       empty, BYTES_SIZE = the total -> 201 the attachment; asked after every
 *                       piece was acknowledged
 *   <subject>.abort     empty, published, no answer: the client went away or the file is too large
 *
 * Download:
 *   the row's subject   Parley-Params (path and query: attachment_id, filename, exp, sig)
 *                       -> 200 {"size","content_type","filename","etag","is_inline","subject"}
 *   <subject>           empty, BYTES_OFFSET, BYTES_SIZE <= DOWNLOAD_BLOCK -> 200 raw bytes;
 *                       a full subject that any copy with the file can answer
 *                       ("rpc.bytes.block.<attachment id>") */
#include <stdint.h>

#include "shared/wire/bus.h"

#define BYTES_OFFSET "Parley-Offset"
#define BYTES_SIZE   "Parley-Size"

enum {
    UPLOAD_PIECE = 64 * 1024,
    UPLOAD_WINDOW = 4,
    DOWNLOAD_BLOCK = 128 * 1024,
    DOWNLOAD_AHEAD = 2,
    BYTES_SUBJECT_SIZE = 160,
    BYTES_TIMEOUT_MS = 15000, /* of one piece */
};

struct gateway;
struct call;

/* One message of a transfer; a negative number is left out. */
struct bytes_out {
    const char *subject;
    const char *suffix; /* ".end", or NULL */
    int64_t offset;
    int64_t size;
    const void *body;
    size_t body_len;
};

/* fn as of bus_ask, also when nothing could be sent. Everything is copied before it returns. */
void bytes_ask(struct gateway *g, const struct call *c, const struct bytes_out *out,
               bus_answer_fn *fn, void *arg);
/* Without an answer. */
void bytes_tell(struct gateway *g, const struct call *c, const struct bytes_out *out);

#endif
