/* SPDX-License-Identifier: MIT
 *
 * Any bytes as path and query. What is accepted must come out as one JSON object of strings that a
 * service can read; a refusal must name a parameter. */

#include "gateway/params.h"
#include "gateway/routes.h"
#include "shared/wire/json.h"
#include "tests/fuzz/fuzz.h"

static void check_json(struct arena *a, const char *text)
{
    auto_json json_t *json = NULL;
    const char *why = NULL;
    const char *name;
    json_t *value;
    expect(json_read_object(a, text, strlen(text), &json, &why) == OK);
    json_object_foreach(json, name, value) expect(json_is_string(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    static bool is_ready;
    if (!is_ready)
        routes_init();
    is_ready = true;

    auto_arena struct arena arena = {0};
    char *path = arena_strndup(&arena, (const char *)data, size);
    char *query = strchr(path, '?');
    if (query != NULL)
        *query++ = '\0';
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct route_match m = {0};
        const char *json = NULL;
        const char *name = NULL;
        if (route_match(methods[i], path, strlen(path), &m) != OK)
            m.param_count = 0;
        enum err e = params_encode(&arena, &m, query, &json, &name);
        expect(e == OK || (e == ERR_INVALID_FORM && name != NULL));
        if (e == OK && json != NULL)
            check_json(&arena, json);
    }
    (void)route_by_name(path, strlen(path));
    return 0;
}
