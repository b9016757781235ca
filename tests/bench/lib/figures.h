/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LIB_FIGURES_H
#define TESTS_BENCH_LIB_FIGURES_H

/* What a benchmark measures and how it says it: a histogram of durations and one line per figure.
 * Lines are tab-separated: what, target, figure, bare limit of the same run, ratio. */

#include <stddef.h>
#include <stdint.h>

/* Log-linear: 64 steps to each power of two, so a quantile is right to 1.6 %. */
enum { HIST_STEPS = 64, HIST_POWERS = 40 };
struct hist {
    uint64_t count;
    int64_t max_us;
    uint32_t at[HIST_POWERS * HIST_STEPS];
};
void hist_add(struct hist *h, int64_t us);
int64_t hist_quantile(const struct hist *h, double q); /* microseconds */

/* NULL texts are printed as "-". */
void figure(const char *what, const char *target, const char *value, const char *bare,
            const char *ratio);

/* CPU seconds this process, or another one, has used. */
double cpu_self(void);
double cpu_of(int pid);

/* The value of an environment variable the driver must have set; ends the process otherwise. */
const char *need_env(const char *name);
int64_t need_env_int(const char *name);

#endif
