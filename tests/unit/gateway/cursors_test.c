/* SPDX-License-Identifier: MIT */

#include "gateway/cursors.h"

#include <string.h>

#include "tests/test.h"

static bool read_text(const char *text, struct cursors *ret)
{
    return cursors_read((struct span){text, strlen(text)}, ret);
}

TEST(cursors_are_found_by_id_and_say_whether_all_were_known)
{
    struct cursors c = {0};
    CHECK(read_text("{\"300\":3,\"100\":1,\"200\":2}", &c));
    CHECK_INT(cursors_take(&c, 100), 1);
    CHECK_INT(cursors_take(&c, 300), 3);
    CHECK_INT(cursors_take(&c, 400), -1);
    CHECK(!cursors_all_used(&c));
    CHECK_INT(cursors_take(&c, 200), 2);
    CHECK(cursors_all_used(&c));
    /* Against another state nothing counts that was found in the one before. */
    cursors_reuse(&c);
    CHECK_INT(cursors_take(&c, 100), 1);
    CHECK(!cursors_all_used(&c));
    cursors_done(&c);
}

TEST(cursors_that_are_no_numbers_are_refused)
{
    struct cursors c = {0};
    CHECK(!read_text("{\"x\":1}", &c));
    CHECK(!read_text("{\"1\":-1}", &c));
    CHECK(!read_text("{\"1\":\"2\"}", &c));
    CHECK(!cursors_read((struct span){0}, &c));
    CHECK(read_text("{}", &c) && c.count == 0 && cursors_all_used(&c));
    cursors_done(&c);
}
