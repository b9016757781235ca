/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_LOG_H
#define SHARED_BASE_LOG_H

/* One JSON object per line on standard error, at most LOG_LINE_MAX bytes. Once log_gather was
 * called, INFO and DEBUG may wait for up to 100 ms; WARN and ERROR are written at once.
 * The first argument is a constant "noun.verb"; everything that varies is a KV. uint64_t values are
 * ids and are written as strings; counts are signed or 32 bits wide. Any thread. */

#include "shared/base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 4096 };

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR };

enum log_kind { KV_STRING, KV_SIGNED, KV_ID, KV_BOOL, KV_DOUBLE };

struct log_kv {
    const char *key;
    enum log_kind kind;
    union {
        const char *string;
        int64_t number;
        uint64_t id;
        bool boolean;
        double real;
    } value;
};

/* What KV() chooses from by the type of the value. */
struct log_kv kv_string(const char *key, const char *value);
struct log_kv kv_signed(const char *key, int64_t value);
struct log_kv kv_id(const char *key, uint64_t value);
struct log_kv kv_bool(const char *key, bool value);
struct log_kv kv_double(const char *key, double value);

/* clang-format off */
#define KV(key, value)                                                                             \
    _Generic((value),                                                                              \
        char *:             kv_string,                                                             \
        const char *:       kv_string,                                                             \
        bool:               kv_bool,                                                               \
        unsigned long:      kv_id,                                                                 \
        unsigned long long: kv_id,                                                                 \
        float:              kv_double,                                                             \
        double:             kv_double,                                                             \
        default:            kv_signed)(key, value)
/* clang-format on */

#define LOG(level, what, ...)                                                               \
    do {                                                                                    \
        if (log_enabled(LEVEL_##level))                                                     \
            log_line(LEVEL_##level, what, (const struct log_kv[]){__VA_ARGS__},             \
                     sizeof((const struct log_kv[]){__VA_ARGS__}) / sizeof(struct log_kv)); \
    } while (0)

/* Before the first call lines carry no service name and INFO is the level. The name is kept by
 * pointer. pretty is for people at a terminal: time, level, what, key=value. */
void log_init(const char *service, enum log_level level, bool pretty);
void log_gather(void); /* once, before there are other threads; what waits is written at exit(3) */
void log_to(int fd);   /* tests; standard error by default */
bool log_level_parse(const char *name, enum log_level *ret_level) MUST_CHECK;

bool log_enabled(enum log_level level);
void log_line(enum log_level level, const char *what, const struct log_kv *kv, size_t count);

/* For start-up only, when there is no client to answer: log "process.failed" and exit(1). */
void die(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

#endif
