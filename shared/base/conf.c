/* SPDX-License-Identifier: MIT
 *
 * The settings table at work: find the text of a key, parse it by its kind, complain about every
 * key that is wrong. Complaints name the key and the rule, never the value: it may be a secret. */

#include "shared/base/conf.h"

#include "shared/base/arena.h"
#include "shared/base/buf.h"
#include "shared/base/log.h"
#include "shared/base/str.h"

#include <inttypes.h>
#include <string.h>

enum { FILE_VALUE_MAX = 64 * 1024 };

/* Values read from files live as long as the process, as those in the environment do. */
static struct arena file_values;

static const char *const kind_names[] = {
    [CONF_STR] = "string",
    [CONF_INT] = "integer",
    [CONF_BOOL] = "boolean",
    [CONF_RATE] = "rate",
};

/* The content of a file without the newline an editor leaves at its end. */
static const char *read_value(const char *path)
{
    auto_file FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    auto_buf struct buf content = {0};
    buf_reserve(&content, FILE_VALUE_MAX);
    content.len = fread(content.data, 1, FILE_VALUE_MAX, file);
    if (ferror(file) || !feof(file))
        return NULL;
    while (content.len > 0 && strchr("\r\n", content.data[content.len - 1]) != NULL)
        content.len--;
    return arena_strndup(&file_values, content.data, content.len);
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* NAME, then the file of NAME_FILE, then the default. NULL with a reason when there is none. */
static const char *find_value(const struct conf_key *key, const char **ret_why)
{
    const char *value = from_environment(key->name);
    if (value != NULL)
        return value;
    auto_buf struct buf file_key = {0};
    buf_printf(&file_key, "%s_FILE", key->name);
    const char *path = from_environment(buf_str(&file_key));
    if (path != NULL) {
        value = read_value(path);
        *ret_why = "its _FILE cannot be read or is too long";
        return value;
    }
    *ret_why = (key->flags & CONF_REQUIRED) != 0 ? "is required" : NULL;
    return key->fallback;
}

static bool parse_int(const struct conf_key *key, const char *text, int64_t *ret_value)
{
    uint64_t value;
    bool is_any = key->min == 0 && key->max == 0;
    int64_t max = is_any ? INT64_MAX : key->max;
    if (!str_parse_u64(text, strlen(text), &value) || value > (uint64_t)max)
        return false;
    if ((int64_t)value < key->min)
        return false;
    *ret_value = (int64_t)value;
    return true;
}

static bool parse_bool(const char *text, bool *ret_value)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {
        {"true",  true },
        {"false", false},
        {"1",     true },
        {"0",     false},
        {"yes",   true },
        {"no",    false},
        {"on",    true },
        {"off",   false},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i].text) == 0) {
            *ret_value = words[i].value;
            return true;
        }
    }
    return false;
}

/* Both numbers positive, or both zero for "no limit". */
static bool parse_rate(const char *text, struct rate *ret_rate)
{
    const char *slash = strchr(text, '/');
    uint64_t count;
    uint64_t seconds;
    bool ok = slash != NULL && str_parse_u64(text, (size_t)(slash - text), &count) &&
              str_parse_u64(slash + 1, strlen(slash + 1), &seconds) && count <= INT32_MAX &&
              seconds <= INT32_MAX && (count == 0) == (seconds == 0);
    if (!ok)
        return false;
    *ret_rate = (struct rate){.count = (int64_t)count, .seconds = (int64_t)seconds};
    return true;
}

static const char *parse_value(const struct conf_key *key, const char *text, void *member)
{
    switch (key->kind) {
    case CONF_STR:
        *(const char **)member = text;
        return NULL;
    case CONF_INT:
        return parse_int(key, text, member) ? NULL : "is not a whole number in its range";
    case CONF_BOOL:
        return parse_bool(text, member) ? NULL : "is neither true nor false";
    case CONF_RATE:
        return parse_rate(text, member) ? NULL : "is not a rate such as 100/60 or 0/0";
    }
    return "has no kind";
}

static bool load_key(const struct conf_key *key, void *settings)
{
    const char *why = NULL;
    const char *text = find_value(key, &why);
    if (text != NULL)
        why = parse_value(key, text, (char *)settings + key->offset);
    if (why != NULL)
        LOG(ERROR, "conf.bad", KV("key", key->name), KV("why", why), KV("help", key->help));
    return why == NULL;
}

bool conf_load(const struct conf_key *keys, size_t count, void *settings)
{
    bool ok = true;
    for (size_t i = 0; i < count; i++)
        ok = load_key(&keys[i], settings) && ok;
    return ok;
}

static void print_markdown(const struct conf_key *key, FILE *out)
{
    const char *fallback = key->fallback != NULL ? key->fallback : "";
    const char *marks = (key->flags & CONF_REQUIRED) != 0 ? "required" : "";
    const char *secret = (key->flags & CONF_SECRET) != 0 ? "secret" : "";
    fprintf(out, "| `%s` | %s | `%s` | %s%s%s | %s", key->name, kind_names[key->kind], fallback,
            marks, *marks != '\0' && *secret != '\0' ? ", " : "", secret, key->help);
    if (key->min != 0 || key->max != 0)
        fprintf(out, " (%" PRId64 " to %" PRId64 ")", key->min, key->max);
    fputs(" |\n", out);
}

static void add_json_pair(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, ",\"%s\":", name);
    if (value == NULL)
        buf_adds(b, "null");
    else
        buf_json_str(b, value, strlen(value));
}

static void print_json(const struct conf_key *key, FILE *out)
{
    auto_buf struct buf b = {0};
    buf_adds(&b, "{\"name\":");
    buf_json_str(&b, key->name, strlen(key->name));
    add_json_pair(&b, "kind", kind_names[key->kind]);
    add_json_pair(&b, "default", key->fallback);
    buf_printf(&b, ",\"required\":%s", (key->flags & CONF_REQUIRED) != 0 ? "true" : "false");
    buf_printf(&b, ",\"secret\":%s", (key->flags & CONF_SECRET) != 0 ? "true" : "false");
    if (key->min != 0 || key->max != 0)
        buf_printf(&b, ",\"min\":%" PRId64 ",\"max\":%" PRId64, key->min, key->max);
    add_json_pair(&b, "help", key->help);
    buf_addc(&b, '}');
    fputs(buf_str(&b), out);
}

void conf_print(const struct conf_key *keys, size_t count, enum conf_format format, FILE *out)
{
    if (format == CONF_MARKDOWN) {
        fputs("| setting | kind | default | | what it is |\n|---|---|---|---|---|\n", out);
        for (size_t i = 0; i < count; i++)
            print_markdown(&keys[i], out);
        return;
    }
    fputc('[', out);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ",\n " : "", out);
        print_json(&keys[i], out);
    }
    fputs("]\n", out);
}
