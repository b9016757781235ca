/* SPDX-License-Identifier: MIT
 *
 * Metrics live in one array of atomic cells. A cell's place follows from the row and its labels, so
 * that counting needs neither a lock nor a lookup; cells that were never touched are not written.
 */
#include "shared/service/metrics.h"

#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/heap.h"
#include "shared/wire/event.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

enum metric_kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };
enum metric_label { LABEL_NONE, LABEL_SUBJECT, LABEL_ERR, LABEL_EVENT };

static const struct metric_row {
    const char *name;
    enum metric_kind kind;
    enum metric_label by;
    enum metric_label also;
    const char *text;
} rows[METRIC_COUNT] = {
#define METRIC(kind, name, by, also, text) {#name, KIND_##kind, LABEL_##by, LABEL_##also, text},
#include "shared/service/metrics.def"
#undef METRIC
};

/* Upper bounds of the buckets, in microseconds and as Prometheus wants to read them. */
static const struct bound {
    int64_t us;
    const char *text;
} bounds[] = {
    {250,     "0.00025"},
    {500,     "0.0005" },
    {1000,    "0.001"  },
    {2500,    "0.0025" },
    {5000,    "0.005"  },
    {10000,   "0.01"   },
    {25000,   "0.025"  },
    {50000,   "0.05"   },
    {100000,  "0.1"    },
    {250000,  "0.25"   },
    {500000,  "0.5"    },
    {1000000, "1"      },
    {2500000, "2.5"    },
    {5000000, "5"      },
};
enum { BOUNDS = ARRAY_LEN(bounds), SERIES_CELLS = BOUNDS + 2 /* above all, and the sum */ };

typedef _Atomic int64_t cell;

static struct {
    const char *const *subjects;
    size_t subject_count;
    cell *cells[METRIC_COUNT];
    atomic_bool is_touched[METRIC_COUNT];
    int64_t (*ask[METRIC_COUNT])(void *arg);
    void *ask_arg[METRIC_COUNT];
    int64_t started_us;
} metrics;

static size_t label_count(enum metric_label label)
{
    switch (label) {
    case LABEL_NONE:
        return 1;
    case LABEL_SUBJECT:
        return metrics.subject_count;
    case LABEL_ERR:
        return ERR_COUNT;
    case LABEL_EVENT:
        return EVENT_COUNT;
    }
    return 0;
}

static size_t row_width(const struct metric_row *row)
{
    return row->kind == KIND_HISTOGRAM ? SERIES_CELLS : label_count(row->also);
}

void metrics_init(const char *const *subjects, size_t count)
{
    metrics.subjects = subjects;
    metrics.subject_count = count;
    metrics.started_us = clock_us();
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        size_t cells = label_count(rows[m].by) * row_width(&rows[m]);
        metrics.cells[m] = cells == 0 ? NULL : heap_alloc_n(cells, sizeof(cell));
    }
}

static void touch(enum metric m)
{
    if (!atomic_load_explicit(&metrics.is_touched[m], memory_order_relaxed))
        atomic_store_explicit(&metrics.is_touched[m], true, memory_order_relaxed);
}

static void cell_add(cell *c, int64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

void metric_add(enum metric m, size_t by, size_t also, int64_t n)
{
    if (metrics.cells[m] == NULL)
        return;
    touch(m);
    cell_add(&metrics.cells[m][by * row_width(&rows[m]) + also], n);
}

void metric_observe(enum metric m, size_t by, int64_t us)
{
    if (metrics.cells[m] == NULL)
        return;
    touch(m);
    cell *series = &metrics.cells[m][by * SERIES_CELLS];
    size_t at = 0;
    while (at < BOUNDS && us > bounds[at].us)
        at++;
    cell_add(&series[at], 1);
    cell_add(&series[BOUNDS + 1], us);
}

void metric_ask(enum metric m, int64_t (*fn)(void *arg), void *arg)
{
    metrics.ask_arg[m] = arg;
    metrics.ask[m] = fn;
    touch(m);
}

static const char *label_value(enum metric_label label, size_t at)
{
    switch (label) {
    case LABEL_NONE:
        return "";
    case LABEL_SUBJECT:
        return metrics.subjects[at];
    case LABEL_ERR:
        return err_name((enum err)at);
    case LABEL_EVENT:
        return event_types[at].name;
    }
    return "";
}

static const char *const label_names[] = {"", "subject", "err", "event"};

/* {subject="…",err="…",le="…"}; nothing when there is no label. */
static void write_labels(struct buf *out, const struct metric_row *row, size_t by, size_t also,
                         const char *le)
{
    char before = '{';
    const struct {
        const char *name;
        const char *value;
    } all[] = {
        {label_names[row->by], label_value(row->by, by)},
        {label_names[row->also],                    label_value(row->also,                  also)},
        {"le",               le                },
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i].value[0] == '\0')
            continue;
        buf_printf(out, "%c%s=\"%s\"", before, all[i].name, all[i].value);
        before = ',';
    }
    if (before == ',')
        buf_addc(out, '}');
}

static void write_series(struct buf *out, const struct metric_row *row, size_t by,
                         const cell *series)
{
    int64_t total = 0;
    for (size_t i = 0; i <= BOUNDS; i++) {
        total += atomic_load_explicit(&series[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket", row->name);
        write_labels(out, row, by, 0, i < BOUNDS ? bounds[i].text : "+Inf");
        buf_printf(out, " %lld\n", (long long)total);
    }
    int64_t sum = atomic_load_explicit(&series[BOUNDS + 1], memory_order_relaxed);
    buf_printf(out, "%s_sum", row->name);
    write_labels(out, row, by, 0, "");
    buf_printf(out, " %.6f\n%s_count", (double)sum / 1e6, row->name);
    write_labels(out, row, by, 0, "");
    buf_printf(out, " %lld\n", (long long)total);
}

static void write_value(struct buf *out, const struct metric_row *row, size_t by, size_t also,
                        int64_t value)
{
    buf_adds(out, row->name);
    write_labels(out, row, by, also, "");
    buf_printf(out, " %lld\n", (long long)value);
}

static bool is_silent(const struct metric_row *row, const cell *line)
{
    bool is_alone = row->by == LABEL_NONE && row->also == LABEL_NONE;
    for (size_t i = 0; i < row_width(row) && !is_alone; i++)
        if (atomic_load_explicit(&line[i], memory_order_relaxed) != 0)
            return false;
    return !is_alone;
}

static void write_cells(struct buf *out, size_t m)
{
    const struct metric_row *row = &rows[m];
    for (size_t by = 0; by < label_count(row->by); by++) {
        const cell *line = &metrics.cells[m][by * row_width(row)];
        if (is_silent(row, line))
            continue;
        if (row->kind == KIND_HISTOGRAM) {
            write_series(out, row, by, line);
            continue;
        }
        for (size_t also = 0; also < row_width(row); also++) {
            int64_t value = atomic_load_explicit(&line[also], memory_order_relaxed);
            if (value != 0 || row->also == LABEL_NONE)
                write_value(out, row, by, also, value);
        }
    }
}

static void write_head(struct buf *out, const char *name, const char *kind, const char *text)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, text, name, kind);
}

static int64_t open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    int64_t count = -3; /* ".", ".." and this very one */
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static int64_t resident_bytes(void)
{
    auto_file FILE *file = fopen("/proc/self/statm", "re");
    char line[128];
    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        return 0;
    const char *second = strchr(line, ' ');
    return second == NULL ? 0 : strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE);
}

/* Under the names every Prometheus client uses. */
static void write_process(struct buf *out)
{
    struct rusage used = {0};
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    write_head(out, "process_cpu_seconds_total", "counter", "Processor time used.");
    buf_printf(out, "process_cpu_seconds_total %.6f\n", cpu);
    write_head(out, "process_resident_memory_bytes", "gauge", "Memory in RAM.");
    buf_printf(out, "process_resident_memory_bytes %lld\n", (long long)resident_bytes());
    write_head(out, "process_open_fds", "gauge", "Open files and sockets.");
    buf_printf(out, "process_open_fds %lld\n", (long long)open_files());
    write_head(out, "process_start_time_seconds", "gauge", "Start, in seconds since 1970.");
    buf_printf(out, "process_start_time_seconds %.3f\n", (double)metrics.started_us / 1e6);
}

void metrics_write(struct buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        if (!atomic_load_explicit(&metrics.is_touched[m], memory_order_relaxed))
            continue;
        write_head(out, rows[m].name, kinds[rows[m].kind], rows[m].text);
        if (metrics.ask[m] != NULL)
            write_value(out, &rows[m], 0, 0, metrics.ask[m](metrics.ask_arg[m]));
        else if (metrics.cells[m] != NULL)
            write_cells(out, m);
    }
    write_process(out);
}
