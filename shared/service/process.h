/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_PROCESS_H
#define SHARED_SERVICE_PROCESS_H

/* What every process of ours does first and last, the gateway too: a lean allocator, the log, and
 * signals that are waited for by the main thread instead of interrupting anybody. */

#include <stdbool.h>

/* Before any thread. name is kept by pointer; a log level that does not exist ends the process. */
void process_begin(const char *name, const char *log_level, bool log_pretty);

/* Waits up to timeout_ms (-1: for ever); true once SIGTERM or SIGINT has come. From then on another
 * one ends the process at once. */
bool process_is_over(int timeout_ms);

#endif
