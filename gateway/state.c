/* SPDX-License-Identifier: MIT
 *
 * Reading a large answer without building a tree of it: in a storm of reconnects this is most of
 * what the gateway does. The text is messaging's, so a shallow scan is enough. */

#include "gateway/state.h"

#include <stdlib.h>

#include "shared/base/heap.h"

static size_t item_count(struct span array)
{
    struct span item;
    size_t count = 0;
    for (size_t at = 0; scan_item(array, &at, &item);)
        count++;
    return count;
}

static bool read_channel(struct span json, struct told_channel *ret)
{
    static const char *const names[] = {"id", "seq"};
    struct span values[2];
    uint64_t seq;
    if (!scan_members(json, names, values, 2) || !scan_id(values[0], &ret->id) ||
        !scan_uint(values[1], &seq))
        return false;
    ret->seq = (int64_t)seq;
    return true;
}

static int by_id(const void *a, const void *b)
{
    snowflake x = ((const struct told_channel *)a)->id;
    snowflake y = ((const struct told_channel *)b)->id;
    return (x > y) - (x < y);
}

static bool read_channels(struct arena *arena, struct span array, struct told *ret)
{
    size_t max = item_count(array);
    struct told_channel *channels = arena_new_n(arena, struct told_channel, max);
    struct span item;
    size_t count = 0;
    for (size_t at = 0; scan_item(array, &at, &item); count++)
        if (!read_channel(item, &channels[count]))
            return false;
    qsort(channels, count, sizeof(channels[0]), by_id);
    ret->channels = channels;
    ret->channel_count = count;
    return true;
}

static bool read_roles(struct arena *arena, struct span member, struct told *ret)
{
    struct span array, item;
    if (!scan_member(member, "roles", &array) || array.at == NULL)
        return false;
    snowflake *roles = arena_new_n(arena, snowflake, item_count(array));
    size_t count = 0;
    for (size_t at = 0; scan_item(array, &at, &item); count++)
        if (!scan_id(item, &roles[count]))
            return false;
    ret->roles = roles;
    ret->role_count = count;
    return true;
}

static bool read_server(struct arena *arena, struct span json, struct told *ret)
{
    static const char *const names[] = {"id", "seq", "member", "channels"};
    struct span values[4];
    uint64_t seq;
    if (!scan_members(json, names, values, 4) || !scan_id(values[0], &ret->server) ||
        !scan_uint(values[1], &seq))
        return false;
    ret->seq = (int64_t)seq;
    ret->json = json;
    return read_roles(arena, values[2], ret) && read_channels(arena, values[3], ret);
}

static bool read_state(struct state *s)
{
    static const char *const names[] = {"servers", "read_states", "user_seq"};
    struct span values[3];
    struct span item;
    uint64_t user_seq;
    if (!scan_members(s->json, names, values, 3) || values[0].at == NULL ||
        !scan_uint(values[2], &user_seq))
        return false;
    s->read_states = values[1];
    s->user_seq = (int64_t)user_seq;
    s->servers = arena_new_n(&s->arena, struct told, item_count(values[0]));
    for (size_t at = 0; scan_item(values[0], &at, &item); s->count++)
        if (!read_server(&s->arena, item, &s->servers[s->count]))
            return false;
    return true;
}

void *state_parse(const struct ask_answer *a)
{
    struct state *s = heap_alloc(sizeof(*s));
    s->json = (struct span){arena_strndup(&s->arena, a->body, a->len), a->len};
    if (read_state(s))
        return s;
    state_free(s);
    return NULL;
}

void state_free(struct state *s)
{
    if (s == NULL)
        return;
    arena_release(&s->arena);
    free(s);
}

const struct told *state_find(const struct state *s, snowflake server)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->servers[i].server == server)
            return &s->servers[i];
    return NULL;
}
