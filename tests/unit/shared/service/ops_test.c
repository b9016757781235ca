/* SPDX-License-Identifier: MIT */
#include "shared/service/ops.h"

#include "tests/test.h"

static enum ready_state answer(void *arg)
{
    return *(enum ready_state *)arg;
}

static int ask(enum ready_state database, enum ready_state cache, bool is_open, struct buf *out)
{
    struct ready r = {0};
    ready_add(&r, (struct ready_check){"database", answer, &database});
    ready_add(&r, (struct ready_check){"cache", answer, &cache});
    atomic_store(&r.is_open, is_open);
    buf_reset(out);
    return ready_write(&r, out);
}

TEST(ready_says_what_is_away_and_whether_that_matters)
{
    auto_buf struct buf out = {0};
    CHECK_INT(ask(READY_UP, READY_UP, true, &out), 200);
    CHECK_STR(buf_str(&out),
              "{\"status\":\"ready\",\"checks\":{\"database\":\"up\",\"cache\":\"up\"}}");
    CHECK_INT(ask(READY_UP, READY_DEGRADED, true, &out), 200);
    CHECK_STR(buf_str(&out),
              "{\"status\":\"degraded\",\"checks\":{\"database\":\"up\",\"cache\":\"away\"}}");
    CHECK_INT(ask(READY_DOWN, READY_DEGRADED, true, &out), 503);
    CHECK_INT(ask(READY_UP, READY_UP, false, &out), 503);
    CHECK_STR(buf_str(&out),
              "{\"status\":\"closed\",\"checks\":{\"database\":\"up\",\"cache\":\"up\"}}");
}
