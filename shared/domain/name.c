/* SPDX-License-Identifier: MIT
 *
 * Names are shown beside messages, so what matters is that a name can be seen and cannot disturb
 * the text around it. All text here is valid UTF-8: the edge checked it. */

#include "shared/domain/name.h"

#include "shared/base/str.h"
#include "shared/domain/limit.h"

#include <string.h>

enum { EMAIL_LOCAL_MAX = 64, DOMAIN_LABEL_MAX = 63 };

struct range {
    uint32_t first;
    uint32_t last;
};

/* Unicode White_Space, and the byte order mark that copying brings along. */
static const struct range spaces[] = {
    {0x09,   0x0D  },
    {0x20,   0x20  },
    {0x85,   0x85  },
    {0xA0,   0xA0  },
    {0x1680, 0x1680},
    {0x2000, 0x200A},
    {0x2028, 0x2029},
    {0x202F, 0x202F},
    {0x205F, 0x205F},
    {0x3000, 0x3000},
    {0xFEFF, 0xFEFF},
};

/* Controls, line ends, and marks that reorder what stands around them. */
static const struct range forbidden[] = {
    {0x00,   0x1F  },
    {0x7F,   0x9F  },
    {0x061C, 0x061C},
    {0x200B, 0x200B},
    {0x200E, 0x200F},
    {0x2028, 0x202E},
    {0x2060, 0x2069},
    {0xFEFF, 0xFEFF},
    {0xFFF9, 0xFFFB},
};

/* Allowed within a name (joiners build emoji and Persian words) but nothing to see by themselves.
 */
static const struct range unseen[] = {
    {0x00AD,  0x00AD },
    {0x034F,  0x034F },
    {0x115F,  0x1160 },
    {0x17B4,  0x17B5 },
    {0x180B,  0x180E },
    {0x200C,  0x200D },
    {0x2800,  0x2800 },
    {0x3164,  0x3164 },
    {0xFE00,  0xFE0F },
    {0xFFA0,  0xFFA0 },
    {0xE0000, 0xE0FFF},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t point)
{
    for (size_t i = 0; i < count; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

static bool is_space(uint32_t point)
{
    return is_in(spaces, ARRAY_LEN(spaces), point);
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char *name_check_username(const char *username)
{
    size_t len = strlen(username);
    if (len < LIMIT_USERNAME_MIN || len > LIMIT_USERNAME)
        return "must be 2 to 32 characters long";
    for (size_t i = 0; i < len; i++)
        if (!is_alphanumeric(username[i]) && strchr("_.-", username[i]) == NULL)
            return "may only have letters a to z, digits, \"_\", \".\" and \"-\"";
    if (strchr(".-", username[0]) != NULL || strchr(".-", username[len - 1]) != NULL)
        return "must begin and end with a letter, a digit or \"_\"";
    if (strstr(username, "..") != NULL)
        return "must not have two dots in a row";
    return NULL;
}

/* The characters the HTML standard accepts in <input type=email>, and any beyond ASCII. */
static bool is_local_part(const char *s, size_t len)
{
    if (len == 0 || len > EMAIL_LOCAL_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool is_fine = is_alphanumeric(s[i]) || (unsigned char)s[i] >= 0x80 ||
                       strchr(".!#$%&'*+/=?^_`{|}~-", s[i]) != NULL;
        if (!is_fine)
            return false;
    }
    return true;
}

static bool is_label(const char *s, size_t len)
{
    if (len == 0 || len > DOMAIN_LABEL_MAX || s[0] == '-' || s[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alphanumeric(s[i]) && s[i] != '-' && (unsigned char)s[i] < 0x80)
            return false;
    return true;
}

static bool is_domain(const char *s)
{
    for (;;) {
        size_t len = strcspn(s, ".");
        if (!is_label(s, len))
            return false;
        if (s[len] == '\0')
            return true;
        s += len + 1;
    }
}

const char *name_check_email(const char *email)
{
    const char *at = strrchr(email, '@');
    bool is_fine = strlen(email) <= LIMIT_EMAIL && at != NULL &&
                   is_local_part(email, (size_t)(at - email)) && is_domain(at + 1);
    return is_fine ? NULL : "must be an e-mail address";
}

const char *name_check_title(const char *trimmed, size_t min, size_t max)
{
    const char *end = trimmed + strlen(trimmed);
    size_t length = utf8_length(trimmed, (size_t)(end - trimmed));
    if (length < min)
        return "is too short";
    if (length > max)
        return "is too long";
    bool is_visible = length == 0;
    for (const char *at = trimmed; at < end;) {
        uint32_t point = utf8_next(&at, end);
        if (is_in(forbidden, ARRAY_LEN(forbidden), point))
            return "must not have control characters";
        is_visible = is_visible || !(is_space(point) || is_in(unseen, ARRAY_LEN(unseen), point));
    }
    return is_visible ? NULL : "must have something to see";
}

char *name_trim(struct arena *a, const char *name)
{
    const char *end = name + strlen(name);
    const char *first = NULL;
    const char *behind_last = name;
    for (const char *at = name; at < end;) {
        const char *here = at;
        if (is_space(utf8_next(&at, end)))
            continue;
        if (first == NULL)
            first = here;
        behind_last = at;
    }
    return first == NULL ? arena_strdup(a, "")
                         : arena_strndup(a, first, (size_t)(behind_last - first));
}
