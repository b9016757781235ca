/* SPDX-License-Identifier: MIT */
/* Where Redis is, and what it said. */

#include <stdlib.h>
#include <string.h>

#include "shared/base/heap.h"
#include "shared/store/cache_private.h"

enum { PORT = 6379, DB_MAX = 15 };

static bool number_parse(const char *s, long max, int *ret)
{
    char *end;
    long value = strtol(s, &end, 10);
    if (end == s || *end != '\0' || value < 0 || value > max)
        return false;
    *ret = (int)value;
    return true;
}

/* host[:port]; cuts the text up. */
static bool host_parse(char *text, struct cache_address *ret)
{
    char *colon = strrchr(text, ':');
    ret->port = PORT;
    if (colon != NULL) {
        *colon = '\0';
        if (!number_parse(colon + 1, 65535, &ret->port))
            return false;
    }
    if (*text == '\0')
        return false;
    ret->host = heap_strdup(text);
    return true;
}

static bool tcp_parse(char *text, struct cache_address *ret)
{
    char *at = strrchr(text, '@');
    if (at != NULL) {
        *at = '\0';
        char *password = strchr(text, ':');
        ret->password = heap_strdup(password != NULL ? password + 1 : text);
        text = at + 1;
    }
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (slash[1] != '\0' && !number_parse(slash + 1, DB_MAX, &ret->db))
            return false;
    }
    return host_parse(text, ret);
}

bool cache_address_parse(const char *url, struct cache_address *ret)
{
    *ret = (struct cache_address){.db = 0};
    if (strncmp(url, "unix://", 7) == 0) {
        ret->path = heap_strdup(url + 7);
        return true;
    }
    if (strncmp(url, "redis://", 8) != 0)
        return false;
    auto_heap char *text = heap_strdup(url + 8);
    if (tcp_parse(text, ret))
        return true;
    cache_address_done(ret);
    return false;
}

void cache_address_done(struct cache_address *a)
{
    free(a->host);
    free(a->path);
    free(a->password);
    *a = (struct cache_address){.db = 0};
}

static void list_fill(struct arena *a, const redisReply *reply, struct cache_value *ret)
{
    ret->kind = CACHE_LIST;
    ret->count = reply->elements;
    ret->items = arena_alloc_n(a, reply->elements + 1, sizeof(*ret->items));
    for (size_t i = 0; i < reply->elements; i++)
        cache_value_fill(a, reply->element[i], &ret->items[i]);
}

void cache_value_fill(struct arena *a, const redisReply *reply, struct cache_value *ret)
{
    *ret = (struct cache_value){.kind = CACHE_NIL};
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        ret->kind = CACHE_INT;
        ret->integer = reply->integer;
        break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        ret->kind = reply->type == REDIS_REPLY_ERROR ? CACHE_ERROR : CACHE_STR;
        ret->str = arena_strndup(a, reply->str, (size_t)reply->len);
        ret->len = (size_t)reply->len;
        break;
    case REDIS_REPLY_ARRAY:
        list_fill(a, reply, ret);
        break;
    default:
        break;
    }
}
