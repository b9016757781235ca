/* SPDX-License-Identifier: MIT
 *
 * Who asks, as headers. One table serves both directions, so what one process writes is what the
 * other reads. Reading trusts nothing: a header that is missing or garbled is as if nobody had said
 * it, and a deadline is never further away than the longest request we serve. */

#include <inttypes.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/str.h"
#include "shared/wire/bus.h"

enum { DEADLINE_MAX_US = 30 * 1000000 };

struct id_head {
    const char *name;
    size_t offset;
};
static const struct id_head id_heads[] = {
    {"Parley-Actor",   offsetof(struct caller, user)   },
    {"Parley-App",     offsetof(struct caller, app)    },
    {"Parley-Session", offsetof(struct caller, session)},
};

struct text_head {
    const char *name;
    size_t offset;
    const char *absent;
};
static const struct text_head text_heads[] = {
    {"Parley-Request", offsetof(struct caller, request_id), ""  },
    {"Parley-Ip",      offsetof(struct caller, ip),         ""  },
    {"Parley-Agent",   offsetof(struct caller, agent),      ""  },
    {"Parley-Locale",  offsetof(struct caller, locale),     "en"},
    {"Parley-Key",     offsetof(struct caller, key),        NULL},
    {"traceparent",    offsetof(struct caller, trace),      NULL},
};

static const char flags_head[] = "Parley-Flags";
static const char deadline_head[] = "Parley-Deadline";
_Static_assert(ARRAY_LEN(id_heads) + ARRAY_LEN(text_heads) + 2 <= BUS_HEADS_MAX,
               "the caller's headers leave room");

/* A line of its own is all a header may be. */
static const char *one_line(struct arena *a, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return NULL;
    if (strpbrk(text, "\r\n") == NULL)
        return text;
    char *copy = arena_strdup(a, text);
    for (char *at = copy; (at = strpbrk(at, "\r\n")) != NULL;)
        *at = ' ';
    return copy;
}

static const char *flags_text(const struct caller *c)
{
    if (c->is_admin)
        return c->is_bot ? "ab" : "a";
    return c->is_bot ? "b" : NULL;
}

size_t bus_caller_heads(const struct caller *c, int64_t deadline_us, struct arena *a,
                        struct bus_head heads[BUS_HEADS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(id_heads); i++) {
        snowflake id = *(const snowflake *)(const void *)((const char *)c + id_heads[i].offset);
        if (id != 0)
            heads[n++] = (struct bus_head){id_heads[i].name, arena_printf(a, "%" PRIu64, id)};
    }
    for (size_t i = 0; i < ARRAY_LEN(text_heads); i++) {
        const char *text =
            *(const char *const *)(const void *)((const char *)c + text_heads[i].offset);
        heads[n++] = (struct bus_head){text_heads[i].name, one_line(a, text)};
    }
    int64_t deadline_ms = (clock_us() + deadline_us - mono_us()) / 1000;
    heads[n++] = (struct bus_head){flags_head, flags_text(c)};
    heads[n++] = (struct bus_head){deadline_head, arena_printf(a, "%" PRId64, deadline_ms)};
    return n;
}

static const char *head_get(natsMsg *msg, const char *name)
{
    const char *value = NULL;
    return natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : NULL;
}

/* UTC on the wire, because processes share that clock and not the monotonic one. */
static int64_t deadline_read(const char *text)
{
    uint64_t ms;
    int64_t now_us = mono_us();
    if (text == NULL || !str_parse_u64(text, strlen(text), &ms) || ms > INT64_MAX / 1000)
        return now_us + DEADLINE_MAX_US;
    int64_t left_us = (int64_t)ms * 1000 - clock_us();
    return now_us + (left_us < DEADLINE_MAX_US ? left_us : DEADLINE_MAX_US);
}

void bus_caller_read(natsMsg *msg, struct arena *a, struct caller *ret, int64_t *ret_deadline_us)
{
    *ret = (struct caller){0};
    for (size_t i = 0; i < ARRAY_LEN(id_heads); i++) {
        const char *text = head_get(msg, id_heads[i].name);
        snowflake id;
        if (text != NULL && snowflake_parse(text, &id))
            *(snowflake *)(void *)((char *)ret + id_heads[i].offset) = id;
    }
    for (size_t i = 0; i < ARRAY_LEN(text_heads); i++) {
        const char *text = head_get(msg, text_heads[i].name);
        *(const char **)(void *)((char *)ret + text_heads[i].offset) =
            text != NULL ? arena_strdup(a, text) : text_heads[i].absent;
    }
    const char *flags = head_get(msg, flags_head);
    ret->is_admin = flags != NULL && strchr(flags, 'a') != NULL;
    ret->is_bot = flags != NULL && strchr(flags, 'b') != NULL;
    *ret_deadline_us = deadline_read(head_get(msg, deadline_head));
}
