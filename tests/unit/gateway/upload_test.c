/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "gateway/bytes.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/macros.h"
#include "shared/base/thread.h"
#include "shared/domain/limit.h"
#include "tests/test.h"
#include "tests/unit/gateway/front.h"

#define COPY "rpc.media.up.1"
#define PATH "/api/v1/media/upload"

enum { HELD_MAX = 64 };

/* A media copy that keeps what it gets. */
struct copy {
    struct front *front;
    struct bus_sub *subs[2];
    pthread_mutex_t lock;
    struct buf bytes;
    bool is_out_of_order;
    bool is_holding; /* answers nothing until told */
    int refuse_at;   /* which piece is refused; 0: none */
    int pieces;
    int most_unanswered;
    int unanswered;
    char *held[HELD_MAX]; /* reply subjects */
    int64_t ended_with;
    bool is_aborted;
};

static int64_t header_number(natsMsg *msg, const char *name)
{
    const char *text = NULL;
    return natsMsgHeader_Get(msg, name, &text) == NATS_OK ? strtoll(text, NULL, 10) : -1;
}

static void answer(struct copy *c, const char *to, const char *status, const char *body)
{
    const char *error = status[0] == '4' ? "max_attachments" : NULL;
    struct bus_head heads[] = {
        {"Parley-Status", status},
        {"Parley-Error",  error }
    };
    struct bus_out out = {
        .subject = to, .heads = heads, .head_count = 2, .body = body, .body_len = strlen(body)};
    CHECK_INT(bus_send(c->front->services, &out), OK);
}

static void take_piece(struct copy *c, natsMsg *msg)
{
    c->is_out_of_order |= header_number(msg, BYTES_OFFSET) != (int64_t)c->bytes.len;
    buf_add(&c->bytes, natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg));
    c->pieces++;
    if (c->pieces == c->refuse_at) {
        answer(c, natsMsg_GetReply(msg), "400", "{\"code\":30015}");
    } else if (c->is_holding && c->unanswered < HELD_MAX) {
        c->held[c->unanswered++] = heap_strdup(natsMsg_GetReply(msg));
        if (c->unanswered > c->most_unanswered)
            c->most_unanswered = c->unanswered;
    } else {
        answer(c, natsMsg_GetReply(msg), "204", "");
    }
}

static void on_message(void *arg, natsMsg *msg)
{
    struct copy *c = arg;
    const char *what = natsMsg_GetSubject(msg) + sizeof(COPY) - 1;
    pthread_mutex_lock(&c->lock);
    if (strcmp(what, ".end") == 0) {
        c->ended_with = header_number(msg, BYTES_SIZE);
        answer(c, natsMsg_GetReply(msg), "201", "{\"id\":\"5\"}");
    } else if (strcmp(what, ".abort") == 0) {
        c->is_aborted = true;
    } else {
        take_piece(c, msg);
    }
    pthread_mutex_unlock(&c->lock);
    natsMsg_Destroy(msg);
}

static void release_held(struct copy *c)
{
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->unanswered; i++) {
        answer(c, c->held[i], "204", "");
        free(c->held[i]);
    }
    c->unanswered = 0;
    c->is_holding = false;
    pthread_mutex_unlock(&c->lock);
}

static void copy_open(struct copy *c, struct front *w)
{
    *c = (struct copy){.front = w, .ended_with = -1};
    front_begin(w);
    front_open(w);
    pthread_mutex_init(&c->lock, NULL);
    front_answer(w, "rpc.media.upload.open", 200, "{\"subject\":\"" COPY "\"}");
    CHECK_INT(bus_hear(w->services, COPY, NULL, on_message, c, &c->subs[0]), OK);
    CHECK_INT(bus_hear(w->services, COPY ".*", NULL, on_message, c, &c->subs[1]), OK);
    CHECK_INT(bus_flush(w->services, 2000), OK);
}

static void copy_close(struct copy *c)
{
    bus_unhear(c->subs[0]);
    bus_unhear(c->subs[1]);
    front_close(c->front);
    buf_done(&c->bytes);
    pthread_mutex_destroy(&c->lock);
}

#define FILE_PART(name)                                                                    \
    "--parley\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" name "\"\r\n" \
    "Content-Type: image/png\r\n\r\n"

static void write_head(struct copy *c, size_t size, struct buf *out)
{
    buf_printf(out,
               "POST " PATH " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
               "Authorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=parley\r\n"
               "Content-Length: %zu\r\n\r\n",
               front_token(c->front, 7, 90), size);
}

/* A form with one file of so many bytes, which repeat a pattern of a prime length. */
static void write_form(struct copy *c, size_t size, struct buf *out)
{
    static const char head[] =
        "--parley\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n" FILE_PART(
            "../a.bin");
    static const char tail[] = "\r\n--parley--\r\n";
    write_head(c, sizeof(head) - 1 + size + sizeof(tail) - 1, out);
    buf_adds(out, head);
    for (size_t i = 0; i < size; i++)
        buf_addc(out, (char)('A' + i % 23));
    buf_adds(out, tail);
}

static bool is_pattern(const struct buf *bytes, size_t size)
{
    bool is_good = bytes->len == size;
    for (size_t i = 0; is_good && i < size; i++)
        is_good = bytes->data[i] == (char)('A' + i % 23);
    return is_good;
}

TEST(a_file_arrives_whole_and_in_order)
{
    static const size_t sizes[] = {1, UPLOAD_PIECE - 1, UPLOAD_PIECE, UPLOAD_PIECE + 1, 3000000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct front w;
        struct copy c;
        auto_buf struct buf form = {0};
        copy_open(&c, &w);
        write_form(&c, sizes[i], &form);
        const char *got = front_http(&w, form.data, form.len);
        CHECK_INT(http_status(got), 201);
        CHECK_STR(http_body(got), "{\"id\":\"5\"}");
        CHECK(is_pattern(&c.bytes, sizes[i]));
        CHECK(!c.is_out_of_order);
        CHECK_INT(c.ended_with, (long long)sizes[i]);
        CHECK_STR(w.fakes[2].last_body, "{\"filename\":\"a.bin\",\"content_type\":\"image/png\"}");
        copy_close(&c);
    }
}

struct sender {
    struct copy *copy;
    struct buf form;
    const char *got;
    atomic_bool is_done;
};

static void *send_form(void *arg)
{
    struct sender *s = arg;
    s->got = front_http(s->copy->front, s->form.data, s->form.len);
    atomic_store(&s->is_done, true);
    return NULL;
}

static bool is_window_full(void *arg)
{
    struct copy *c = arg;
    pthread_mutex_lock(&c->lock);
    bool is_full = c->unanswered >= UPLOAD_WINDOW;
    pthread_mutex_unlock(&c->lock);
    return is_full;
}

TEST(a_slow_copy_slows_the_client_and_nothing_piles_up)
{
    struct front w;
    struct copy c;
    copy_open(&c, &w);
    c.is_holding = true;
    struct sender s = {.copy = &c};
    write_form(&c, 2000000, &s.form);
    pthread_t thread;
    thread_start(&thread, send_form, &s);
    CHECK(front_wait(is_window_full, &c));

    /* A fifth piece would be here long before this question and its answer. */
    CHECK_INT(bus_ping(w.services, 2000), OK);
    CHECK_INT(bus_ping(w.g.bus, 2000), OK);
    pthread_mutex_lock(&c.lock);
    CHECK_INT(c.most_unanswered, UPLOAD_WINDOW);
    pthread_mutex_unlock(&c.lock);
    CHECK(!atomic_load(&s.is_done));
    release_held(&c);
    pthread_join(thread, NULL);
    CHECK_INT(http_status(s.got), 201);
    CHECK(is_pattern(&c.bytes, 2000000));
    buf_done(&s.form);
    copy_close(&c);
}

TEST(a_piece_that_is_refused_is_the_answer)
{
    struct front w;
    struct copy c;
    auto_buf struct buf form = {0};
    copy_open(&c, &w);
    c.refuse_at = 2;
    write_form(&c, 700000, &form);
    const char *got = front_http(&w, form.data, form.len);
    CHECK_INT(http_status(got), 400);
    CHECK_STR(http_body(got), "{\"code\":30015}");
    CHECK_INT(c.ended_with, -1);
    copy_close(&c);
}

static bool is_told(void *arg)
{
    struct copy *c = arg;
    pthread_mutex_lock(&c->lock);
    bool is_aborted = c->is_aborted;
    pthread_mutex_unlock(&c->lock);
    return is_aborted;
}

TEST(a_form_that_breaks_off_is_refused_and_told_to_the_copy)
{
    struct front w;
    struct copy c;
    auto_buf struct buf form = {0};
    copy_open(&c, &w);
    write_form(&c, 100000, &form);
    memset(form.data + form.len - 9, 'x', 9); /* no closing boundary */
    CHECK_INT(http_status(front_http(&w, form.data, form.len)), 400);
    CHECK(front_wait(is_told, &c));
    CHECK_INT(c.ended_with, -1);
    copy_close(&c);
}

TEST(a_field_without_a_file_is_passed_over_and_an_empty_file_is_one)
{
    static const char body[] = FILE_PART("") "\r\n" FILE_PART("empty") "\r\n" FILE_PART(
        "other") "not this one\r\n--parley--\r\n";
    struct front w;
    struct copy c;
    auto_buf struct buf form = {0};
    copy_open(&c, &w);
    write_head(&c, sizeof(body) - 1, &form);
    buf_adds(&form, body);
    CHECK_INT(http_status(front_http(&w, form.data, form.len)), 201);
    CHECK_STR(w.fakes[2].last_body, "{\"filename\":\"empty\",\"content_type\":\"image/png\"}");
    CHECK_INT(c.ended_with, 0);
    copy_close(&c);
}

TEST(a_client_that_goes_away_leaves_no_half_file)
{
    struct front w;
    struct copy c;
    auto_buf struct buf form = {0};
    copy_open(&c, &w);
    write_form(&c, 1000000, &form);
    front_http(&w, form.data, 500000); /* then the end of the stream */
    CHECK(front_wait(is_told, &c));
    CHECK_INT(c.ended_with, -1);
    copy_close(&c);
}

TEST(a_file_past_the_limit_is_not_read_at_all)
{
    struct front w;
    struct copy c;
    copy_open(&c, &w);
    const char *head = arena_printf(&w.arena,
                                    "POST " PATH " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                    "Authorization: Bearer %s\r\nContent-Length: %d\r\n"
                                    "Content-Type: multipart/form-data; boundary=parley\r\n\r\n",
                                    front_token(&w, 7, 91), 2 * LIMIT_FILE);
    CHECK_INT(http_status(front_http(&w, head, strlen(head))), 413);
    CHECK_INT(c.pieces, 0);
    copy_close(&c);
}
