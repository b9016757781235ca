/* SPDX-License-Identifier: MIT
 *
 * The main thread's part of a process's life. Signals are blocked before the first thread starts,
 * so every thread inherits that and none is ever interrupted by one.
 */
#include "shared/service/process.h"

#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "shared/base/log.h"

enum { TRIM_BYTES = 256 * 1024, MMAP_BYTES = 256 * 1024, ARENAS = 8 };

static void end_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
}

void process_begin(const char *name, const char *log_level, bool log_pretty)
{
    enum log_level level;
    sigset_t ends;
    /* glibc would keep an arena per thread and every burst's memory for ever. */
    mallopt(M_ARENA_MAX, ARENAS);
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    signal(SIGPIPE, SIG_IGN);
    end_signals(&ends);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    if (!log_level_parse(log_level, &level))
        die("LOG_LEVEL: \"%s\" is not debug, info, warn or error", log_level);
    log_init(name, level, log_pretty);
    log_gather();
}

bool process_is_over(int timeout_ms)
{
    struct timespec wait = {timeout_ms / 1000, timeout_ms % 1000 * INT64_C(1000000)};
    sigset_t ends;
    end_signals(&ends);
    int got = timeout_ms < 0 ? sigwaitinfo(&ends, NULL) : sigtimedwait(&ends, NULL, &wait);
    if (got < 0)
        return false;
    LOG(INFO, "process.drain", KV("signal", got));
    pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
    return true;
}
