/* SPDX-License-Identifier: MIT
 *
 * Any text as the frames of one client, a frame a line, given to the real command table with
 * everything around it played here. Each frame has an outcome, what is sent back is JSON, and a
 * service gets the `d` the client wrote. */

#include "gateway/call.h"
#include "gateway/command.h"
#include "gateway/cursors.h"
#include "gateway/entry.h"
#include "gateway/loop.h"
#include "gateway/routes.h"
#include "gateway/session.h"
#include "shared/base/str.h"
#include "shared/domain/limit.h"
#include "shared/wire/json.h"
#include "tests/fuzz/fuzz.h"

enum { FRAMES_A_WINDOW = 30, POSTS_MAX = 64, STRICT = JSON_REJECT_DUPLICATES };

static struct {
    struct session session;
    struct loop loop;
    struct post *posts[POSTS_MAX + 1];
    size_t post_count;
    size_t outcomes;
    json_t *frame; /* the one being handled, when it is JSON */
} now;

/* ---- what the command table leans on ---- */

void session_close(struct session *s, enum close_reason why)
{
    s->state = SESSION_CLOSING;
    s->reason = why;
    now.outcomes++;
}

void session_send_json(struct session *s, enum frame_kind kind, const char *json, size_t len)
{
    auto_json json_t *sent = json_loadb(json, len, STRICT, NULL);
    expect(s == &now.session && kind == FRAME_ANSWER);
    expect(json_is_object(sent) && json_is_string(json_object_get(sent, "op")));
    now.outcomes++;
}

bool session_heard(struct session *s)
{
    return ++s->window_frames <= FRAMES_A_WINDOW;
}

bool session_is_flooding(const struct session *s)
{
    return s->window_frames > 2 * FRAMES_A_WINDOW;
}

void entry_identify(struct session *s, struct span token, bool is_ticket)
{
    expect(token.at != NULL && !is_ticket);
    s->state = SESSION_ACTIVE;
    now.outcomes++;
}

void entry_resume(struct session *s, const struct resume *r)
{
    struct cursors cursors = {0};
    expect(r->token.at != NULL);
    if (cursors_read(r->cursors, &cursors))
        cursors_done(&cursors);
    s->state = SESSION_ACTIVE;
    now.outcomes++;
}

void loop_ask_begins(struct loop *l)
{
    l->serials++;
}

void loop_ask_ends(struct loop *l)
{
    l->serials--;
}

void loop_post(struct loop *l, struct post *p)
{
    expect(l == &now.loop && now.post_count < POSTS_MAX);
    now.posts[now.post_count++] = p;
}

void answer_fail(struct answer *a, enum err e, const char *field, const char *message)
{
    expect((field == NULL) == (message == NULL));
    *a = (struct answer){.err = e, .status = err_status(e), .body = "{\"code\":0}", .len = 10};
}

void answer_done(struct answer *a)
{
    *a = (struct answer){0};
}

static void check_params(const char *text)
{
    const char *name;
    json_t *value;
    if (text == NULL)
        return;
    auto_json json_t *params = json_loads(text, STRICT | JSON_ALLOW_NUL, NULL);
    expect(json_is_object(params));
    json_object_foreach(params, name, value) expect(json_is_string(value));
}

static void check_body(const struct call *c)
{
    auto_json json_t *body = json_loadb(c->body, c->body_len, STRICT | JSON_DECODE_ANY, NULL);
    if (now.frame != NULL && c->body_len > 0)
        expect(json_equal(body, json_object_get(now.frame, "d")));
}

void call_start(struct gateway *g, const struct call *c, call_fn *fn, void *arg)
{
    struct answer answer = {.status = 200, .body = "{}", .len = c->body_len % 3 == 0 ? 0 : 2};
    expect(g == NULL && c->route->mode != MODE_RAW && c->body != NULL);
    check_params(c->params);
    check_body(c);
    now.outcomes++;
    fn(arg, &answer);
}

/* ---- the client ---- */

static void run_posts(void)
{
    for (size_t i = 0; i < now.post_count; i++)
        now.posts[i]->run(&now.loop, now.posts[i]);
    now.post_count = 0;
}

static void begin(void)
{
    static bool is_ready;
    if (!is_ready)
        routes_init();
    is_ready = true;
    memset(&now, 0, sizeof(now));
    now.session = (struct session){
        .loop = &now.loop, .serial = 1, .id = "abc", .ip = "192.0.2.1", .agent = "a client"};
    map_put(&now.loop.sessions, 1, &now.session);
}

static void receive(const char *frame, size_t len)
{
    size_t before = now.outcomes;
    now.frame = json_loadb(frame, len, STRICT, NULL);
    command_receive(&now.session, frame, len);
    json_decref(now.frame);
    expect(now.outcomes == before + 1);
    /* Answers come at once, or many together. */
    if (len % 2 == 0)
        run_posts();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    struct fuzz_text rest = fuzz_text(data, size);
    begin();
    while (rest.len > 0 && now.session.state != SESSION_CLOSING) {
        const char *at = rest.at;
        const char *line = fuzz_line(&a, &rest);
        size_t len = (size_t)(rest.at - at) - (rest.at[-1] == '\n');
        if (len <= LIMIT_FRAME)
            receive(line, len);
    }
    run_posts();
    expect(now.session.running == 0 && now.loop.serials == 0);
    replay_done(&now.session.out);
    map_done(&now.loop.sessions);
    return 0;
}
