/* SPDX-License-Identifier: MIT
 *
 * What the client reads of a failure, and what only the log does. */

#include "shared/wire/req.h"

#include <string.h>

#include "shared/wire/json.h"
#include "tests/test.h"

static void finish(struct req *rq)
{
    buf_done(&rq->reply);
    arena_release(&rq->arena);
}

TEST(the_reason_of_a_failure_is_not_for_the_client)
{
    struct req rq = {0};
    CHECK(fail(&rq, ERR_INTERNAL, "select: %s", "relation missing") == ERR_INTERNAL);
    CHECK_STR(rq.detail, "select: relation missing");
    auto_buf struct buf out = {0};
    problem_encode(&rq, ERR_INTERNAL, &out);
    CHECK_STR(buf_str(&out), "{\"type\":\"/problems/internal\",\"title\":\"Internal Server Error\","
                             "\"status\":500,\"code\":90000}");
    finish(&rq);
}

TEST(field_errors_are_listed)
{
    struct req rq = {0};
    CHECK(fail_field(&rq, "content", "must not be \"empty\"") == ERR_INVALID_FORM);
    for (int i = 0; i < FIELD_ERRORS_MAX + 5; i++)
        CHECK(fail_field(&rq, "other", "is odd") == ERR_INVALID_FORM);
    auto_buf struct buf out = {0};
    problem_encode(&rq, ERR_INVALID_FORM, &out);
    auto_json json_t *v = json_loadb(out.data, out.len, 0, NULL);
    const json_t *errors = json_object_get(v, "errors");
    CHECK_INT(json_array_size(errors), FIELD_ERRORS_MAX);
    const json_t *first = json_array_get(errors, 0);
    CHECK_STR(json_string_value(json_object_get(first, "field")), "content");
    CHECK_STR(json_string_value(json_object_get(first, "message")), "must not be \"empty\"");
    finish(&rq);
}

TEST(a_wait_is_told_in_seconds)
{
    struct req rq = {0};
    CHECK(fail_after(&rq, ERR_SLOW_MODE, 1050) == ERR_SLOW_MODE);
    auto_buf struct buf out = {0};
    problem_encode(&rq, ERR_SLOW_MODE, &out);
    CHECK(strstr(buf_str(&out), "\"retry_after\":1.050}") != NULL);
    finish(&rq);
}

TEST(the_last_reply_wins)
{
    struct req rq = {0};
    struct list none = {0};
    CHECK(reply_list(&rq, &no_args_shape, &none) == OK);
    CHECK(reply(&rq, &no_args_shape, &(struct no_args){0}) == OK);
    CHECK_STR(buf_str(&rq.reply), "{}");
    finish(&rq);
}
