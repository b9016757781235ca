/* SPDX-License-Identifier: MIT */
/* Two leases in one process stand for two processes: what is looked at are the server's locks. */

#include "shared/store/lease.h"

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "tests/test.h"
#include "tests/unit/shared/store/world.h"

STMT(t_leases, "SELECT count(DISTINCT objid) FROM pg_locks"
               " WHERE locktype = 'advisory' AND granted AND classid::bigint = $1");
STMT(t_lease_holder, "SELECT pid FROM pg_locks"
                     " WHERE locktype = 'advisory' AND granted AND classid::bigint = $1");
STMT(t_kill_leases, "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
                    " WHERE locktype = 'advisory' AND classid::bigint = $1");

enum { LEASES = 0x5041524C };

static bool wait_held(struct lease *l, bool is_wanted)
{
    struct stopper patience;
    stopper_init(&patience);
    int64_t until_us = mono_us() + 8000000;
    while (lease_is_held(l) != is_wanted && mono_us() < until_us)
        (void)stopper_wait(&patience, 5);
    stopper_done(&patience);
    return lease_is_held(l) == is_wanted;
}

static int64_t leases(struct world *w)
{
    int64_t n = -1;
    CHECK_INT(db_scalar(&w->rq, &t_leases, PARAMS(P(LEASES)), &n, ERR_INTERNAL), OK);
    return n;
}

/* The backend of the one that holds a lease; 0: nobody does. */
static int64_t holder(struct world *w)
{
    int64_t pid = 0;
    enum err e = db_scalar(&w->rq, &t_lease_holder, PARAMS(P(LEASES)), &pid, ERR_GONE);
    CHECK(e == OK || e == ERR_GONE);
    return pid;
}

static int64_t wait_other_holder(struct world *w, int64_t but)
{
    int64_t pid = 0;
    int64_t until_us = mono_us() + 8000000;
    while ((pid == 0 || pid == but) && mono_us() < until_us)
        pid = holder(w);
    return pid;
}

TEST(no_two_leases_are_one_number)
{
    struct world w;
    struct lease *a = NULL;
    struct lease *b = NULL;
    world_open(&w);
    int64_t before = leases(&w);
    CHECK_INT(lease_start(&w.settings, &a), OK);
    CHECK_INT(lease_start(&w.settings, &b), OK);
    CHECK(wait_held(a, true) && wait_held(b, true));
    CHECK_INT(leases(&w), before + 2);
    CHECK(snowflake_next() != 0);
    lease_stop(a);
    lease_stop(b);
    world_close(&w);
}

TEST(a_lease_whose_connection_dies_is_lost_and_taken_again)
{
    struct world w;
    struct lease *l = NULL;
    world_open(&w);
    CHECK_INT(lease_start(&w.settings, &l), OK);
    CHECK(wait_held(l, true));
    int64_t before = holder(&w);
    CHECK_INT(db_exec(&w.rq, &t_kill_leases, PARAMS(P(LEASES)), NULL), OK);
    int64_t after = wait_other_holder(&w, before);
    CHECK(before != 0 && after != 0 && after != before);
    CHECK(wait_held(l, true));
    CHECK(snowflake_next() != 0);
    lease_stop(l);
    CHECK_INT((long long)snowflake_next(), 0);
    world_close(&w);
}
