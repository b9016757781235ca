/* SPDX-License-Identifier: MIT
 *
 * A line is built whole and written whole, so that lines of several threads never mix. What does
 * not fit is left out member by member, never cut in the middle: every line is valid JSON, whatever
 * a client put into a value. */

#include "shared/base/log.h"

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/log_writer.h"
#include "shared/base/str.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum {
    VALUE_MAX = 1024, /* bytes of one string value */
    TAIL = 16,        /* room kept for the end of the line */
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* Set before other threads exist, read by all. */
static struct {
    const char *service;
    enum log_level level;
    bool is_pretty;
    int fd;
    struct log_writer *writer; /* NULL: each line is written at once */
} settings = {.level = LEVEL_INFO, .fd = STDERR_FILENO};

void log_init(const char *service, enum log_level level, bool pretty)
{
    settings.service = service;
    settings.level = level;
    settings.is_pretty = pretty;
}

static void flush_at_exit(void)
{
    log_writer_flush(settings.writer);
}

void log_gather(void)
{
    settings.writer = log_writer_new(settings.fd);
    (void)atexit(flush_at_exit);
}

void log_to(int fd)
{
    settings.fd = fd;
}

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_enabled(enum log_level level)
{
    return level >= settings.level;
}

struct log_kv kv_string(const char *key, const char *value)
{
    return (struct log_kv){.key = key, .kind = KV_STRING, .value.string = value};
}

struct log_kv kv_signed(const char *key, int64_t value)
{
    return (struct log_kv){.key = key, .kind = KV_SIGNED, .value.number = value};
}

struct log_kv kv_id(const char *key, uint64_t value)
{
    return (struct log_kv){.key = key, .kind = KV_ID, .value.id = value};
}

struct log_kv kv_bool(const char *key, bool value)
{
    return (struct log_kv){.key = key, .kind = KV_BOOL, .value.boolean = value};
}

struct log_kv kv_double(const char *key, double value)
{
    return (struct log_kv){.key = key, .kind = KV_DOUBLE, .value.real = value};
}

/* Clients and other libraries supply these bytes: clipped, and made valid UTF-8 if they are not. */
static void add_string(struct buf *line, const char *s)
{
    if (s == NULL) {
        buf_adds(line, "null");
        return;
    }
    size_t len = strnlen(s, VALUE_MAX);
    if (len == VALUE_MAX)
        while (len > 0 && ((unsigned char)s[len] & 0xC0) == 0x80)
            len--;
    if (utf8_valid(s, len)) {
        buf_json_str(line, s, len);
        return;
    }
    char ascii[VALUE_MAX];
    for (size_t i = 0; i < len; i++)
        ascii[i] = (unsigned char)s[i] < 0x80 ? s[i] : '?';
    buf_json_str(line, ascii, len);
}

static void add_value(struct buf *line, const struct log_kv *kv)
{
    switch (kv->kind) {
    case KV_STRING:
        add_string(line, kv->value.string);
        return;
    case KV_SIGNED:
        buf_add_i64(line, kv->value.number);
        return;
    case KV_ID:
        buf_addc(line, '"');
        buf_add_u64(line, kv->value.id);
        buf_addc(line, '"');
        return;
    case KV_BOOL:
        buf_adds(line, kv->value.boolean ? "true" : "false");
        return;
    case KV_DOUBLE:
        if (isfinite(kv->value.real))
            buf_printf(line, "%.6g", kv->value.real);
        else
            buf_adds(line, "null");
        return;
    }
}

static void add_member(struct buf *line, const struct log_kv *kv)
{
    if (settings.is_pretty) {
        buf_printf(line, " %s=", kv->key);
    } else {
        buf_addc(line, ',');
        buf_json_str(line, kv->key, strlen(kv->key));
        buf_addc(line, ':');
    }
    add_value(line, kv);
}

static void add_head(struct buf *line, enum log_level level, const char *what)
{
    char now[TIME_TEXT_SIZE];
    time_format_rfc3339(clock_us(), now);
    const char *service = settings.service != NULL ? settings.service : "";
    if (settings.is_pretty) {
        buf_printf(line, "%.12s %-5s %s %s", now + strlen("2026-11-20T"), level_names[level],
                   service, what);
        return;
    }
    buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\"", now, level_names[level]);
    if (settings.service != NULL)
        add_member(line, &(struct log_kv){"service", KV_STRING, {.string = service}});
    add_member(line, &(struct log_kv){"what", KV_STRING, {.string = what}});
}

void log_line(enum log_level level, const char *what, const struct log_kv *kv, size_t count)
{
    auto_buf struct buf line = {0};
    buf_reserve(&line, LOG_LINE_MAX / 8);
    add_head(&line, level, what);
    bool is_cut = false;
    for (size_t i = 0; i < count; i++) {
        size_t before = line.len;
        add_member(&line, &kv[i]);
        if (line.len + TAIL > LOG_LINE_MAX) {
            line.len = before;
            is_cut = true;
        }
    }
    if (is_cut)
        add_member(&line, &(struct log_kv){"cut", KV_BOOL, {.boolean = true}});
    buf_adds(&line, settings.is_pretty ? "\n" : "}\n");
    if (settings.writer != NULL) {
        log_writer_add(settings.writer, line.data, line.len, level >= LEVEL_WARN);
        return;
    }
    /* A log that cannot be written has nowhere to say so. */
    ssize_t written UNUSED = write(settings.fd, line.data, line.len);
}

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[VALUE_MAX];
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    LOG(ERROR, "process.failed", KV("why", &text[0]));
    exit(EXIT_FAILURE);
}
