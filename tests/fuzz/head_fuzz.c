/* SPDX-License-Identifier: MIT
 *
 * Any text as what a client says about itself, on its way over the bus: it never breaks out of its
 * header, and the service reads what the gateway meant. And any text as each header of a request or
 * an answer, as if another process had garbled it. Lines: see the tables below. */

#include "gateway/ask.h"
#include "shared/base/clock.h"
#include "shared/base/str.h"
#include "shared/wire/bus.h"
#include "shared/wire/bus_private.h"
#include "tests/fuzz/fuzz.h"

static bool is_line(const char *text)
{
    return text != NULL && strpbrk(text, "\r\n") == NULL;
}

static bool is_same(const char *sent, const char *read)
{
    return !is_line(sent) || (read != NULL && strcmp(sent, read) == 0);
}

static snowflake read_id(const char *text)
{
    snowflake id;
    return snowflake_parse(text, &id) ? id : 0;
}

/* As the gateway sends it: nothing a client wrote may stop the message or change another header. */
static void check_caller(struct arena *a, struct fuzz_text *rest)
{
    struct caller said = {
        .user = read_id(fuzz_line(a, rest)),
        .session = read_id(fuzz_line(a, rest)),
        .request_id = fuzz_header(a, rest),
        .agent = fuzz_header(a, rest),
        .locale = fuzz_header(a, rest),
        .trace = fuzz_header(a, rest),
    };
    said.key = fuzz_header(a, rest);
    said.is_admin = rest->len % 2 == 1;
    said.is_bot = rest->len % 3 == 1;
    struct bus_head heads[BUS_HEADS_MAX];
    size_t count = bus_caller_heads(&said, mono_us() + 1000000, a, heads);
    struct bus_out out = {.subject = "rpc.x", .heads = heads, .head_count = count};
    auto_msg natsMsg *msg = NULL;
    expect(bus_msg_make(&out, &msg) == OK);

    struct caller read;
    int64_t deadline_us;
    bus_caller_read(msg, a, &read, &deadline_us);
    expect(read.user == said.user && read.session == said.session && read.app == said.app);
    expect(read.is_admin == said.is_admin && read.is_bot == said.is_bot);
    expect(is_same(said.agent, read.agent) && is_same(said.locale, read.locale));
    expect(is_same(said.key, read.key) && is_same(said.trace, read.trace));
    expect(is_same(said.request_id, read.request_id));
    expect(deadline_us <= mono_us() + 1000000);
}

/* As nobody of ours would send it. */
static void check_garbled(struct arena *a, struct fuzz_text *rest)
{
    static const char *const names[] = {
        "Parley-Actor",    "Parley-App",    "Parley-Session", "Parley-Flags",
        "Parley-Deadline", "Parley-Status", "Parley-Error",   "Parley-Retry-After",
    };
    struct bus_head heads[ARRAY_LEN(names)];
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        heads[i] = (struct bus_head){names[i], fuzz_header(a, rest)};
    struct bus_out out = {.subject = "rpc.x", .heads = heads, .head_count = ARRAY_LEN(names)};
    auto_msg natsMsg *msg = NULL;
    if (bus_msg_make(&out, &msg) != OK)
        return;

    struct caller read;
    struct ask_answer answer;
    int64_t deadline_us;
    bus_caller_read(msg, a, &read, &deadline_us);
    expect(read.user <= INT64_MAX && read.app <= INT64_MAX && read.session <= INT64_MAX);
    expect(read.request_id != NULL && read.ip != NULL && read.agent != NULL);
    expect(deadline_us <= mono_us() + 30 * INT64_C(1000000));
    ask_read(OK, msg, &answer);
    expect((answer.err == OK) == (answer.status >= 200 && answer.status < 300));
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
    check_caller(&a, &rest);
    check_garbled(&a, &rest);
    return 0;
}
