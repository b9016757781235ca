/* SPDX-License-Identifier: MIT */

#include "gateway/view.h"

#include <string.h>

#include "shared/base/macros.h"
#include "tests/test.h"

static const char text[] =
    "{\"id\":\"100\",\"app\":\"1\",\"owner_id\":\"1\",\"seq\":42,\"roles\":["
    "{\"id\":\"100\",\"name\":\"everyone\",\"permissions\":\"1024\",\"position\":0},"
    "{\"id\":\"50\",\"permissions\":\"0\",\"position\":1},"
    "{\"id\":\"60\",\"permissions\":\"8\",\"position\":2}],"
    "\"channels\":["
    "{\"id\":\"9\",\"seq\":3,\"overwrites\":[{\"id\":\"100\",\"type\":\"role\",\"allow\":\"0\","
    "\"deny\":\"1024\"},{\"id\":\"50\",\"type\":\"role\",\"allow\":\"1024\",\"deny\":\"0\"}]},"
    "{\"id\":\"7\",\"name\":\"open\",\"seq\":5,\"overwrites\":[]},"
    "{\"id\":\"8\",\"seq\":0,\"overwrites\":[{\"id\":\"5\",\"type\":\"member\",\"allow\":\"0\","
    "\"deny\":\"1024\"}]}]}";

static bool sees(struct view **views, const struct layout *l, struct viewer who, snowflake channel)
{
    return view_shows(view_of(views, l, &who), layout_find(l, channel));
}

TEST(roles_overwrites_and_owners_decide_who_sees_what)
{
    static const snowflake insider[] = {50};
    static const snowflake admin[] = {60, 50};
    struct view *views = NULL;
    struct layout *l = layout_parse(text, sizeof(text) - 1);
    if (!CHECK(l != NULL))
        return;
    CHECK(l->id == 100 && l->owner == 1 && l->seq == 42 && l->channel_count == 3);
    CHECK(sees(&views, l, (struct viewer){.user = 4}, 7));
    CHECK(!sees(&views, l, (struct viewer){.user = 4}, 9));
    CHECK(sees(&views, l, (struct viewer){4, false, insider, 1}, 9));
    CHECK(sees(&views, l, (struct viewer){4, false, admin, 2}, 9));
    CHECK(sees(&views, l, (struct viewer){.user = 1}, 9));
    CHECK(sees(&views, l, (struct viewer){.user = 6, .is_admin = true}, 9));
    CHECK(sees(&views, l, (struct viewer){.user = 4}, 8));
    CHECK(!sees(&views, l, (struct viewer){.user = 5}, 8));
    CHECK(!sees(&views, l, (struct viewer){.user = 4}, 12345));
    views_free(views);
    layout_free(l);
}

TEST(members_with_the_same_roles_share_a_view)
{
    static const snowflake one[] = {60, 50};
    static const snowflake two[] = {50, 60};
    struct view *views = NULL;
    struct layout *l = layout_parse(text, sizeof(text) - 1);
    struct viewer a = {2, false, one, 2};
    struct viewer b = {3, false, two, 2};
    struct viewer c = {4, false, NULL, 0};
    struct viewer individual = {5, false, NULL, 0};
    CHECK(view_of(&views, l, &a) == view_of(&views, l, &b));
    CHECK(view_of(&views, l, &a) != view_of(&views, l, &c));
    CHECK(view_of(&views, l, &individual) != view_of(&views, l, &c));
    CHECK(view_of(&views, l, &individual) == view_of(&views, l, &individual));
    views_free(views);
    layout_free(l);
}

TEST(a_layout_keeps_each_channel_as_rest_shows_it)
{
    struct layout *l = layout_parse(text, sizeof(text) - 1);
    int open = layout_find(l, 7);
    CHECK(open == 0 && l->channels[open].seq == 5);
    CHECK(span_is(l->channels[open].json,
                  "{\"id\":\"7\",\"name\":\"open\",\"seq\":5,\"overwrites\":[]}"));
    layout_free(l);
    CHECK(layout_parse("{\"id\":\"1\"", 9) == NULL);
    CHECK(layout_parse("[]", 2) == NULL);
}
