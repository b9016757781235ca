/* SPDX-License-Identifier: MIT */
#include "tests/bench/lib/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/bench/lib/figures.h"
#include "tests/bench/lib/http.h"

enum { PROCESSES_MAX = 32, NAME_SIZE = 64 };

int process_pid(const char *name)
{
    char path[4096];
    int pid = 0;
    snprintf(path, sizeof(path), "%s/run/%s.pid", need_env("STACK_DIR"), name);
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%d", &pid) != 1) {
        fprintf(stderr, "there is no process %s\n", name);
        exit(2);
    }
    fclose(file);
    return pid;
}

long process_pss_kb(int pid)
{
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "Pss: %ld kB", &kb) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kb;
}

/* ---- CPU ---- */

struct cpu_share {
    int64_t began_us;
    double self;
    int count;
    struct {
        char name[NAME_SIZE];
        int pid;
        double before;
    } of[PROCESSES_MAX];
};

/* Seconds of CPU a process and its ended children used, and whose child it is. */
static double cpu_of_stat(const char *pid, int *ret_parent)
{
    char path[288], text[1024];
    long user, kernel, ended_user, ended_kernel;
    *ret_parent = 0;
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    /* The command's name, in brackets, may hold anything. */
    const char *rest = strrchr(text, ')');
    if (rest == NULL ||
        sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %ld %ld", ret_parent,
               &user, &kernel, &ended_user, &ended_kernel) != 5)
        return 0;
    return (double)(user + kernel + ended_user + ended_kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_with_children(int pid)
{
    char name[16];
    int parent;
    snprintf(name, sizeof(name), "%d", pid);
    double used = cpu_of_stat(name, &parent);
    DIR *dir = opendir("/proc");
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        double one = cpu_of_stat(entry->d_name, &parent);
        if (parent == pid)
            used += one;
    }
    if (dir != NULL)
        closedir(dir);
    return used;
}

struct cpu_share *cpu_share_start(void)
{
    char path[4096];
    struct cpu_share *c = calloc(1, sizeof(*c));
    snprintf(path, sizeof(path), "%s/run", need_env("STACK_DIR"));
    DIR *dir = opendir(path);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        const char *end = strstr(entry->d_name, ".pid");
        if (end == NULL || c->count == PROCESSES_MAX)
            continue;
        snprintf(c->of[c->count].name, NAME_SIZE, "%.*s", (int)(end - entry->d_name),
                 entry->d_name);
        c->of[c->count].pid = process_pid(c->of[c->count].name);
        c->of[c->count].before = cpu_with_children(c->of[c->count].pid);
        c->count++;
    }
    if (dir != NULL)
        closedir(dir);
    c->self = cpu_self();
    c->began_us = mono_us();
    return c;
}

static void print_share(const char *name, double used_s, double took_s, double operations)
{
    double each_us = used_s * 1e6 / operations;
    printf("%s %.0f %% (", name, 100 * used_s / took_s);
    if (each_us < 1000)
        printf("%.1f us each)", each_us);
    else
        printf("%.1f ms each)", each_us / 1e3);
}

void cpu_share_report(struct cpu_share *c, const char *during, double operations)
{
    double took_s = (double)(mono_us() - c->began_us) / 1e6;
    printf("CPU\t%s\t", during);
    print_share("load generator", cpu_self() - c->self, took_s, operations);
    for (int i = 0; i < c->count; i++) {
        double used_s = cpu_with_children(c->of[i].pid) - c->of[i].before;
        if (used_s < took_s / 100)
            continue;
        printf(", ");
        print_share(c->of[i].name, used_s, took_s, operations);
    }
    printf("\n");
    fflush(stdout);
    free(c);
}

/* ---- counters ---- */

double process_count(const char *process, const char *name, const char *label)
{
    char variable[80];
    double sum = 0;
    snprintf(variable, sizeof(variable), "OPS_%s", process);
    char *text = http_get_text(atoi(strrchr(need_env(variable), ':') + 1), "/metrics");
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        const char *value = strrchr(line, ' ');
        if (strncmp(line, name, strlen(name)) == 0 && value != NULL &&
            (label == NULL || strstr(line, label) != NULL))
            sum += strtod(value, NULL);
    }
    free(text);
    return sum;
}
