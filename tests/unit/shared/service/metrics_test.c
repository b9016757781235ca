/* SPDX-License-Identifier: MIT */
#include "shared/service/metrics.h"

#include <string.h>

#include "shared/base/err.h"
#include "tests/test.h"

static const char *const subjects[] = {"notes.note.create", "notes.note.list"};

static bool says(const struct buf *text, const char *line)
{
    return strstr(buf_str(text), line) != NULL;
}

TEST(metrics_are_written_as_prometheus_reads_them)
{
    auto_buf struct buf text = {0};
    metrics_init(subjects, 2);
    metric_add(METRIC_rpc_requests_total, 0, OK, 2);
    metric_add(METRIC_rpc_requests_total, 1, ERR_TIMEOUT, 1);
    metric_add(METRIC_batches_total, 0, 0, 3);
    metric_observe(METRIC_rpc_duration_seconds, 1, 250);
    metric_observe(METRIC_rpc_duration_seconds, 1, 251);
    metric_observe(METRIC_rpc_duration_seconds, 1, 6000000);
    metrics_write(&text);
    CHECK(says(&text, "# TYPE rpc_requests_total counter\n"));
    CHECK(says(&text, "\nrpc_requests_total{subject=\"notes.note.create\",err=\"ok\"} 2\n"));
    CHECK(says(&text, "\nrpc_requests_total{subject=\"notes.note.list\",err=\"timeout\"} 1\n"));
    CHECK(!says(&text, "err=\"internal\""));
    CHECK(says(&text, "\nbatches_total 3\n"));
    CHECK(says(&text, "_bucket{subject=\"notes.note.list\",le=\"0.00025\"} 1\n"));
    CHECK(says(&text, "_bucket{subject=\"notes.note.list\",le=\"0.0005\"} 2\n"));
    CHECK(says(&text, "_bucket{subject=\"notes.note.list\",le=\"5\"} 2\n"));
    CHECK(says(&text, "_bucket{subject=\"notes.note.list\",le=\"+Inf\"} 3\n"));
    CHECK(says(&text, "rpc_duration_seconds_sum{subject=\"notes.note.list\"} 6.000501\n"));
    CHECK(says(&text, "rpc_duration_seconds_count{subject=\"notes.note.list\"} 3\n"));
    CHECK(!says(&text, "rpc_duration_seconds_count{subject=\"notes.note.create\"}"));
    CHECK(says(&text, "\nprocess_open_fds "));
}
