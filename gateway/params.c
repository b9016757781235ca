/* SPDX-License-Identifier: MIT
 *
 * Path and query to JSON. Everything is decoded and checked here, once, so that what leaves the
 * gateway is valid UTF-8 whatever came in.
 */
#include "gateway/params.h"

#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/str.h"

struct param {
    const char *name;
    size_t name_len;
    const char *value;
    size_t len;
};

struct params {
    struct arena *arena;
    struct param v[PARAMS_MAX];
    size_t count;
    const char *bad; /* name of the one at fault */
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(const char *s, size_t len, bool is_form, char *out, size_t *ret_len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == '%') {
            int hi = i + 2 < len ? hex_digit(s[i + 1]) : -1;
            int lo = i + 2 < len ? hex_digit(s[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        } else if (c == '+' && is_form) {
            c = ' ';
        }
        if (c == '\0')
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    *ret_len = n;
    return utf8_valid(out, n);
}

static bool take_text(struct params *p, const char *s, size_t len, bool is_form, const char **ret,
                      size_t *ret_len)
{
    char *out = arena_alloc(p->arena, len + 1);
    *ret = out;
    return percent_decode(s, len, is_form, out, ret_len);
}

static struct param *find(struct params *p, const char *name, size_t len)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->v[i].name_len == len && memcmp(p->v[i].name, name, len) == 0)
            return &p->v[i];
    return NULL;
}

static enum err add_query(struct params *p, const char *pair, size_t len)
{
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - pair) : len;
    const char *value = equals != NULL ? equals + 1 : pair + len;
    struct param got = {0};
    p->bad = "query";
    if (!take_text(p, pair, name_len, true, &got.name, &got.name_len))
        return ERR_INVALID_FORM;
    if (!take_text(p, value, (size_t)(pair + len - value), true, &got.value, &got.len)) {
        p->bad = got.name;
        return ERR_INVALID_FORM;
    }
    struct param *same = find(p, got.name, got.name_len);
    if (same == NULL && p->count == PARAMS_MAX)
        return ERR_INVALID_FORM;
    *(same != NULL ? same : &p->v[p->count++]) = got;
    return OK;
}

static enum err read_query(struct params *p, const char *query)
{
    while (query != NULL && *query != '\0') {
        size_t len = strcspn(query, "&");
        if (len > 0)
            TRY(add_query(p, query, len));
        query += len;
        query += *query == '&';
    }
    return OK;
}

static enum err read_path(struct params *p, const struct route_match *m)
{
    for (size_t i = 0; i < m->param_count; i++) {
        const struct route_param *in = &m->params[i];
        struct param got = {.name = in->name, .name_len = in->name_len};
        p->bad = arena_strndup(p->arena, in->name, in->name_len);
        if (!take_text(p, in->value, in->len, false, &got.value, &got.len))
            return ERR_INVALID_FORM;
        struct param *same = find(p, got.name, got.name_len);
        if (same == NULL && p->count == PARAMS_MAX)
            return ERR_INVALID_FORM;
        *(same != NULL ? same : &p->v[p->count++]) = got;
    }
    return OK;
}

static const char *write_json(struct params *p)
{
    auto_buf struct buf json = {0};
    for (size_t i = 0; i < p->count; i++) {
        buf_addc(&json, i == 0 ? '{' : ',');
        buf_json_str(&json, p->v[i].name, p->v[i].name_len);
        buf_addc(&json, ':');
        buf_json_str(&json, p->v[i].value, p->v[i].len);
    }
    buf_addc(&json, '}');
    return arena_strndup(p->arena, json.data, json.len);
}

enum err params_encode(struct arena *a, const struct route_match *m, const char *query,
                       const char **ret_json, const char **ret_name)
{
    struct params p = {.arena = a};
    enum err e = read_query(&p, query);
    if (e == OK)
        e = read_path(&p, m);
    if (e != OK) {
        *ret_name = p.bad;
        return e;
    }
    *ret_json = p.count > 0 ? write_json(&p) : NULL;
    return OK;
}
