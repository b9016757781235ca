/* SPDX-License-Identifier: MIT */
#include "gateway/routes.h"

#include <stdio.h>
#include <string.h>

#include "tests/test.h"

static enum err match(const char *method, const char *path, struct route_match *ret)
{
    return route_match(method, path, strlen(path), ret);
}

static bool is_param(const struct route_match *m, size_t at, const char *name, const char *value)
{
    const struct route_param *p = &m->params[at];
    return at < m->param_count && p->name_len == strlen(name) &&
           memcmp(p->name, name, p->name_len) == 0 && p->len == strlen(value) &&
           memcmp(p->value, value, p->len) == 0;
}

/* The row's path with a value for every parameter. */
static void fill_path(const char *path, char *out, size_t size)
{
    size_t len = 0;
    while (*path != '\0' && len + 4 < size) {
        if (*path == '{') {
            len += (size_t)snprintf(out + len, size - len, "123");
            path += strcspn(path, "}") + 1;
        } else {
            out[len++] = *path++;
        }
    }
    out[len] = '\0';
}

TEST(every_row_is_found_by_its_method_and_path)
{
    routes_init();
    for (size_t i = 0; i < route_count; i++) {
        char path[256];
        struct route_match m;
        fill_path(routes[i].path, path, sizeof(path));
        if (!CHECK_INT(match(routes[i].method, path, &m), OK) || !CHECK(m.route == &routes[i]))
            printf("%s %s\n", routes[i].method, path);
    }
    routes_done();
}

TEST(every_row_is_found_by_its_subject)
{
    routes_init();
    for (size_t i = 0; i < route_count; i++) {
        const struct route *found = route_by_name(routes[i].subject, strlen(routes[i].subject));
        CHECK(found != NULL && strcmp(found->subject, routes[i].subject) == 0);
    }
    routes_done();
}

TEST(a_command_may_leave_the_service_out)
{
    routes_init();
    const struct route *r = route_by_name("account.get", 11);
    CHECK(r != NULL && strcmp(r->subject, "auth.account.get") == 0);
    CHECK(route_by_name("account.ge", 10) == NULL);
    CHECK(route_by_name("account.gett", 12) == NULL);
    CHECK(route_by_name("", 0) == NULL);
    CHECK(route_by_name("account.get\0x", 13) == NULL);
    routes_done();
}

TEST(a_literal_segment_wins_over_a_parameter)
{
    routes_init();
    struct route_match m;
    CHECK_INT(match("GET", "/users/me", &m), OK);
    CHECK_STR(m.route->subject, "auth.user.me");
    CHECK_INT(match("GET", "/users/77", &m), OK);
    CHECK_STR(m.route->subject, "auth.profile.get");
    CHECK(is_param(&m, 0, "user_id", "77"));
    routes_done();
}

TEST(a_path_without_its_method_says_what_it_allows)
{
    routes_init();
    struct route_match m;
    CHECK_INT(match("DELETE", "/auth/login", &m), ERR_METHOD_NOT_ALLOWED);
    CHECK_STR(m.allow, "POST, OPTIONS");
    CHECK_INT(match("BREW", "/users/me", &m), ERR_METHOD_NOT_ALLOWED);
    CHECK_STR(m.allow, "GET, HEAD, PATCH, OPTIONS");
    routes_done();
}

TEST(head_finds_the_row_of_get)
{
    routes_init();
    struct route_match m;
    CHECK_INT(match("HEAD", "/users/me", &m), OK);
    CHECK_STR(m.route->method, "GET");
    routes_done();
}

TEST(paths_that_are_nearly_right_are_unknown)
{
    static const char *const paths[] = {
        "",           "/",        "users/me",   "/users/",    "/users//",
        "/users/me/", "/user/me", "//users/me", "/users/me?", "/users/1/2/3/4/5/6/7/8/9"};
    routes_init();
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct route_match m;
        if (strcmp(paths[i], "/users/me?") == 0) /* an odd id, the service's to refuse */
            CHECK_INT(match("GET", paths[i], &m), OK);
        else
            CHECK_INT(match("GET", paths[i], &m), ERR_UNKNOWN_ROUTE);
    }
    routes_done();
}
