/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LIB_PROCESS_H
#define TESTS_BENCH_LIB_PROCESS_H

/* The processes of the stack under test, by the names deploy/stack.sh gives them ("messaging-1",
 * "postgres"): what they use, and what they count. */

#include <stdint.h>

int process_pid(const char *name); /* ends the benchmark when there is none */
long process_pss_kb(int pid);

/* CPU time of every process of the stack and of this one, from start to report: who had which share
 * of a core, and how much of it for each of so many operations, which a busy machine changes least.
 * PostgreSQL's backends count as one. Prints a line of its own, no figure. */
struct cpu_share;
struct cpu_share *cpu_share_start(void);
void cpu_share_report(struct cpu_share *c, const char *during, double operations);

/* The sum of a process's counters whose line begins with `name` and has `label` in it (NULL: any);
 * process in capitals, as in OPS_MESSAGING_1. */
double process_count(const char *process, const char *name, const char *label);

#endif
