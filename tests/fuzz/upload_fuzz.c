/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a multipart form, in pieces of any length, through the real upload handler and
 * libmicrohttpd's own reader of forms; REST and the media copy are played here. The copy gets the
 * file's bytes in order, within the window, and hears how it ended; and what it gets does not
 * depend on how the form was cut.
 *
 * Lines: four characters that say how it goes (see struct plan), Content-Type, then the form, in
 * which a byte 0xff stands for FILLER bytes. */

#include <stdio.h>
#include <sys/socket.h>

#include "gateway/bytes.h"
#include "gateway/exchange.h"
#include "shared/base/buf.h"
#include "shared/base/heap.h"
#include "shared/wire/json.h"
#include "tests/fuzz/fuzz.h"

enum { FILLER = 20000, FORM_BYTES_MAX = 600 * 1024, ASKS_MAX = 64, MHD_PIECE = 16 * 1024 };

struct plan {
    unsigned cut;      /* how the form is cut into pieces; 0: as libmicrohttpd does */
    unsigned failing;  /* this question of the copy's fails; 0: none */
    unsigned leaves;   /* the client goes away after so many pieces; 0: it stays */
    unsigned patience; /* so many questions wait before the first is answered */
};

struct question {
    bus_answer_fn *fn;
    void *arg;
    bool is_opening;
    bool is_end;
};

/* One upload: what the handler did, and what the copy saw. */
struct run {
    struct plan plan;
    struct exchange x;
    bool is_suspended;
    bool is_answered;
    enum err outcome;
    struct question asked[ASKS_MAX];
    size_t ask_count;
    size_t asks_ever;

    char *head; /* file name and type, as the copy was told */
    struct buf bytes;
    bool is_open;
    bool has_short_piece;
    bool has_heard_the_end;
};
static struct run *now;

/* ---- REST, as far as an upload leans on it ---- */

void exchange_suspend(struct exchange *x)
{
    expect(x == &now->x && !now->is_suspended);
    now->is_suspended = true;
}

void exchange_resume(struct exchange *x)
{
    expect(x == &now->x && now->is_suspended);
    now->is_suspended = false;
}

const char *exchange_header(const struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

struct call exchange_call(struct exchange *x)
{
    return (struct call){.route = x->match.route, .request_id = "1"};
}

static enum MHD_Result answered(enum err e)
{
    expect(!now->is_answered && !now->is_suspended);
    now->is_answered = true;
    now->outcome = e;
    return MHD_YES;
}

enum MHD_Result respond_answer(struct exchange *x)
{
    return answered(x->answer.err);
}

enum MHD_Result respond_fail(struct exchange *x, enum err e)
{
    (void)x;
    return answered(e);
}

enum MHD_Result respond_fail_field(struct exchange *x, const char *field, const char *message)
{
    expect(x != NULL && field != NULL && message != NULL);
    return answered(ERR_INVALID_FORM);
}

void answer_fail(struct answer *a, enum err e, const char *field, const char *message)
{
    expect(e != OK && field == NULL && message == NULL);
    a->err = e;
    a->status = err_status(e);
}

void answer_done(struct answer *a)
{
    natsMsg_Destroy(a->msg);
    *a = (struct answer){0};
}

/* ---- the media copy ---- */

static const char place[] = "rpc.bytes.up.1.2.3";

static void take_piece(const struct bytes_out *out)
{
    expect(now->is_open && !now->has_heard_the_end && !now->has_short_piece);
    expect(out->offset == (int64_t)now->bytes.len && out->body_len > 0);
    expect(out->body_len <= UPLOAD_PIECE);
    now->has_short_piece = out->body_len < UPLOAD_PIECE;
    buf_add(&now->bytes, out->body, out->body_len);
}

static void take_end(const struct bytes_out *out)
{
    expect(now->is_open && !now->has_heard_the_end && now->ask_count == 0);
    expect(out->size == (int64_t)now->bytes.len);
    now->has_heard_the_end = true;
}

static void take_opening(const struct bytes_out *out)
{
    auto_json json_t *said = json_loadb(out->body, out->body_len, 0, NULL);
    expect(json_is_string(json_object_get(said, "filename")));
    expect(json_is_string(json_object_get(said, "content_type")));
    now->head = json_dumps(said, JSON_COMPACT | JSON_SORT_KEYS);
}

void bytes_ask(struct gateway *g, const struct call *c, const struct bytes_out *out,
               bus_answer_fn *fn, void *arg)
{
    struct question q = {.fn = fn,
                         .arg = arg,
                         .is_opening = strcmp(out->subject, place) != 0,
                         .is_end = out->suffix != NULL};
    expect(g == NULL && c != NULL);
    if (q.is_opening)
        take_opening(out);
    else if (q.is_end)
        take_end(out);
    else
        take_piece(out);
    now->asked[now->ask_count++] = q;
    now->asks_ever++;
    expect(now->ask_count <= UPLOAD_WINDOW);
}

void bytes_tell(struct gateway *g, const struct call *c, const struct bytes_out *out)
{
    expect(g == NULL && c->request_id != NULL && strcmp(out->suffix, ".abort") == 0);
    expect(strcmp(out->subject, place) == 0);
    now->has_heard_the_end = true;
}

static natsMsg *make_answer(const char *status, const char *body)
{
    natsMsg *msg = NULL;
    expect(natsMsg_Create(&msg, "x", NULL, body, (int)strlen(body)) == NATS_OK);
    expect(natsMsgHeader_Set(msg, "Parley-Status", status) == NATS_OK);
    expect(natsMsgHeader_Set(msg, "Parley-Error", "max_attachments") == NATS_OK);
    return msg;
}

static void accept_opening(const struct question *q)
{
    now->is_open = true;
    q->fn(q->arg, OK, make_answer("200", "{\"subject\":\"rpc.bytes.up.1.2.3\"}"));
}

/* The oldest question. A copy that refuses has dropped the upload by itself. */
static void answer_one(void)
{
    struct question q = now->asked[0];
    bool is_failing = now->asks_ever - now->ask_count + 1 == now->plan.failing;
    memmove(now->asked, now->asked + 1, --now->ask_count * sizeof(q));
    if (is_failing)
        now->has_heard_the_end = true;
    if (is_failing && now->bytes.len % 2 == 0)
        q.fn(q.arg, ERR_TIMEOUT, NULL);
    else if (is_failing)
        q.fn(q.arg, OK, make_answer("400", "{}"));
    else if (q.is_opening)
        accept_opening(&q);
    else
        q.fn(q.arg, OK, q.is_end ? make_answer("201", "{}") : make_answer("204", ""));
}

static void answer_until(size_t left)
{
    while (now->ask_count > left)
        answer_one();
}

/* ---- a request's way ---- */

static size_t piece_length(unsigned cut, size_t at)
{
    return cut == 0 ? MHD_PIECE : 1 + (at * 31 + cut) % (cut * cut * cut);
}

/* False: the client went away, or the rest of the form is of no use. */
static bool send_form(const struct buf *form)
{
    size_t pieces = 0;
    for (size_t at = 0; at < form->len;) {
        if (now->x.failed != OK || (now->plan.leaves > 0 && ++pieces > now->plan.leaves))
            return false;
        size_t len = piece_length(now->plan.cut, at);
        if (len > form->len - at)
            len = form->len - at;
        at += upload_handler.data(&now->x, form->data + at, len);
        if (now->is_suspended)
            answer_one();
        else
            answer_until(now->plan.patience);
    }
    return now->x.failed == OK;
}

static void end_form(void)
{
    while (!now->is_answered) {
        (void)upload_handler.end(&now->x);
        if (now->is_suspended)
            answer_one();
    }
}

static void expect_a_clean_end(void)
{
    expect(now->ask_count == 0 && !now->is_suspended);
    expect(!now->is_open || now->has_heard_the_end);
    if (now->is_answered && now->outcome == OK)
        expect(now->head != NULL);
}

static void run_upload(struct MHD_Connection *connection, const struct buf *form)
{
    static const struct route route = {.subject = "media.upload.open"};
    now->x = (struct exchange){.connection = connection, .match.route = &route};
    upload_handler.begin(&now->x);
    if (now->x.failed == OK && send_form(form))
        end_form();
    else if (now->x.failed != OK && !now->is_answered)
        (void)answered(now->x.failed);
    now->is_suspended = false;
    upload_handler.free(now->x.raw_state);
    answer_until(0);
    answer_done(&now->x.answer);
    expect_a_clean_end();
}

static void run_done(struct run *r)
{
    free(r->head);
    buf_done(&r->bytes);
}

/* ---- an input ---- */

struct input {
    struct plan plan;
    const char *type;
    struct buf form;
};

static void expect_same(const struct run *a, const struct run *b)
{
    expect(a->is_answered == b->is_answered && a->outcome == b->outcome);
    if (a->outcome != OK)
        return;
    expect(strcmp(a->head, b->head) == 0 && a->bytes.len == b->bytes.len);
    expect(a->bytes.len == 0 || memcmp(a->bytes.data, b->bytes.data, a->bytes.len) == 0);
}

/* All of it happens within the handler's first call: the connection is wanted for its headers. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **con_cls)
{
    const struct input *in = *(struct input **)cls;
    struct run cut = {.plan = in->plan};
    struct run whole = {.plan.patience = 1};
    expect(url != NULL && method != NULL && version != NULL && data == NULL && *len == 0);
    *con_cls = NULL;
    now = &cut;
    run_upload(connection, &in->form);
    now = &whole;
    run_upload(connection, &in->form);
    if (in->plan.failing == 0 && in->plan.leaves == 0)
        expect_same(&cut, &whole);
    run_done(&cut);
    run_done(&whole);
    return MHD_NO;
}

static void send_head(const struct input *in)
{
    static const struct input *current;
    static struct MHD_Daemon *daemon;
    const struct sockaddr peer = {.sa_family = AF_UNIX};
    int ends[2];
    if (daemon == NULL)
        daemon = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0, NULL, NULL, on_request,
                                  &current, MHD_OPTION_END);
    expect(daemon != NULL && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    auto_buf struct buf head = {0};
    buf_printf(&head,
               "POST /u HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
               in->type, in->form.len + 1);
    expect(write(ends[1], head.data, head.len) == (ssize_t)head.len);
    current = in;
    expect(MHD_add_connection(daemon, ends[0], &peer, sizeof(peer)) == MHD_YES);
    expect(MHD_run(daemon) == MHD_YES);
    close(ends[1]);
    expect(MHD_run(daemon) == MHD_YES);
    current = NULL;
}

static struct plan read_plan(const char *text)
{
    unsigned v[4] = {0};
    for (size_t i = 0; i < 4 && text[i] != '\0'; i++)
        v[i] = (unsigned char)text[i] & 0xf;
    return (struct plan){v[0], v[1], v[2], v[3] % UPLOAD_WINDOW};
}

static void fill_form(struct fuzz_text rest, struct buf *form)
{
    auto_heap char *filler = heap_alloc(FILLER);
    memset(filler, 'a', FILLER);
    for (size_t i = 0; i < rest.len && form->len < FORM_BYTES_MAX; i++)
        if ((unsigned char)rest.at[i] == 0xff)
            buf_add(form, filler, FILLER);
        else
            buf_addc(form, rest.at[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_open;
    /* libnats frees messages through a thread of its own. */
    if (!is_open)
        expect(nats_Open(-1) == NATS_OK);
    is_open = true;

    auto_arena struct arena a = {0};
    struct fuzz_text rest = fuzz_text(data, size);
    struct input in = {.plan = read_plan(fuzz_line(&a, &rest)), .type = fuzz_line(&a, &rest)};
    fill_form(rest, &in.form);
    if (strpbrk(in.type, "\r\n") == NULL)
        send_head(&in);
    buf_done(&in.form);
    return 0;
}
