/* SPDX-License-Identifier: MIT
 *
 * A bit for each noun, in the order in which events.def first names it. Per frame it costs one
 * look into a table. */

#include "gateway/intents.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum { FAMILIES_MAX = 32 };

static struct {
    const char *names[FAMILIES_MAX]; /* whole event names: the family ends at the dot */
    size_t count;
    uint32_t of[EVENT_COUNT]; /* the bit of each event */
    uint32_t channels;
    uint32_t servers;
} table;

static bool is_family(const char *event, struct span family)
{
    return strcspn(event, ".") == family.len && memcmp(event, family.at, family.len) == 0;
}

/* 0: there is none of that name. */
static uint32_t bit_of(struct span family)
{
    for (size_t i = 0; i < table.count; i++)
        if (is_family(table.names[i], family))
            return UINT32_C(1) << i;
    return 0;
}

static void add(const struct event_type *type)
{
    struct span family = {type->name, strcspn(type->name, ".")};
    uint32_t bit = bit_of(family);
    if (bit == 0) {
        assert(table.count < FAMILIES_MAX);
        bit = UINT32_C(1) << table.count;
        table.names[table.count++] = type->name;
    }
    table.of[type - event_types] = bit;
    if (type->keeping == DURABLE && type->audience == AUDIENCE_CHANNEL)
        table.channels |= bit;
    if (type->keeping == DURABLE && type->audience == AUDIENCE_SERVER)
        table.servers |= bit;
}

static void fill_table(void)
{
    for (size_t i = 0; i < EVENT_COUNT; i++)
        add(&event_types[i]);
}

void intents_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_table);
}

/* Nothing but the closing bracket is left. */
static bool is_closed(struct span list, size_t at)
{
    size_t last = list.len - 1;
    for (at = at == 0 ? 1 : at; at < last && strchr(" \t\r\n", list.at[at]) != NULL;)
        at++;
    return at == last && list.at[last] == ']';
}

bool intents_read(struct span list, uint32_t *ret)
{
    struct span item, family;
    uint32_t intents = 0;
    size_t at = 0;
    if (list.len < 2 || list.at[0] != '[')
        return false;
    while (scan_item(list, &at, &item)) {
        uint32_t bit = scan_plain(item, &family) ? bit_of(family) : 0;
        if (bit == 0)
            return false;
        intents |= bit;
    }
    *ret = intents;
    return is_closed(list, at);
}

bool intents_want(uint32_t intents, const struct event_type *type)
{
    return type == NULL || (intents & table.of[type - event_types]) != 0;
}

uint32_t intents_of_channels(void)
{
    return table.channels;
}

uint32_t intents_of_servers(void)
{
    return table.servers;
}
