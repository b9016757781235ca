/* SPDX-License-Identifier: MIT
 *
 * A file on its way out. Blocks are asked a few ahead of the client; libmicrohttpd reads them on
 * its own thread and is suspended when the next one is not there yet. A slow client thus costs two
 * blocks of memory, whatever the file's size.
 */
#include <pthread.h>
#include <string.h>

#include "gateway/ask.h"
#include "gateway/bytes.h"
#include "gateway/exchange.h"
#include "gateway/range.h"
#include "shared/base/heap.h"
#include "shared/base/macros.h"
#include "shared/wire/bus.h"

enum { READ_SIZE = 32 * 1024 };

/* What the media service says of a file before its first byte. */
struct opened {
    int64_t size;
    const char *content_type;
    const char *filename;
    const char *etag; /* with its quotes */
    bool is_inline;
    const char *subject;
};
static const struct field opened_fields[] = {
    F_INT(opened, size, RANGE(0, INT64_MAX)),
    F_STR(opened, content_type, RANGE(1, 255)),
    F_STR(opened, filename, RANGE(1, 255)),
    F_STR(opened, etag, RANGE(2, 100)),
    F_BOOL(opened, is_inline),
    F_STR(opened, subject, RANGE(1, BYTES_SUBJECT_SIZE - 1)),
};
static SHAPE(opened);

struct download;

struct block {
    struct download *download;
    uint64_t offset;
    size_t len;
    natsMsg *msg; /* NULL until it came */
};

struct download {
    struct gateway *gateway;
    struct exchange *x; /* NULL when the client is gone; guarded by lock */
    struct call call;   /* whom the media copy is told; its strings are the exchange's */
    struct opened file; /* strings in the exchange's arena */
    struct range range;
    uint64_t asked;  /* up to this offset */
    size_t position; /* in the first block */
    size_t first;    /* of the ring of blocks */

    pthread_mutex_t lock; /* guards what follows */
    bool is_opened;
    bool is_waiting; /* suspended until something comes back */
    bool has_failed;
    unsigned in_flight;
    struct answer answer; /* to opening */
    struct block blocks[DOWNLOAD_AHEAD];
};

static void destroy(struct download *d)
{
    for (size_t i = 0; i < DOWNLOAD_AHEAD; i++)
        bus_msg_free(d->blocks[i].msg);
    answer_done(&d->answer);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* Ends what the caller of lock began: wakes who waits, or buries what nobody owns any more. */
static void settle(struct download *d)
{
    struct exchange *wake = d->is_waiting ? d->x : NULL;
    d->is_waiting = false;
    d->in_flight--;
    bool is_last = d->x == NULL && d->in_flight == 0;
    pthread_mutex_unlock(&d->lock);
    if (is_last)
        destroy(d);
    else if (wake != NULL)
        exchange_resume(wake);
}

static void wait_locked(struct download *d)
{
    d->is_waiting = true;
    exchange_suspend(d->x);
}

/* ---- blocks ---- */

static void on_block(void *arg, enum err e, natsMsg *msg)
{
    struct block *block = arg;
    struct download *d = block->download;
    struct ask_answer got;
    ask_read(e, msg, &got);
    pthread_mutex_lock(&d->lock);
    if (got.err == OK && got.len == block->len) {
        block->msg = msg;
    } else {
        d->has_failed = true;
        bus_msg_free(msg);
    }
    settle(d);
}

static void ask_block(struct download *d, struct block *block)
{
    uint64_t left = d->range.start + d->range.length - d->asked;
    if (left == 0)
        return;
    *block = (struct block){
        .download = d,
        .offset = d->asked,
        .len = left < DOWNLOAD_BLOCK ? (size_t)left : DOWNLOAD_BLOCK,
    };
    d->asked += block->len;
    struct bytes_out out = {
        .subject = d->file.subject,
        .offset = (int64_t)block->offset,
        .size = (int64_t)block->len,
    };
    pthread_mutex_lock(&d->lock);
    d->in_flight++;
    pthread_mutex_unlock(&d->lock);
    bytes_ask(d->gateway, &d->call, &out, on_block, block);
}

/* The block at the front is used up: its place asks for the one after the last. */
static void next_block(struct download *d)
{
    struct block *used = &d->blocks[d->first];
    bus_msg_free(used->msg);
    used->msg = NULL;
    d->position = 0;
    d->first = (d->first + 1) % DOWNLOAD_AHEAD;
    ask_block(d, used);
}

static ssize_t on_read(void *cls, uint64_t pos UNUSED, char *out, size_t max)
{
    struct download *d = cls;
    struct block *block = &d->blocks[d->first];
    pthread_mutex_lock(&d->lock);
    bool is_here = block->msg != NULL;
    bool has_failed = d->has_failed && !is_here;
    if (!is_here && !has_failed)
        wait_locked(d);
    pthread_mutex_unlock(&d->lock);
    if (has_failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (!is_here)
        return 0;

    size_t n = block->len - d->position < max ? block->len - d->position : max;
    memcpy(out, natsMsg_GetData(block->msg) + d->position, n);
    d->position += n;
    if (d->position == block->len)
        next_block(d);
    return (ssize_t)n;
}

/* ---- the head ---- */

static void on_opened(void *arg, enum err e, natsMsg *msg)
{
    struct download *d = arg;
    struct ask_answer got;
    ask_read(e, msg, &got);
    pthread_mutex_lock(&d->lock);
    d->is_opened = true;
    d->answer = (struct answer){
        .err = got.err,
        .status = got.err == OK ? got.status : err_status(got.err),
        .body = got.body,
        .len = got.len,
        .retry_after_ms = got.retry_after_ms,
        .msg = msg,
    };
    if (msg == NULL)
        answer_fail(&d->answer, got.err, NULL, NULL);
    settle(d);
}

static void begin(struct exchange *x)
{
    struct download *d = heap_alloc(sizeof(*d));
    d->gateway = x->gateway;
    d->x = x;
    d->call = exchange_call(x);
    pthread_mutex_init(&d->lock, NULL);
    x->raw_state = d;
}

static enum MHD_Result ask_open(struct download *d)
{
    char subject[BYTES_SUBJECT_SIZE];
    snprintf(subject, sizeof(subject), "rpc.%s", d->x->match.route->subject);
    struct bytes_out out = {.subject = subject, .offset = -1, .size = -1};
    pthread_mutex_lock(&d->lock);
    d->in_flight++;
    wait_locked(d);
    pthread_mutex_unlock(&d->lock);
    bytes_ask(d->gateway, &d->call, &out, on_opened, d);
    return MHD_YES;
}

/* A file name in a header (RFC 6266): everything but plain letters and digits is encoded. */
static void write_disposition(const struct opened *file, struct buf *out)
{
    buf_adds(out, file->is_inline ? "inline" : "attachment");
    buf_adds(out, "; filename*=UTF-8''");
    for (const char *at = file->filename; *at != '\0'; at++) {
        bool is_plain = (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') ||
                        (*at >= 'a' && *at <= 'z') || strchr("-._", *at) != NULL;
        if (is_plain)
            buf_addc(out, *at);
        else
            buf_printf(out, "%%%02X", (unsigned char)*at);
    }
}

static void add_headers(struct MHD_Response *response, const struct opened *file)
{
    auto_buf struct buf disposition = {0};
    write_disposition(file, &disposition);
    const char *const rows[][2] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE,  file->content_type                                      },
        {MHD_HTTP_HEADER_ETAG,          file->etag                                              },
        {"Content-Disposition",         buf_str(&disposition)                                   },
        {MHD_HTTP_HEADER_CACHE_CONTROL, "private, max-age=86400, immutable"                     },
 /* Somebody else's file must not run as a page of ours. */
        {"Content-Security-Policy",     "default-src 'none'; style-src 'unsafe-inline'; sandbox"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        MHD_add_response_header(response, rows[i][0], rows[i][1]);
}

static struct MHD_Response *make_body(struct download *d, bool is_head)
{
    if (d->range.length == 0)
        return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    d->asked = d->range.start;
    for (size_t i = 0; i < DOWNLOAD_AHEAD && !is_head; i++)
        ask_block(d, &d->blocks[i]);
    return MHD_create_response_from_callback(d->range.length, READ_SIZE, on_read, d, NULL);
}

static enum MHD_Result respond_file(struct exchange *x, struct download *d)
{
    uint64_t size = (uint64_t)d->file.size;
    if (etag_matches(exchange_header(x, "If-None-Match"), d->file.etag))
        return respond_not_modified(x, d->file.etag);
    enum range_kind kind = range_read(exchange_header(x, "Range"), exchange_header(x, "If-Range"),
                                      d->file.etag, size, &d->range);
    if (kind == RANGE_IMPOSSIBLE)
        return respond_out_of_range(x, size);
    struct MHD_Response *response = make_body(d, strcmp(x->method, "HEAD") == 0);
    if (response == NULL)
        return MHD_NO;
    add_headers(response, &d->file);
    range_add(response, kind, &d->range, size);
    return respond_with(x, kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
}

static enum MHD_Result end(struct exchange *x)
{
    struct download *d = x->raw_state;
    if (!d->is_opened)
        return ask_open(d);
    struct ask_answer got = {.body = d->answer.body, .len = d->answer.len};
    if (d->answer.err == OK && ask_decode(&opened_shape, &got, &x->arena, &d->file) == OK)
        return respond_file(x, d);
    if (d->answer.err == OK)
        return respond_fail(x, ERR_INTERNAL);
    struct limit_state limit = x->answer.limit;
    x->answer = d->answer;
    x->answer.limit = limit;
    d->answer = (struct answer){0};
    return respond_answer(x);
}

static void free_download(void *raw)
{
    struct download *d = raw;
    pthread_mutex_lock(&d->lock);
    bool is_last = d->in_flight == 0;
    d->x = NULL;
    pthread_mutex_unlock(&d->lock);
    if (is_last)
        destroy(d);
}

const struct raw_handler download_handler = {
    .name = "media_download",
    .begin = begin,
    .end = end,
    .free = free_download,
};
