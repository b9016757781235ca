/* SPDX-License-Identifier: MIT */
#include "tests/bench/lib/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static size_t slot_of(int64_t us)
{
    uint64_t v = us < 0 ? 0 : (uint64_t)us;
    if (v < HIST_STEPS)
        return (size_t)v;
    int power = 63 - __builtin_clzll(v); /* 6 and up */
    size_t slot = (size_t)(power - 5) * HIST_STEPS + (size_t)((v >> (power - 6)) - HIST_STEPS);
    return slot < HIST_POWERS * HIST_STEPS ? slot : HIST_POWERS * HIST_STEPS - 1;
}

static int64_t value_of(size_t slot)
{
    if (slot < HIST_STEPS)
        return (int64_t)slot;
    size_t power = slot / HIST_STEPS + 5;
    return (int64_t)((HIST_STEPS + slot % HIST_STEPS) << (power - 6));
}

void hist_add(struct hist *h, int64_t us)
{
    h->count++;
    h->at[slot_of(us)]++;
    if (us > h->max_us)
        h->max_us = us;
}

int64_t hist_quantile(const struct hist *h, double q)
{
    uint64_t want = (uint64_t)((double)h->count * q);
    uint64_t seen = 0;
    for (size_t i = 0; i < HIST_POWERS * HIST_STEPS; i++) {
        seen += h->at[i];
        if (seen > want)
            return value_of(i);
    }
    return h->max_us;
}

static const char *or_dash(const char *s)
{
    return s != NULL ? s : "-";
}

void figure(const char *what, const char *target, const char *value, const char *bare,
            const char *ratio)
{
    printf("FIGURE\t%s\t%s\t%s\t%s\t%s\n", what, or_dash(target), or_dash(value), or_dash(bare),
           or_dash(ratio));
    fflush(stdout);
}

double cpu_self(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double cpu_of(int pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

const char *need_env(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL || *value == '\0') {
        fprintf(stderr, "%s is not set: benchmarks are started by tests/bench/run.sh\n", name);
        exit(2);
    }
    return value;
}

int64_t need_env_int(const char *name)
{
    return strtoll(need_env(name), NULL, 10);
}
