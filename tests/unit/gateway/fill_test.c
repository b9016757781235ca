/* SPDX-License-Identifier: MIT */

#include "gateway/fill.h"

#include <string.h>

#include "tests/test.h"

static const char page[] =
    "{\"messages\":["
    "{\"id\":\"1\",\"channel_id\":\"7\",\"server_id\":\"9\",\"seq\":3,\"rev\":6,\"content\":\"a\"},"
    "{\"id\":\"2\",\"channel_id\":\"7\",\"server_id\":\"9\",\"seq\":7,\"rev\":7,\"content\":\"b\"},"
    "{\"id\":\"3\",\"channel_id\":\"7\",\"server_id\":\"9\",\"seq\":5,\"rev\":8,\"content\":null,"
    "\"deleted_at\":\"2026-01-01T00:00:00.000Z\"}],\"seq\":8,\"has_more\":false}";

static struct fill *parse(const char *text)
{
    struct ask_answer a = {.body = text, .len = strlen(text)};
    return fill_parse(&a);
}

static bool is(struct frame *f, enum event_id type, int64_t seq)
{
    return f != NULL && f->type == &event_types[type] && f->to.seq == seq;
}

TEST(a_row_is_new_to_some_and_a_change_to_others)
{
    struct fill *f = parse(page);
    if (!CHECK(f != NULL && f->count == 3 && f->until == 8))
        return;
    CHECK(is(fill_frame(f, 0, 5), EV_MESSAGE_UPDATE, 6));
    CHECK(is(fill_frame(f, 0, 2), EV_MESSAGE_CREATE, 6));
    CHECK(fill_frame(f, 0, 6) == NULL);
    CHECK(is(fill_frame(f, 1, 5), EV_MESSAGE_CREATE, 7));
    CHECK(fill_frame(f, 1, 5) == fill_frame(f, 1, 6));
    CHECK(is(fill_frame(f, 2, 5), EV_MESSAGE_DELETE, 8));
    CHECK(is(fill_frame(f, 2, 0), EV_MESSAGE_DELETE, 8));
    const struct frame *gone = fill_frame(f, 2, 0);
    static const char begins[] =
        "{\"id\":\"3\",\"channel_id\":\"7\",\"server_id\":\"9\",\"deleted_at\":";
    CHECK(memcmp(gone->bytes + gone->body_at, begins, sizeof(begins) - 1) == 0);
    fill_free(f);
}

TEST(a_fill_reaches_as_far_as_its_rows_or_its_number)
{
    struct fill *beyond =
        parse("{\"messages\":[{\"seq\":9,\"rev\":9}],\"seq\":8,\"has_more\":false}");
    struct fill *more = parse("{\"messages\":[{\"seq\":4,\"rev\":4}],\"seq\":8,\"has_more\":true}");
    struct fill *none = parse("{\"messages\":[],\"seq\":8,\"has_more\":false}");
    CHECK_INT(beyond->until, 9);
    CHECK(more->has_more && more->until == 4);
    CHECK_INT(none->until, 8);
    CHECK(parse("{\"messages\":[{\"seq\":9}],\"seq\":8}") == NULL);
    CHECK(parse("nonsense") == NULL);
    fill_free(beyond);
    fill_free(more);
    fill_free(none);
}

TEST(what_is_new_to_most_is_only_a_change_to_who_was_told_of_it)
{
    struct fill *f = parse(page);
    const struct frame *edited = fill_frame(f, 0, 2);
    const struct frame *untouched = fill_frame(f, 1, 2);
    CHECK(edited->born == 3 && is(edited->instead, EV_MESSAGE_UPDATE, 6));
    CHECK(untouched->instead == NULL);
    fill_free(f);
}
