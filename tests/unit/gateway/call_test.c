/* SPDX-License-Identifier: MIT */
#include "gateway/call.h"

#include <stdio.h>
#include <string.h>

#include "gateway/identity.h"
#include "gateway/routes.h"
#include "shared/base/clock.h"
#include "shared/base/macros.h"
#include "tests/test.h"
#include "tests/unit/gateway/front.h"

/* What every row does before its service is asked; nobody plays the services here, so whatever gets
 * through is unavailable. */
struct asked {
    atomic_bool is_answered;
    struct answer answer;
};

static void on_answer(void *arg, struct answer *a)
{
    struct asked *asked = arg;
    asked->answer = *a;
    atomic_store(&asked->is_answered, true);
}

static bool is_answered(void *arg)
{
    return atomic_load(&((struct asked *)arg)->is_answered);
}

static enum err ask_with(struct front *f, const struct route *r, const struct identity *who,
                         const char *ip, const char *body)
{
    struct asked asked = {0};
    struct call call = {.route = r,
                        .who = who,
                        .ip = ip,
                        .request_id = "test",
                        .body = body,
                        .body_len = strlen(body)};
    call_start(&f->g, &call, on_answer, &asked);
    if (!CHECK(front_wait(is_answered, &asked)))
        return ERR_TIMEOUT;
    enum err e = asked.answer.err;
    CHECK_INT(asked.answer.status, e == OK ? 200 : err_status(e));
    CHECK((asked.answer.limit.bucket == NULL) ==
          (f->settings.limits[r->rate].count == 0 || r->rate == RATE_NONE));
    CHECK(asked.answer.limit.remaining <= f->settings.limits[r->rate].count);
    answer_done(&asked.answer);
    return e;
}

static enum err ask_as(struct front *f, const struct route *r, const struct identity *who,
                       const char *ip)
{
    return ask_with(f, r, who, ip, "{}");
}

static void expect(enum err got, enum err wanted, const struct route *r)
{
    if (!CHECK_INT(got, wanted))
        printf("%s %s\n", r->method, r->path);
}

static struct identity somebody(snowflake user)
{
    return (struct identity){.user = user, .app = 1, .session = user, .scopes = SCOPE_ALL};
}

TEST(every_row_that_wants_somebody_refuses_nobody)
{
    struct front f;
    front_begin(&f);
    front_open(&f);
    for (size_t i = 0; i < route_count; i++)
        expect(ask_as(&f, &routes[i], NULL, "192.0.2.1"),
               routes[i].guard == GUARD_PUBLIC ? ERR_UNAVAILABLE : ERR_UNAUTHORIZED, &routes[i]);
    front_close(&f);
}

TEST(every_row_for_administrators_refuses_everybody_else)
{
    struct front f;
    struct identity who = somebody(5);
    struct identity admin = who;
    admin.is_admin = true;
    front_begin(&f);
    front_open(&f);
    for (size_t i = 0; i < route_count; i++) {
        bool is_admins = routes[i].guard == GUARD_ADMIN;
        expect(ask_as(&f, &routes[i], &who, "192.0.2.1"),
               is_admins ? ERR_MISSING_PERMISSIONS : ERR_UNAVAILABLE, &routes[i]);
        expect(ask_as(&f, &routes[i], &admin, "192.0.2.1"), ERR_UNAVAILABLE, &routes[i]);
    }
    front_close(&f);
}

TEST(a_key_that_may_read_may_write_nothing)
{
    struct front f;
    struct identity key = somebody(6);
    key.is_bot = key.is_admin = true;
    key.scopes = SCOPE_READ;
    front_begin(&f);
    front_open(&f);
    for (size_t i = 0; i < route_count; i++) {
        const struct route *r = &routes[i];
        bool may =
            r->guard == GUARD_PUBLIC || (r->guard != GUARD_ADMIN && strcmp(r->method, "GET") == 0);
        expect(ask_as(&f, r, &key, "192.0.2.1"), may ? ERR_UNAVAILABLE : ERR_MISSING_PERMISSIONS,
               r);
    }
    front_close(&f);
}

/* The first request of whoever follows fills the window. */
static void refuse_each_row(struct front *f)
{
    for (size_t i = 0; i < route_count; i++) {
        const struct route *r = &routes[i];
        char ip[64];
        snprintf(ip, sizeof(ip), "nobody-%lld-%zu", (long long)mono_us(), i);
        for (int again = 0; again < 3 && r->guard != GUARD_PUBLIC; again++)
            expect(ask_as(f, r, NULL, ip), ERR_UNAUTHORIZED, r);
    }
}

/* Each row gets an asker of its own, whose window it fills with its first request. */
static void fill_each_class(struct front *f)
{
    for (size_t i = 0; i < route_count; i++) {
        const struct route *r = &routes[i];
        char ip[64];
        struct identity who = somebody((snowflake)(mono_us() + (int64_t)i));
        who.is_admin = true;
        snprintf(ip, sizeof(ip), "test-%lld-%zu", (long long)mono_us(), i);
        expect(ask_as(f, r, &who, ip), ERR_UNAVAILABLE, r);
        expect(ask_as(f, r, &who, ip), r->rate == RATE_NONE ? ERR_UNAVAILABLE : ERR_RATE_LIMITED,
               r);
    }
}

static void limit_each_class(struct front *f)
{
    front_begin(f);
    for (enum rate_class c = RATE_GENERAL; c < RATE_COUNT; c++)
        f->settings.limits[c] = (struct rate){1, 60};
}

TEST(every_row_with_a_class_is_limited_by_it)
{
    struct front f;
    limit_each_class(&f);
    front_open(&f);
    refuse_each_row(&f);
    fill_each_class(&f);
    front_close(&f);
}

TEST(every_row_is_limited_while_redis_is_away)
{
    struct front f;
    limit_each_class(&f);
    f.settings.redis_url = "redis://127.0.0.1:1";
    front_open(&f);
    refuse_each_row(&f);
    fill_each_class(&f);
    front_close(&f);
}

TEST(who_signs_in_shares_the_window_with_their_other_addresses_but_not_with_strangers)
{
    struct front f;
    limit_each_class(&f);
    front_open(&f);
    const struct route *r = route_by_name("auth.user.me", 12);
    struct identity one = somebody((snowflake)mono_us());
    struct identity other = somebody(one.user + 1);
    CHECK_INT(ask_as(&f, r, &one, "192.0.2.1"), ERR_UNAVAILABLE);
    CHECK_INT(ask_as(&f, r, &one, "192.0.2.2"), ERR_RATE_LIMITED);
    CHECK_INT(ask_as(&f, r, &other, "192.0.2.1"), ERR_UNAVAILABLE);
    front_close(&f);
}

TEST(other_names_do_not_buy_an_address_more_sign_ins)
{
    struct front f;
    char ip[64];
    char body[64];
    front_begin(&f);
    f.settings.limits[RATE_AUTH] = (struct rate){5, 60};
    f.settings.limits[RATE_GENERAL] = (struct rate){3, 60};
    front_open(&f);
    const struct route *r = route_by_name("auth.session.create", 19);
    snprintf(ip, sizeof(ip), "test-%lld", (long long)mono_us());
    for (int i = 0; i < 4; i++) {
        snprintf(body, sizeof(body), "{\"login\":\"name%d\"}", i);
        CHECK_INT(ask_with(&f, r, NULL, ip, body), i < 3 ? ERR_UNAVAILABLE : ERR_RATE_LIMITED);
    }
    CHECK_INT(ask_with(&f, r, NULL, "192.0.2.77", body), ERR_UNAVAILABLE);
    front_close(&f);
}

TEST(a_gateway_that_drains_takes_nothing_new)
{
    struct front f;
    struct identity who = somebody(7);
    front_begin(&f);
    front_open(&f);
    front_answer(&f, "rpc.auth.user.me", 200, "{}");
    const struct route *r = route_by_name("auth.user.me", 12);
    CHECK_INT(ask_as(&f, r, &who, "192.0.2.1"), OK);
    atomic_store(&f.g.is_draining, true);
    CHECK_INT(ask_as(&f, r, &who, "192.0.2.1"), ERR_UNAVAILABLE);
    front_close(&f);
}
