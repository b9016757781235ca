/* SPDX-License-Identifier: MIT
 *
 * One pass over a message. A run of backticks opens code if a run of the same length closes it
 * later (CommonMark 6.1; blocks fenced by three are the same rule); what is in between names
 * nobody. */

#include "shared/domain/mention.h"

#include <string.h>

enum { ID_DIGITS_MAX = 19 };

struct scan {
    const char *start;
    const char *at;
    const char *end;
    struct mentions *found;
};

static size_t run_length(const char *at, const char *end)
{
    size_t length = 0;
    while (at + length < end && at[length] == '`')
        length++;
    return length;
}

/* Behind the run that closes one of this length, or NULL. */
static const char *find_close(const char *at, const char *end, size_t length)
{
    while (at < end) {
        size_t here = run_length(at, end);
        if (here == length)
            return at + here;
        at += here > 0 ? here : 1;
    }
    return NULL;
}

static void skip_code(struct scan *s)
{
    size_t length = run_length(s->at, s->end);
    const char *behind = find_close(s->at + length, s->end, length);
    s->at = behind != NULL ? behind : s->at + length;
}

static void add_once(snowflake *ids, size_t *count, snowflake id)
{
    for (size_t i = 0; i < *count; i++)
        if (ids[i] == id)
            return;
    if (*count < LIMIT_MENTIONS)
        ids[(*count)++] = id;
}

/* <@1>, <@!1> (how older clients spell a nickname) or <@&1>; anything else is one character of
 * text. */
static void scan_id(struct scan *s)
{
    const char *at = s->at + 1;
    s->at++;
    if (at >= s->end || *at++ != '@')
        return;
    bool is_role = at < s->end && *at == '&';
    at += at < s->end && (*at == '&' || *at == '!');
    size_t left = (size_t)(s->end - at);
    size_t window = left < ID_DIGITS_MAX + 1 ? left : ID_DIGITS_MAX + 1;
    const char *close = memchr(at, '>', window);
    snowflake id;
    if (close == NULL || !snowflake_parse_n(at, (size_t)(close - at), &id))
        return;
    if (is_role)
        add_once(s->found->roles, &s->found->role_count, id);
    else
        add_once(s->found->users, &s->found->user_count, id);
    s->at = close + 1;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word_at(const struct scan *s, const char *word)
{
    size_t len = strlen(word);
    bool fits = (size_t)(s->end - s->at) >= len && memcmp(s->at, word, len) == 0;
    return fits && (s->at + len == s->end || !is_word(s->at[len]));
}

/* Not in the middle of a word: someone@everyone.example is an address. */
static void scan_word(struct scan *s)
{
    bool is_free = s->at == s->start || !is_word(s->at[-1]);
    s->found->everyone |= is_free && is_word_at(s, "@everyone");
    s->found->here |= is_free && is_word_at(s, "@here");
    s->at++;
}

void mention_scan(const char *text, size_t len, struct mentions *ret_mentions)
{
    *ret_mentions = (struct mentions){0};
    struct scan s = {.start = text, .at = text, .end = text + len, .found = ret_mentions};
    while (s.at < s.end) {
        if (*s.at == '`')
            skip_code(&s);
        else if (*s.at == '<')
            scan_id(&s);
        else if (*s.at == '@')
            scan_word(&s);
        else
            s.at += *s.at == '\\' && s.at + 1 < s.end && s.at[1] == '`' ? 2 : 1;
    }
}
