/* SPDX-License-Identifier: MIT
 *
 * A file on its way in. Pieces go to the media copy that opened the upload, a few at a time; while
 * the window is full the connection is suspended with its bytes untaken, so the client's own TCP
 * slows down and no more than the window and one piece are ever in memory.
 *
 * Pieces are only sent from the daemon's thread; the bus's threads count answers under the lock.
 * The upload outlives its exchange until the last of those came.
 */
#include <pthread.h>
#include <string.h>

#include "gateway/ask.h"
#include "gateway/bytes.h"
#include "gateway/exchange.h"
#include "shared/base/heap.h"
#include "shared/base/macros.h"
#include "shared/base/str.h"
#include "shared/domain/limit.h"
#include "shared/wire/bus.h"

enum {
    FORM_BUFFER = 8 * 1024,
    FORM_MAX = LIMIT_FILE + 64 * 1024, /* the form around the file */
    TYPE_SIZE = 128,
    NAME_SIZE = 4 * LIMIT_FILE_NAME + 1,
};

enum upload_state {
    UPLOAD_HEAD,    /* no file seen yet */
    UPLOAD_OPENING, /* asked a media copy */
    UPLOAD_OPEN,    /* pieces flow */
    UPLOAD_ENDING,  /* asked for the attachment */
    UPLOAD_ENDED,   /* answered, well or not */
};

struct upload {
    struct gateway *gateway;
    struct exchange *x; /* NULL when the client is gone; guarded by lock */
    struct call call;   /* whom the media copy is told; its strings are the exchange's */
    struct MHD_PostProcessor *form;
    bool has_form_ended;
    bool is_other_file; /* only the first one counts */
    size_t received;    /* bytes of the request's body */
    size_t taken;       /* bytes of the file */
    size_t sent;
    struct buf pending; /* taken, not yet sent */
    char name[NAME_SIZE];
    char type[TYPE_SIZE];

    pthread_mutex_t lock; /* guards what follows */
    enum upload_state state;
    char subject[BYTES_SUBJECT_SIZE];
    unsigned in_flight;
    bool is_waiting; /* suspended until something comes back */
    struct answer answer;
};

struct opened {
    const char *subject;
};
static const struct field opened_fields[] = {
    F_STR(opened, subject, RANGE(1, BYTES_SUBJECT_SIZE - 1)),
};
static SHAPE(opened);

static void destroy(struct upload *up)
{
    answer_done(&up->answer);
    buf_done(&up->pending);
    pthread_mutex_destroy(&up->lock);
    free(up);
}

static void tell_abort(struct upload *up, const struct call *c)
{
    struct bytes_out out = {.subject = up->subject, .suffix = ".abort", .offset = -1, .size = -1};
    bytes_tell(up->gateway, c, &out);
}

/* ---- answers of the media copy, on the bus's threads ---- */

/* The first failure is the upload's answer; what comes after it does not matter. */
static void fail_locked(struct upload *up, enum err e)
{
    if (up->state == UPLOAD_ENDED)
        return;
    up->state = UPLOAD_ENDED;
    answer_fail(&up->answer, e, NULL, NULL);
}

/* What the copy answered becomes the upload's answer, the message kept with it. */
static void end_locked(struct upload *up, const struct ask_answer *got, natsMsg *msg)
{
    if (up->state == UPLOAD_ENDED || got->len == 0 || msg == NULL) {
        bus_msg_free(msg);
        fail_locked(up, got->err != OK ? got->err : ERR_INTERNAL);
        return;
    }
    up->state = UPLOAD_ENDED;
    up->answer = (struct answer){
        .err = got->err,
        .status = got->err == OK ? got->status : err_status(got->err),
        .body = got->body,
        .len = got->len,
        .retry_after_ms = got->retry_after_ms,
        .msg = msg,
    };
}

/* Ends what the caller of lock began: wakes who waits, or buries what nobody owns any more. */
static void settle(struct upload *up)
{
    struct exchange *wake = up->is_waiting ? up->x : NULL;
    up->is_waiting = false;
    up->in_flight--;
    bool is_last = up->x == NULL && up->in_flight == 0;
    bool is_orphan = is_last && up->subject[0] != '\0' && up->state == UPLOAD_OPEN;
    pthread_mutex_unlock(&up->lock);
    if (is_orphan)
        tell_abort(up, &(struct call){.request_id = "abort"});
    if (is_last)
        destroy(up);
    else if (wake != NULL)
        exchange_resume(wake);
}

/* True: the upload is over already, so the copy holds a file that nobody is going to send. */
static bool open_locked(struct upload *up, const struct opened *opened)
{
    snprintf(up->subject, sizeof(up->subject), "%s", opened->subject);
    if (up->state == UPLOAD_OPENING)
        up->state = UPLOAD_OPEN;
    return up->state == UPLOAD_ENDED;
}

static void on_opened(void *arg, enum err e, natsMsg *msg)
{
    struct upload *up = arg;
    auto_arena struct arena arena = {0};
    struct opened opened = {0};
    struct ask_answer got;
    bool is_too_late = false;
    ask_read(e, msg, &got);
    enum err bad = got.err == OK ? ask_decode(&opened_shape, &got, &arena, &opened) : OK;
    pthread_mutex_lock(&up->lock);
    if (got.err != OK) {
        end_locked(up, &got, msg);
    } else {
        bus_msg_free(msg);
        if (bad == OK)
            is_too_late = open_locked(up, &opened);
        else
            fail_locked(up, ERR_INTERNAL);
    }
    if (is_too_late) { /* not under the lock; in_flight keeps the upload alive */
        pthread_mutex_unlock(&up->lock);
        tell_abort(up, &(struct call){.request_id = "abort"});
        pthread_mutex_lock(&up->lock);
    }
    settle(up);
}

static void on_piece(void *arg, enum err e, natsMsg *msg)
{
    struct upload *up = arg;
    struct ask_answer got;
    ask_read(e, msg, &got);
    pthread_mutex_lock(&up->lock);
    if (got.err != OK)
        end_locked(up, &got, msg);
    else
        bus_msg_free(msg);
    settle(up);
}

static void on_ended(void *arg, enum err e, natsMsg *msg)
{
    struct upload *up = arg;
    struct ask_answer got;
    ask_read(e, msg, &got);
    pthread_mutex_lock(&up->lock);
    end_locked(up, &got, msg);
    settle(up);
}

/* ---- asking, on the daemon's thread ---- */

static enum upload_state state_of(struct upload *up)
{
    pthread_mutex_lock(&up->lock);
    enum upload_state state = up->state;
    pthread_mutex_unlock(&up->lock);
    return state;
}

static void spoil(struct upload *up, enum err e)
{
    pthread_mutex_lock(&up->lock);
    bool is_open = up->state == UPLOAD_OPEN;
    fail_locked(up, e);
    pthread_mutex_unlock(&up->lock);
    if (is_open)
        tell_abort(up, &up->call);
}

/* Room for one more question? Then it is counted. */
static bool reserve(struct upload *up, unsigned window, enum upload_state next)
{
    pthread_mutex_lock(&up->lock);
    bool has_room = up->in_flight < window;
    if (has_room) {
        up->in_flight++;
        up->state = next;
    }
    pthread_mutex_unlock(&up->lock);
    return has_room;
}

static void open_upload(struct upload *up)
{
    auto_buf struct buf json = {0};
    char subject[BYTES_SUBJECT_SIZE];
    snprintf(subject, sizeof(subject), "rpc.%s", up->x->match.route->subject);
    buf_adds(&json, "{\"filename\":");
    buf_json_str(&json, up->name, strlen(up->name));
    buf_adds(&json, ",\"content_type\":");
    buf_json_str(&json, up->type, strlen(up->type));
    buf_addc(&json, '}');
    struct bytes_out out = {subject, NULL, -1, -1, json.data, json.len};
    if (reserve(up, UPLOAD_WINDOW, UPLOAD_OPENING))
        bytes_ask(up->gateway, &up->call, &out, on_opened, up);
}

static void send_piece(struct upload *up, size_t len)
{
    struct bytes_out out = {up->subject, NULL, (int64_t)up->sent, -1, up->pending.data, len};
    up->sent += len;
    bytes_ask(up->gateway, &up->call, &out, on_piece, up);
    memmove(up->pending.data, up->pending.data + len, up->pending.len - len);
    up->pending.len -= len;
}

/* As many pieces as the window takes; the last, shorter one only when the form has ended. */
static void flush(struct upload *up)
{
    size_t least = up->has_form_ended ? 1 : UPLOAD_PIECE;
    while (up->pending.len >= least && state_of(up) == UPLOAD_OPEN &&
           reserve(up, UPLOAD_WINDOW, UPLOAD_OPEN))
        send_piece(up, up->pending.len < UPLOAD_PIECE ? up->pending.len : UPLOAD_PIECE);
}

/* Suspends until something comes back; false when nothing is under way. */
static bool wait(struct upload *up)
{
    pthread_mutex_lock(&up->lock);
    bool must_wait = up->in_flight > 0 && up->state != UPLOAD_ENDED;
    if (must_wait) {
        up->is_waiting = true;
        exchange_suspend(up->x);
    }
    pthread_mutex_unlock(&up->lock);
    return must_wait;
}

/* ---- the form ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *backslash = strrchr(base, '\\');
    return backslash != NULL ? backslash + 1 : base;
}

static void begin_file(struct upload *up, const char *base, const char *type)
{
    if (strlen(base) >= NAME_SIZE || !utf8_valid(base, strlen(base))) {
        spoil(up, ERR_INVALID_FORM);
        return;
    }
    snprintf(up->name, sizeof(up->name), "%s", base);
    snprintf(up->type, sizeof(up->type), "%s",
             type != NULL && strlen(type) < TYPE_SIZE && utf8_valid(type, strlen(type))
                 ? type
                 : "application/octet-stream");
    open_upload(up);
}

static enum MHD_Result on_part(void *cls, enum MHD_ValueKind kind UNUSED, const char *key UNUSED,
                               const char *filename, const char *type, const char *encoding UNUSED,
                               const char *data, uint64_t offset, size_t size)
{
    struct upload *up = cls;
    /* Browsers send a field without a file as a file without a name. */
    if (filename == NULL || filename[0] == '\0' || up->is_other_file)
        return MHD_YES;
    if (state_of(up) == UPLOAD_HEAD)
        begin_file(up, base_name(filename), type);
    else if (offset == 0 && (up->taken > 0 || strcmp(base_name(filename), up->name) != 0))
        up->is_other_file = true; /* an empty file may begin twice */
    if (up->is_other_file || state_of(up) == UPLOAD_ENDED)
        return MHD_YES;
    up->taken += size;
    if (up->taken > LIMIT_FILE)
        spoil(up, ERR_TOO_LARGE);
    else
        buf_add(&up->pending, data, size);
    return MHD_YES;
}

/* ---- the handler ---- */

/* The rest of the body is of no use: rest.c throws it away and then sends the answer. */
static void give_up(struct exchange *x, struct upload *up)
{
    struct limit_state limit = x->answer.limit;
    pthread_mutex_lock(&up->lock);
    answer_done(&x->answer);
    x->answer = up->answer;
    x->answer.limit = limit;
    up->answer = (struct answer){0};
    pthread_mutex_unlock(&up->lock);
    x->failed = x->answer.err;
}

static void begin(struct exchange *x)
{
    struct upload *up = heap_alloc(sizeof(*up));
    up->gateway = x->gateway;
    up->x = x;
    up->call = exchange_call(x);
    pthread_mutex_init(&up->lock, NULL);
    x->raw_state = up;
    const char *length = exchange_header(x, "Content-Length");
    uint64_t size = 0;
    if (length != NULL && str_parse_u64(length, strlen(length), &size) && size > FORM_MAX) {
        x->failed = ERR_TOO_LARGE;
        return;
    }
    up->form = MHD_create_post_processor(x->connection, FORM_BUFFER, on_part, up);
    const char *type = exchange_header(x, "Content-Type");
    if (up->form == NULL || strncasecmp(type, "multipart/form-data", 19) != 0)
        x->failed = ERR_UNSUPPORTED_MEDIA_TYPE;
}

static size_t take(struct exchange *x, const char *data, size_t len)
{
    struct upload *up = x->raw_state;
    flush(up);
    while (up->pending.len >= UPLOAD_PIECE && state_of(up) != UPLOAD_ENDED) {
        if (wait(up))
            return 0;
        flush(up);
    }
    up->received += len;
    if (up->received > FORM_MAX)
        spoil(up, ERR_TOO_LARGE);
    else if (state_of(up) != UPLOAD_ENDED && MHD_post_process(up->form, data, len) != MHD_YES)
        spoil(up, ERR_INVALID_FORM);
    flush(up);
    if (state_of(up) == UPLOAD_ENDED)
        give_up(x, up);
    return len;
}

static void end_form(struct upload *up)
{
    if (up->has_form_ended)
        return;
    up->has_form_ended = true;
    bool is_whole = MHD_destroy_post_processor(up->form) == MHD_YES;
    up->form = NULL;
    if (!is_whole)
        spoil(up, ERR_INVALID_FORM);
}

static void ask_end(struct upload *up)
{
    struct bytes_out out = {up->subject, ".end", -1, (int64_t)up->taken, NULL, 0};
    if (reserve(up, 1, UPLOAD_ENDING))
        bytes_ask(up->gateway, &up->call, &out, on_ended, up);
}

static enum MHD_Result end(struct exchange *x)
{
    struct upload *up = x->raw_state;
    end_form(up);
    if (state_of(up) == UPLOAD_HEAD)
        return respond_fail_field(x, "file", "is required");
    while (state_of(up) != UPLOAD_ENDED) {
        flush(up);
        if (up->pending.len == 0 && state_of(up) == UPLOAD_OPEN)
            ask_end(up); /* refused while a piece is in flight */
        if (wait(up))
            return MHD_YES;
    }
    give_up(x, up);
    return respond_answer(x);
}

static void free_upload(void *raw)
{
    struct upload *up = raw;
    struct call nobody = {.request_id = up->x->request_id};
    if (up->form != NULL)
        MHD_destroy_post_processor(up->form);
    pthread_mutex_lock(&up->lock);
    bool is_open = up->state == UPLOAD_OPEN;
    bool is_last = up->in_flight == 0;
    up->x = NULL;
    pthread_mutex_unlock(&up->lock);
    if (is_last && is_open)
        tell_abort(up, &nobody);
    if (is_last)
        destroy(up);
}

const struct raw_handler upload_handler = {
    .name = "media_upload",
    .begin = begin,
    .data = take,
    .end = end,
    .free = free_upload,
};
