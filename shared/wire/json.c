/* SPDX-License-Identifier: MIT
 *
 * The way in for JSON text. Depth is bounded before jansson sees the text, because jansson parses
 * and frees by recursion: what this lets through cannot overflow a worker's stack. */

#include "shared/wire/json.h"

/* Brackets inside strings do not count. Text that is not JSON may get any depth, and then fails in
 * the parser. */
static bool is_shallow(const char *text, size_t len)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return false;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return true;
}

static const char *why(struct arena *a, const json_error_t *error)
{
    /* Positions only: jansson's own text may quote what was sent. */
    return arena_printf(a, "line %d, column %d: %s", error->line, error->column,
                        json_error_code(error) == json_error_duplicate_key ? "duplicate key"
                                                                           : "not valid JSON");
}

enum err json_read_object(struct arena *a, const char *text, size_t len, json_t **ret,
                          const char **ret_why)
{
    if (len == 0) {
        *ret = json_object();
        return OK;
    }
    if (!is_shallow(text, len)) {
        *ret_why = arena_printf(a, "nested deeper than %d levels", JSON_DEPTH_MAX);
        return ERR_BAD_JSON;
    }
    json_error_t error;
    auto_json json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        *ret_why = why(a, &error);
        return ERR_BAD_JSON;
    }
    if (!json_is_object(root)) {
        *ret_why = "must be an object";
        return ERR_BAD_JSON;
    }
    *ret = json_incref(root);
    return OK;
}
