/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "gateway/bytes.h"
#include "shared/base/buf.h"
#include "shared/base/macros.h"
#include "tests/test.h"
#include "tests/unit/gateway/front.h"

#define BLOCKS "rpc.media.block.9"
#define PATH   "/api/v1/media/files/9/a.txt?exp=1&sig=x"

enum { FILE_SIZE = 1000003 };

static const char opened[] =
    "{\"size\":1000003,\"content_type\":\"text/plain\",\"filename\":\"\\u00e4 \\\"b\\\".txt\","
    "\"etag\":\"\\\"tag\\\"\",\"is_inline\":true,\"subject\":\"" BLOCKS "\"}";

/* A copy that has the file; from fail_at on it has lost it. */
struct copy {
    struct front *front;
    struct bus_sub *sub;
    _Atomic int64_t fail_at;
    atomic_int asked;
};

static int64_t header_number(natsMsg *msg, const char *name)
{
    const char *text = NULL;
    return natsMsgHeader_Get(msg, name, &text) == NATS_OK ? strtoll(text, NULL, 10) : -1;
}

static char byte_at(int64_t offset)
{
    return (char)('A' + offset % 23);
}

static void on_block(void *arg, natsMsg *msg)
{
    struct copy *c = arg;
    auto_buf struct buf bytes = {0};
    int64_t offset = header_number(msg, BYTES_OFFSET);
    int64_t size = header_number(msg, BYTES_SIZE);
    bool is_lost = c->fail_at > 0 && offset >= c->fail_at;
    for (int64_t i = 0; i < size && !is_lost; i++)
        buf_addc(&bytes, byte_at(offset + i));
    struct bus_head heads[] = {
        {"Parley-Status", is_lost ? "404" : "200"              },
        {"Parley-Error",  is_lost ? "unknown_attachment" : NULL}
    };
    struct bus_out out = {.subject = natsMsg_GetReply(msg),
                          .heads = heads,
                          .head_count = 2,
                          .body = bytes.data,
                          .body_len = bytes.len};
    atomic_fetch_add(&c->asked, 1);
    CHECK_INT(bus_send(c->front->services, &out), OK);
    natsMsg_Destroy(msg);
}

static void copy_open(struct copy *c, struct front *w)
{
    *c = (struct copy){.front = w};
    front_begin(w);
    front_open(w);
    front_answer(w, "rpc.media.file.open", 200, opened);
    CHECK_INT(bus_hear(w->services, BLOCKS, NULL, on_block, c, &c->sub), OK);
    CHECK_INT(bus_flush(w->services, 2000), OK);
}

static void copy_close(struct copy *c)
{
    bus_unhear(c->sub);
    front_close(c->front);
}

static bool is_content(const char *body, int64_t offset, int64_t size)
{
    bool is_good = (int64_t)strlen(body) == size;
    for (int64_t i = 0; is_good && i < size; i++)
        is_good = body[i] == byte_at(offset + i);
    return is_good;
}

TEST(a_file_comes_whole_with_headers_that_make_it_harmless)
{
    struct front w;
    struct copy c;
    copy_open(&c, &w);
    const char *got = front_get(&w, PATH, "");
    CHECK_INT(http_status(got), 200);
    CHECK(is_content(http_body(got), 0, FILE_SIZE));
    CHECK(strstr(got, "Content-Disposition: inline; filename*=UTF-8''%C3%A4%20%22b%22.txt\r\n"));
    CHECK(strstr(got, "X-Content-Type-Options: nosniff\r\n"));
    CHECK(strstr(got, "sandbox\r\n"));
    CHECK(strstr(got, "ETag: \"tag\"\r\n"));
    CHECK_INT(atomic_load(&c.asked), (FILE_SIZE + DOWNLOAD_BLOCK - 1) / DOWNLOAD_BLOCK);
    copy_close(&c);
}

TEST(a_range_asks_only_for_its_blocks)
{
    struct front w;
    struct copy c;
    copy_open(&c, &w);
    const char *got = front_get(&w, PATH, "Range: bytes=200000-200099\r\n");
    CHECK_INT(http_status(got), 206);
    CHECK(is_content(http_body(got), 200000, 100));
    CHECK(strstr(got, "Content-Range: bytes 200000-200099/1000003\r\n"));
    CHECK_INT(atomic_load(&c.asked), 1);
    got = front_get(&w, PATH, "Range: bytes=2000000-\r\n");
    CHECK_INT(http_status(got), 416);
    CHECK(strstr(got, "Content-Range: bytes */1000003\r\n"));
    copy_close(&c);
}

TEST(what_the_client_has_is_not_sent_again)
{
    struct front w;
    struct copy c;
    copy_open(&c, &w);
    CHECK_INT(http_status(front_get(&w, PATH, "If-None-Match: \"tag\"\r\n")), 304);
    const char *head = "HEAD " PATH " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const char *got = front_http(&w, head, strlen(head));
    CHECK_INT(http_status(got), 200);
    CHECK(strstr(got, "Content-Length: 1000003\r\n"));
    CHECK_STR(http_body(got), "");
    CHECK_INT(atomic_load(&c.asked), 0);
    copy_close(&c);
}

TEST(a_file_that_gets_lost_ends_the_connection_and_not_the_gateway)
{
    struct front w;
    struct copy c;
    copy_open(&c, &w);
    c.fail_at = 3 * DOWNLOAD_BLOCK;
    const char *got = front_get(&w, PATH, "");
    CHECK_INT(http_status(got), 200);
    CHECK(strlen(http_body(got)) < FILE_SIZE);
    c.fail_at = 0;
    CHECK(is_content(http_body(front_get(&w, PATH, "")), 0, FILE_SIZE));
    copy_close(&c);
}

TEST(a_link_that_is_refused_is_a_problem_document)
{
    struct front w;
    struct copy c;
    copy_open(&c, &w);
    front_answer(&w, "rpc.media.file.open", 403, "{\"code\":90024}")->error = "link_expired";
    const char *got = front_get(&w, PATH, "");
    CHECK_INT(http_status(got), 403);
    CHECK_STR(http_body(got), "{\"code\":90024}");
    CHECK_STR(w.fakes[2].last_params,
              "{\"exp\":\"1\",\"sig\":\"x\",\"attachment_id\":\"9\",\"filename\":\"a.txt\"}");
    copy_close(&c);
}
