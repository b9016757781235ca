/* SPDX-License-Identifier: MIT */
#include "shared/service/job.h"

#include "tests/test.h"

static enum err nothing(struct req *rq)
{
    (void)rq;
    return OK;
}

/* Each program asserts this of its own jobs when it starts. */
TEST(a_job_for_one_copy_is_only_for_services_with_a_database)
{
    static const struct job for_one[] = {
        {"sweep", 1, JOB_EACH, nothing},
        {"purge", 1, JOB_ONE,  nothing},
        {NULL,    0, JOB_ONE,  NULL   },
    };
    static const struct job for_each[] = {
        {"sweep", 1, JOB_EACH, nothing},
        {NULL,    0, JOB_EACH, NULL   },
    };
    CHECK(jobs_are_sound(&(struct service){.jobs = for_one, .needs = NEEDS_DB}));
    CHECK(!jobs_are_sound(&(struct service){.jobs = for_one, .needs = NEEDS_CACHE}));
    CHECK(jobs_are_sound(&(struct service){.jobs = for_each, .needs = NEEDS_CACHE}));
    CHECK(jobs_are_sound(&(struct service){.jobs = NULL}));
}
