/* SPDX-License-Identifier: MIT */

#include "gateway/line.h"
#include "tests/test.h"

TEST(a_line_is_served_in_order_a_few_at_a_time)
{
    enum { MANY = 1000, AT_ONCE = 3 };
    struct line l = {0};
    struct asker who;
    CHECK(!line_next(&l, AT_ONCE, &who));
    for (uint64_t i = 0; i < MANY; i++)
        line_join(&l, (struct asker){i, 2 * i});
    for (uint64_t i = 0; i < MANY; i++) {
        if (l.running == AT_ONCE) {
            CHECK(!line_next(&l, AT_ONCE, &who));
            l.running--;
        }
        CHECK(line_next(&l, AT_ONCE, &who));
        CHECK(who.session == i && who.entry == 2 * i);
        l.running++;
    }
    l.running = 0;
    CHECK(!line_next(&l, AT_ONCE, &who));
    line_join(&l, (struct asker){7, 8});
    CHECK(line_next(&l, AT_ONCE, &who) && who.session == 7);
    line_done(&l);
}

TEST(who_still_waits_at_the_end_is_forgotten)
{
    struct line l = {0};
    line_join(&l, (struct asker){1, 1});
    line_done(&l);
    struct asker who;
    CHECK(!line_next(&l, 1, &who));
}
