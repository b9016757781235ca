/* SPDX-License-Identifier: MIT
 *
 * A busy process logs tens of thousands of lines a second, and a system call for each costs more
 * than making them. A thread of its own writes what has gathered; it sleeps while nothing has. */

#include "shared/base/log_writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/heap.h"
#include "shared/base/thread.h"

enum { ROOM = 32 * 1024, ASLEEP_MS = 60 * 1000 };

struct log_writer {
    int fd;
    pthread_t thread;
    struct stopper first; /* nudged when the first line waits */
    struct stopper pause;

    pthread_mutex_t lock; /* guards what follows */
    size_t len;
    char lines[ROOM];
};

/* A log that cannot be written has nowhere to say so. */
static void write_out(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void flush_locked(struct log_writer *w)
{
    write_out(w->fd, w->lines, w->len);
    w->len = 0;
}

void log_writer_flush(struct log_writer *w)
{
    pthread_mutex_lock(&w->lock);
    flush_locked(w);
    pthread_mutex_unlock(&w->lock);
}

void log_writer_add(struct log_writer *w, const char *line, size_t len, bool is_urgent)
{
    pthread_mutex_lock(&w->lock);
    if (w->len + len > ROOM)
        flush_locked(w);
    bool is_first = w->len == 0;
    memcpy(w->lines + w->len, line, len);
    w->len += len;
    if (is_urgent)
        flush_locked(w);
    pthread_mutex_unlock(&w->lock);
    if (is_first && !is_urgent)
        stopper_nudge(&w->first);
}

static void *writer_main(void *arg)
{
    struct log_writer *w = arg;
    while (!stopper_wait(&w->first, ASLEEP_MS)) {
        (void)stopper_wait(&w->pause, LOG_GATHER_MS);
        log_writer_flush(w);
    }
    return NULL;
}

struct log_writer *log_writer_new(int fd)
{
    struct log_writer *w = heap_alloc(sizeof(*w));
    w->fd = fd;
    stopper_init(&w->first);
    stopper_init(&w->pause);
    pthread_mutex_init(&w->lock, NULL);
    thread_start(&w->thread, writer_main, w);
    return w;
}

void log_writer_free(struct log_writer *w)
{
    stopper_stop(&w->first);
    stopper_stop(&w->pause);
    pthread_join(w->thread, NULL);
    log_writer_flush(w);
    stopper_done(&w->first);
    stopper_done(&w->pause);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
