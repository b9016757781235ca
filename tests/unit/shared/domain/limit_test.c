/* SPDX-License-Identifier: MIT
 *
 * The table of limits as it is published. */

#include "shared/domain/limit.h"
#include "tests/test.h"

#include <string.h>

TEST(every_limit_is_published_once_in_lower_case)
{
    size_t count;
    const struct limit_row *rows = limit_rows(&count);
    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        CHECK(rows[i].value > 0);
        CHECK(strlen(rows[i].name) < sizeof(rows[i].name));
        CHECK(strpbrk(rows[i].name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
        for (size_t k = i + 1; k < count; k++)
            CHECK(strcmp(rows[i].name, rows[k].name) != 0);
    }
    CHECK_STR(rows[0].name, "username_min");
}
