/* SPDX-License-Identifier: MIT */
#include "services/messaging/rights_cache.h"

#include "shared/base/clock.h"
#include "tests/test.h"

#include <string.h>

enum { SERVER = 7, USER = 8, CHANNEL = 9, SECOND_US = 1000000 };

static void note(struct rights_cache *c, int64_t seq)
{
    version_note(c, SERVER, seq, version_mark(c, SERVER));
}

TEST(an_entry_is_found_by_user_and_place)
{
    struct rights_cache *c = rights_cache_new();
    struct kept k = {.user_id = USER, .where = CHANNEL, .server_id = SERVER, .permissions = 5};
    kept_store(c, &k);
    struct kept found = {0};
    CHECK(kept_find(c, USER, CHANNEL, &found));
    CHECK_INT((long long)found.permissions, 5);
    CHECK(!kept_find(c, USER, SERVER, &found));
    CHECK(!kept_find(c, SERVER, CHANNEL, &found));
    rights_cache_free(c);
}

TEST(a_server_number_is_trusted_for_less_than_a_second)
{
    struct rights_cache *c = rights_cache_new();
    CHECK_INT(version_check(c, SERVER, 3, mono_us()), VERSION_UNKNOWN);
    note(c, 3);
    CHECK_INT(version_check(c, SERVER, 3, mono_us()), VERSION_SAME);
    CHECK_INT(version_check(c, SERVER, 2, mono_us()), VERSION_OTHER);
    CHECK_INT(version_check(c, SERVER, 3, mono_us() + SECOND_US), VERSION_UNKNOWN);
    rights_cache_free(c);
}

TEST(nothing_is_trusted_of_a_server_while_it_is_being_changed)
{
    struct rights_cache *c = rights_cache_new();
    note(c, 3);
    version_touch(c, SERVER);
    note(c, 3);
    CHECK_INT(version_check(c, SERVER, 3, mono_us()), VERSION_UNKNOWN);
    version_touch(c, SERVER);
    version_untouch(c, SERVER);
    note(c, 3);
    CHECK_INT(version_check(c, SERVER, 3, mono_us()), VERSION_UNKNOWN);
    version_untouch(c, SERVER);
    note(c, 4);
    CHECK_INT(version_check(c, SERVER, 4, mono_us()), VERSION_SAME);
    rights_cache_free(c);
}

TEST(a_number_read_before_a_change_is_not_noted_after_it)
{
    struct rights_cache *c = rights_cache_new();
    struct version_mark before = version_mark(c, SERVER);
    version_touch(c, SERVER);
    version_untouch(c, SERVER);
    version_note(c, SERVER, 3, before);
    CHECK_INT(version_check(c, SERVER, 3, mono_us()), VERSION_UNKNOWN);
    before = version_mark(c, SERVER);
    rights_forget(c, SERVER);
    version_note(c, SERVER, 3, before);
    CHECK_INT(version_check(c, SERVER, 3, mono_us()), VERSION_UNKNOWN);
    rights_cache_free(c);
}
