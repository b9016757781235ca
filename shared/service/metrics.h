/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_METRICS_H
#define SHARED_SERVICE_METRICS_H

/* Counters, gauges and histograms, as rows of metrics.def. Adding is one relaxed atomic addition;
 * everything slow happens when somebody asks for the text. Any thread. Before metrics_init (unit
 * tests) adding does nothing. */

#include "shared/base/buf.h"

#include <stddef.h>
#include <stdint.h>

enum metric {
#define METRIC(kind, name, by, also, text) METRIC_##name,
#include "shared/service/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* subjects are the values of the label SUBJECT; they are kept by pointer. Before any thread. */
void metrics_init(const char *const *subjects, size_t count);

/* by and also index their label's table; 0 for NONE. Gauges may go down. */
void metric_add(enum metric m, size_t by, size_t also, int64_t n);
void metric_observe(enum metric m, size_t by, int64_t us);

/* A gauge that is asked for when the text is written. Before any thread. */
void metric_ask(enum metric m, int64_t (*fn)(void *arg), void *arg);

/* Append everything in the text format 0.0.4 of Prometheus. */
void metrics_write(struct buf *out);

#endif
