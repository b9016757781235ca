/* SPDX-License-Identifier: MIT
 *
 * A shallow scanner over bytes nobody has checked: every step looks at the end first. Brackets are
 * counted only outside strings, so a value ends where it ends however deep it is, in constant
 * memory. */

#include "gateway/scan.h"

#include <string.h>

#include "shared/base/str.h"

struct cursor {
    const char *at;
    const char *end;
};

static void skip_blank(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
        c->at++;
}

static bool take(struct cursor *c, char wanted)
{
    skip_blank(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

/* From the opening quote to behind the closing one. */
static bool skip_string(struct cursor *c)
{
    for (c->at++; c->at < c->end; c->at++) {
        if (*c->at == '"') {
            c->at++;
            return true;
        }
        if (*c->at == '\\' && ++c->at == c->end)
            return false;
    }
    return false;
}

static bool skip_nested(struct cursor *c)
{
    size_t depth = 0;
    while (c->at < c->end) {
        if (*c->at == '"') {
            if (!skip_string(c))
                return false;
            continue;
        }
        char byte = *c->at++;
        if (byte == '{' || byte == '[')
            depth++;
        else if ((byte == '}' || byte == ']') && --depth == 0)
            return true;
    }
    return false;
}

static bool skip_word(struct cursor *c)
{
    const char *start = c->at;
    while (c->at < c->end && *c->at != '\0' && strchr(",]}{[\" \t\r\n:", *c->at) == NULL)
        c->at++;
    return c->at > start;
}

static bool take_value(struct cursor *c, struct span *ret)
{
    skip_blank(c);
    if (c->at == c->end)
        return false;
    const char *start = c->at;
    bool is_whole = *start == '"'                    ? skip_string(c)
                    : *start == '{' || *start == '[' ? skip_nested(c)
                                                     : skip_word(c);
    *ret = (struct span){start, (size_t)(c->at - start)};
    return is_whole;
}

static bool take_key(struct cursor *c, struct span *ret)
{
    skip_blank(c);
    if (c->at == c->end || *c->at != '"' || !take_value(c, ret))
        return false;
    *ret = (struct span){ret->at + 1, ret->len - 2};
    return take(c, ':');
}

bool scan_next(struct span object, size_t *at, struct span *ret_key, struct span *ret_value)
{
    struct cursor c = {object.at + *at, object.at + object.len};
    if (!take(&c, *at == 0 ? '{' : ','))
        return false;
    if (!take_key(&c, ret_key) || !take_value(&c, ret_value))
        return false;
    *at = (size_t)(c.at - object.at);
    return true;
}

bool scan_item(struct span array, size_t *at, struct span *ret_value)
{
    if (array.at == NULL)
        return false;
    struct cursor c = {array.at + *at, array.at + array.len};
    if (!take(&c, *at == 0 ? '[' : ',') || !take_value(&c, ret_value))
        return false;
    *at = (size_t)(c.at - array.at);
    return true;
}

/* The object ends behind its last member and nothing follows. */
static bool is_closed(struct span object, size_t at)
{
    struct cursor c = {object.at + at, object.at + object.len};
    if (at == 0 && !take(&c, '{'))
        return false;
    if (!take(&c, '}'))
        return false;
    skip_blank(&c);
    return c.at == c.end;
}

bool scan_members(struct span object, const char *const *names, struct span *values, size_t count)
{
    if (object.at == NULL)
        return false;
    memset(values, 0, count * sizeof(values[0]));
    struct span key, value;
    size_t at = 0;
    while (scan_next(object, &at, &key, &value))
        for (size_t i = 0; i < count; i++)
            if (values[i].at == NULL && span_is(key, names[i]))
                values[i] = value;
    return is_closed(object, at);
}

bool scan_member(struct span object, const char *name, struct span *ret_value)
{
    return scan_members(object, &name, ret_value, 1);
}

bool scan_plain(struct span value, struct span *ret_text)
{
    if (value.len < 2 || value.at[0] != '"' || memchr(value.at, '\\', value.len) != NULL)
        return false;
    *ret_text = (struct span){value.at + 1, value.len - 2};
    return true;
}

bool scan_id(struct span value, snowflake *ret_id)
{
    struct span text;
    return scan_plain(value, &text) && snowflake_parse_n(text.at, text.len, ret_id);
}

bool scan_uint(struct span value, uint64_t *ret_number)
{
    return value.at != NULL && str_parse_u64(value.at, value.len, ret_number);
}

bool span_is(struct span text, const char *word)
{
    return text.at != NULL && text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}
