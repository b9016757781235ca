/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "gateway/identity.h"
#include "gateway/routes.h"
#include "shared/base/clock.h"
#include "shared/base/macros.h"
#include "shared/crypto/secret.h"
#include "shared/domain/limit.h"
#include "tests/test.h"
#include "tests/unit/gateway/front.h"

#define API  "/api/v1"
#define JSON "Content-Type: application/json\r\n"

static const char *bearer(struct front *w, snowflake session)
{
    return arena_printf(&w->arena, "Authorization: Bearer %s\r\n", front_token(w, 7, session));
}

TEST(what_a_service_answers_is_what_the_client_gets)
{
    struct front w;
    front_begin(&w);
    front_open(&w);
    struct fake *f = front_answer(&w, "rpc.auth.profile.get", 200, "{\"id\":\"9\"}");
    const char *got = front_get(&w, API "/users/9?x=1", bearer(&w, 70));
    CHECK_INT(http_status(got), 200);
    CHECK_STR(http_body(got), "{\"id\":\"9\"}");
    CHECK(strstr(got, "Content-Type: application/json\r\n") != NULL);
    CHECK_STR(f->last_params, "{\"x\":\"1\",\"user_id\":\"9\"}");
    front_close(&w);
}

TEST(a_body_reaches_the_service_untouched)
{
    struct front w;
    front_begin(&w);
    front_open(&w);
    struct fake *f = front_answer(&w, "rpc.auth.session.create", 200, "{}");
    const char *body = "{ \"login\" : \"a\", \"password\":\"b\" }";
    CHECK_INT(http_status(front_post(&w, API "/auth/login", JSON, body)), 200);
    CHECK_STR(f->last_body, body);
    front_close(&w);
}

TEST(only_what_a_proxy_of_ours_added_says_where_a_request_comes_from)
{
    struct front w;
    front_begin(&w);
    w.settings.trusted_proxies = "127.0.0.1";
    front_open(&w);
    struct fake *f = front_answer(&w, "rpc.auth.session.create", 200, "{}");
    const char *made_up = JSON "X-Forwarded-For: 192.0.2.1, 192.0.2.2\r\n";
    (void)front_post(&w, API "/auth/login", made_up, "{}");
    CHECK_STR(f->last_ip, "192.0.2.2");
    const char *two_lines = arena_printf(&w.arena, "%sx-forwarded-for: 203.0.113.5\r\n", made_up);
    (void)front_post(&w, API "/auth/login", two_lines, "{}");
    CHECK_STR(f->last_ip, "203.0.113.5");
    front_close(&w);
}

TEST(a_service_that_refuses_is_passed_on_as_a_problem)
{
    struct front w;
    front_begin(&w);
    front_open(&w);
    front_answer(&w, "rpc.auth.profile.get", 404, "{\"code\":10013}")->error = "unknown_user";
    const char *got = front_get(&w, API "/users/9", bearer(&w, 71));
    CHECK_INT(http_status(got), 404);
    CHECK(strstr(got, "Content-Type: application/problem+json\r\n") != NULL);
    CHECK_STR(http_body(got), "{\"code\":10013}");
    front_close(&w);
}

TEST(a_service_that_never_answers_costs_its_deadline_and_no_more)
{
    struct front w;
    front_begin(&w);
    w.settings.request_timeout_ms = 300;
    front_open(&w);
    front_answer(&w, "rpc.auth.profile.get", 0, "");
    int64_t before = mono_us();
    const char *got = front_get(&w, API "/users/9", bearer(&w, 72));
    CHECK_INT(http_status(got), 504);
    CHECK(mono_us() - before >= 300 * 1000 && mono_us() - before < 2000 * 1000);
    front_close(&w);
}

TEST(a_service_that_is_not_there_is_unavailable_at_once)
{
    struct front w;
    front_begin(&w);
    front_open(&w);
    const char *got = front_get(&w, API "/users/9", bearer(&w, 73));
    CHECK_INT(http_status(got), 503);
    CHECK(strstr(got, "Retry-After: 1\r\n") != NULL);
    front_close(&w);
}

TEST(nobody_signed_in_is_asked_to_and_told_how)
{
    static const char *const headers[] = {
        "", "Authorization: Basic eDp5\r\n", "Authorization: Bearer\r\n",
        "Authorization: Bearer x\r\n", "Authorization: Bearer a.b.c\r\n"};
    struct front w;
    front_begin(&w);
    front_open(&w);
    struct fake *f = front_answer(&w, "rpc.auth.profile.get", 200, "{}");
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        const char *got = front_get(&w, API "/users/9", headers[i]);
        CHECK_INT(http_status(got), 401);
        CHECK(strstr(got, "WWW-Authenticate: Bearer\r\n") != NULL);
    }
    CHECK_INT(atomic_load(&f->asked), 0);
    front_close(&w);
}

static const char *made_up_key(struct front *w)
{
    char key[SECRET_TEXT_SIZE];
    secret_new(SECRET_API_KEY, key);
    return arena_printf(&w->arena, "Authorization: Bearer %s\r\n", key);
}

TEST(who_guesses_credentials_is_stopped_before_they_are_looked_at)
{
    struct front w;
    front_begin(&w);
    w.settings.limits[RATE_GENERAL] = (struct rate){5, 60};
    w.settings.trusted_proxies = "127.0.0.1";
    front_open(&w);
    front_answer(&w, "rpc.auth.profile.get", 200, "{}");
    struct fake *auth = front_answer(&w, "rpc.auth.credential.check", 401, "{}");
    auth->error = "unauthorized";
    const char *known = bearer(&w, 76);
    CHECK_INT(http_status(front_get(&w, API "/users/9", known)), 200);
    for (int i = 0; i < 5; i++)
        CHECK_INT(http_status(front_get(&w, API "/users/9", made_up_key(&w))), 401);
    int asked = atomic_load(&auth->asked);
    const char *got = front_get(&w, API "/users/9", made_up_key(&w));
    CHECK_INT(http_status(got), 429);
    CHECK(strstr(got, "Retry-After: ") != NULL);
    CHECK_INT(http_status(front_get(&w, API "/users/9", bearer(&w, 77))), 429);
    CHECK_INT(atomic_load(&auth->asked), asked);
    /* Neither who was known before nor anybody else is held up. */
    CHECK_INT(http_status(front_get(&w, API "/users/9", known)), 200);
    const char *elsewhere =
        arena_printf(&w.arena, "%sX-Forwarded-For: 192.0.2.9\r\n", bearer(&w, 78));
    CHECK_INT(http_status(front_get(&w, API "/users/9", elsewhere)), 200);
    front_close(&w);
}

static bool is_refused(void *arg)
{
    struct front *w = arg;
    return http_status(front_get(w, API "/users/9", bearer(w, 74))) == 401;
}

TEST(a_session_that_ended_is_refused_within_a_second)
{
    struct front w;
    front_begin(&w);
    front_open(&w);
    front_answer(&w, "rpc.auth.profile.get", 200, "{}");
    CHECK_INT(http_status(front_get(&w, API "/users/9", bearer(&w, 74))), 200);
    static const char gone[] = "{\"session_ids\":[\"74\"],\"user_id\":\"7\",\"app_id\":\"1\"}";
    struct bus_out out = {
        .subject = "evt.v1.1.i.7.session.revoke", .body = gone, .body_len = sizeof(gone) - 1};
    int64_t before = mono_us();
    CHECK_INT(bus_send(w.services, &out), OK);
    CHECK(front_wait(is_refused, &w));
    CHECK(mono_us() - before < 1000000);
    CHECK_INT(http_status(front_get(&w, API "/users/9", bearer(&w, 75))), 200);
    front_close(&w);
}

static bool knows_who_left(void *arg)
{
    return identities_is_ready(((struct front *)arg)->g.identities);
}

TEST(nobody_is_let_in_before_it_is_known_who_was_logged_out)
{
    struct front w;
    front_begin(&w);
    front_open(&w);
    struct identities *before = w.g.identities;
    struct identities *fresh = NULL;
    front_answer(&w, "rpc.auth.profile.get", 200, "{}");
    front_answer(&w, "rpc.auth.session.revoked", 0, "");
    CHECK_INT(identities_open(&w.g, &fresh), OK);
    w.g.identities = fresh;
    const char *got = front_get(&w, API "/users/9", bearer(&w, 79));
    CHECK_INT(http_status(got), 503);
    CHECK(strstr(got, "Retry-After: 1\r\n") != NULL);
    front_answer(&w, "rpc.auth.session.revoked", 200,
                 "{\"session_ids\":[\"80\"],\"until\":\"2026-01-01T00:00:00.000Z\","
                 "\"has_more\":false}");
    CHECK(front_wait(knows_who_left, &w));
    CHECK_INT(http_status(front_get(&w, API "/users/9", bearer(&w, 79))), 200);
    CHECK_INT(http_status(front_get(&w, API "/users/9", bearer(&w, 80))), 401);
    w.g.identities = before;
    identities_stop(fresh);
    front_close(&w);
    identities_close(fresh);
}

/* GET /instance tells LIMIT_BODY, and that is what holds. */
TEST(a_body_as_large_as_the_instance_tells_is_taken_and_one_byte_more_is_not)
{
    struct front w;
    front_begin(&w);
    front_open(&w);
    struct fake *f = front_answer(&w, "rpc.auth.session.create", 200, "{}");
    char *body = arena_alloc(&w.arena, LIMIT_BODY + 2);
    memset(body, ' ', LIMIT_BODY);
    body[0] = '{';
    body[1] = '}';
    CHECK_INT(http_status(front_post(&w, API "/auth/login", JSON, body)), 200);
    CHECK_INT(atomic_load(&f->asked), 1);
    body[LIMIT_BODY] = ' ';
    CHECK_INT(http_status(front_post(&w, API "/auth/login", JSON, body)), 413);
    const char *chunked = arena_printf(&w.arena,
                                       "POST " API "/auth/login HTTP/1.1\r\nHost: x\r\n"
                                       "Connection: close\r\nTransfer-Encoding: chunked\r\n" JSON
                                       "\r\n%x\r\n%s\r\n0\r\n\r\n",
                                       LIMIT_BODY + 1, body);
    CHECK_INT(http_status(front_http(&w, chunked, strlen(chunked))), 413);
    CHECK_INT(atomic_load(&f->asked), 1);
    front_close(&w);
}

TEST(only_json_is_taken_as_a_body)
{
    static const char *const types[] = {"", "Content-Type: text/plain\r\n",
                                        "Content-Type: application/x-www-form-urlencoded\r\n",
                                        "Content-Type: application/jsonp\r\n"};
    struct front w;
    front_begin(&w);
    front_open(&w);
    front_answer(&w, "rpc.auth.session.create", 200, "{}");
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        CHECK_INT(http_status(front_post(&w, API "/auth/login", types[i], "{}")), 415);
    CHECK_INT(http_status(front_post(&w, API "/auth/login",
                                     "Content-Type: application/json; charset=utf-8\r\n", "{}")),
              200);
    front_close(&w);
}

TEST(a_class_ends_after_its_count_and_says_so)
{
    struct front w;
    front_begin(&w);
    w.settings.limits[RATE_GENERAL] = (struct rate){2, 60};
    front_open(&w);
    front_answer(&w, "rpc.auth.profile.get", 200, "{}");
    const char *token = arena_printf(&w.arena, "Authorization: Bearer %s\r\n",
                                     front_token(&w, (snowflake)mono_us(), 76));
    const char *got = front_get(&w, API "/users/9", token);
    CHECK_INT(http_status(got), 200);
    CHECK(strstr(got, "X-RateLimit-Limit: 2\r\n") != NULL);
    CHECK(strstr(got, "X-RateLimit-Remaining: 1\r\n") != NULL);
    CHECK(strstr(got, "X-RateLimit-Bucket: general\r\n") != NULL);
    CHECK_INT(http_status(front_get(&w, API "/users/9", token)), 200);
    got = front_get(&w, API "/users/9", token);
    CHECK_INT(http_status(got), 429);
    CHECK(strstr(got, "Retry-After: 60\r\n") != NULL);
    front_close(&w);
}

/* One request of a row, wrong in one way or right. */
struct knock {
    const char *id; /* in the path's parameters */
    const char *headers;
    bool is_signed_in;
    size_t body_len; /* of a body in one chunk; 0: none */
};

static const char *knock_at(struct front *w, const struct route *r, const struct knock *k)
{
    auto_buf struct buf out = {0};
    snowflake user = (snowflake)mono_us(); /* whose windows no other test has used */
    buf_printf(&out, "%s " API, r->method);
    for (const char *at = r->path; *at != '\0'; at++) {
        if (*at != '{') {
            buf_addc(&out, *at);
            continue;
        }
        buf_adds(&out, k->id);
        at = strchr(at, '}');
    }
    buf_printf(&out, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s", k->headers);
    if (k->is_signed_in)
        buf_printf(&out, "Authorization: Bearer %s\r\n", front_token(w, user, 90));
    if (k->body_len > 0) {
        buf_printf(&out, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", k->body_len);
        for (size_t i = 0; i < k->body_len; i++)
            buf_addc(&out, ' ');
        buf_adds(&out, "\r\n0\r\n");
    }
    buf_adds(&out, "\r\n");
    return front_http(w, out.data, out.len);
}

TEST(every_answer_of_a_limited_row_says_how_its_limit_stands)
{
    static const struct knock knocks[] = {
        {"1",   "",                                  true,  0             },
        {"1",   "",                                  false, 0             },
        {"1",   "Authorization: Bearer a.b.c\r\n",   false, 0             },
        {"1",   "Authorization: Basic eDp5\r\n",     false, 0             },
        {"%00", JSON,                                true,  0             },
        {"1",   "Content-Type: text/plain\r\n",      true,  2             },
        {"1",   "Content-Type: text/plain\r\n",      false, 2             },
        {"1",   JSON,                                true,  LIMIT_BODY + 1},
        {"1",   JSON "Idempotency-Key: a b\r\n",     true,  2             },
        {"1",   JSON "Content-Length: 99000000\r\n", true,  0             },
        {"1",   "Content-Length: 99000000\r\n",      false, 0             },
    };
    enum { PROMISES = ARRAY_LEN(knocks) - 2 }; /* from here on a body is said and not sent */
    struct front w;
    front_begin(&w);
    for (enum rate_class c = RATE_GENERAL; c < RATE_COUNT; c++)
        w.settings.limits[c] = (struct rate){900000, 60};
    front_open(&w);
    for (size_t i = 0; i < route_count; i++)
        for (size_t k = 0; k < ARRAY_LEN(knocks); k++) {
            /* Who is let in and breaks off has no answer: only a download is, before its body. */
            if (k >= PROMISES && strcmp(routes[i].method, "GET") == 0)
                continue;
            const char *got = knock_at(&w, &routes[i], &knocks[k]);
            bool is_told = strstr(got, "X-RateLimit-Limit: 900000\r\n") != NULL &&
                           strstr(got, "X-RateLimit-Remaining: ") != NULL &&
                           strstr(got, "X-RateLimit-Reset: ") != NULL;
            if (!CHECK(is_told == (routes[i].rate != RATE_NONE)))
                printf("%s %s, knock %zu: %.300s\n", routes[i].method, routes[i].path, k, got);
        }
    front_close(&w);
}

TEST(log_ins_of_one_account_do_not_use_up_anothers)
{
    struct front w;
    front_begin(&w);
    w.settings.limits[RATE_AUTH] = (struct rate){1, 60};
    front_open(&w);
    front_answer(&w, "rpc.auth.session.create", 200, "{}");
    char *one = arena_printf(&w.arena, "{\"login\":\"A%lld\"}", (long long)mono_us());
    char *same = arena_printf(&w.arena, "{\"login\":\"a%s", one + 11);
    char *other = arena_printf(&w.arena, "{\"login\":\"b%s", one + 11);
    CHECK_INT(http_status(front_post(&w, API "/auth/login", JSON, one)), 200);
    CHECK_INT(http_status(front_post(&w, API "/auth/login", JSON, same)), 429);
    CHECK_INT(http_status(front_post(&w, API "/auth/login", JSON, other)), 200);
    front_close(&w);
}

TEST(a_page_may_load_and_run_only_what_is_ours)
{
    struct front w;
    front_begin(&w);
    front_open(&w);
    const char *got = front_get(&w, "/", "");
    CHECK_INT(http_status(got), 200);
    CHECK(strstr(got, "Content-Security-Policy: default-src 'self'; img-src 'self' data: blob:; "
                      "media-src 'self' blob:; connect-src 'self' ws: wss:; object-src 'none'; "
                      "base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n") != NULL);
    front_close(&w);
}

TEST(broken_requests_never_reach_a_service_and_never_crash)
{
    static const char *const requests[] = {
        "GET /api/v1/users/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /api/v1/users/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /.git/config HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "BREW /api/v1/users/9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET nonsense HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    };
    struct front w;
    front_begin(&w);
    front_open(&w);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        int status = http_status(front_http(&w, requests[i], strlen(requests[i])));
        if (!CHECK(status >= 400 && status < 500))
            CHECK_STR(requests[i], "4xx");
    }
    front_close(&w);
}
