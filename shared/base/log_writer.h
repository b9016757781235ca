/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_LOG_WRITER_H
#define SHARED_BASE_LOG_WRITER_H

/* Finished log lines on their way to a descriptor: whole, in the order of the calls. A line that is
 * not urgent may wait LOG_GATHER_MS for company; an urgent one takes along what waits and is
 * written before the call returns. Any thread. */

#include <stdbool.h>
#include <stddef.h>

enum { LOG_GATHER_MS = 100 };

struct log_writer;

struct log_writer *log_writer_new(int fd); /* fd stays the caller's */
void log_writer_free(struct log_writer *w);

void log_writer_add(struct log_writer *w, const char *line, size_t len, bool is_urgent);
void log_writer_flush(struct log_writer *w);

#endif
