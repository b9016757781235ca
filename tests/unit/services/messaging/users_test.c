/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>

static const char *account(snowflake id, const char *name, int rev)
{
    return kit_f("{\"id\":\"%" PRIu64 "\",\"app_id\":\"1\",\"username\":\"%s\",\"rev\":%d}", id,
                 name, rev);
}

TEST(the_copy_of_accounts_follows_events_in_any_order)
{
    if (!world_open())
        return;
    snowflake id = snowflake_next();
    const struct listen *hears = messaging_service.hears;
    CHECK_INT(kit_hear(&hears[1], account(id, "third", 3), NULL), OK);
    CHECK_INT(kit_hear(&hears[0], account(id, "first", 1), NULL), OK);
    CHECK_INT(kit_hear(&hears[1], account(id, "second", 2), NULL), OK);
    CHECK_STR(kit_sql("SELECT username FROM users WHERE id = %" PRIu64, id), "third");
}

static void hear_of(int number UNUSED, void *arg)
{
    const char *payload = account(*(snowflake *)arg, "new", 1);
    CHECK_INT(kit_hear(&messaging_service.hears[0], payload, NULL), OK);
}

TEST(an_account_may_be_heard_of_by_many_at_once)
{
    if (!world_open())
        return;
    for (int i = 0; i < 100; i++) {
        snowflake id = snowflake_next();
        at_once(8, hear_of, &id);
        CHECK_STR(kit_sql("SELECT username FROM users WHERE id = %" PRIu64, id), "new");
    }
}
