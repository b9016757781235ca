/* SPDX-License-Identifier: MIT
 *
 * What the gateway prints instead of running. It has no rows of its own: its routes are those of
 * the services it was built with.
 */
#include "gateway/tables.h"

#include <stdio.h>
#include <string.h>

#include "gateway/documents.h"
#include "gateway/gateway.h"
#include "gateway/routes.h"
#include "shared/base/buf.h"
#include "shared/base/macros.h"

static void add_text(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, "\"%s\":", key);
    if (value != NULL)
        buf_json_str(out, value, strlen(value));
    else
        buf_adds(out, "null");
}

static int print_routes(void)
{
    auto_buf struct buf out = {0};
    buf_adds(&out, "{\"service\":\"gateway\",\"routes\":[");
    for (size_t i = 0; i < route_count; i++) {
        buf_adds(&out, i == 0 ? "\n{" : ",\n{");
        add_text(&out, "subject", routes[i].subject);
        buf_addc(&out, ',');
        add_text(&out, "method", routes[i].method);
        buf_addc(&out, ',');
        add_text(&out, "path", routes[i].path);
        buf_addc(&out, ',');
        add_text(&out, "raw", routes[i].raw);
        buf_addc(&out, '}');
    }
    buf_adds(&out, "\n]}");
    return puts(buf_str(&out)) < 0;
}

static int print_settings(void)
{
    conf_print(gateway_keys, gateway_key_count, CONF_JSON, stdout);
    return 0;
}

int tables_print(int argc, char **argv)
{
    const char *option = argv[1];
    if (strcmp(option, "--routes") == 0)
        return print_routes();
    if (strcmp(option, "--settings") == 0)
        return print_settings();
    if (strcmp(option, "--statements") == 0)
        return puts("[]") < 0;
    if (strcmp(option, "--events") == 0)
        return puts("{\"service\":\"gateway\",\"emits\":[],\"hears\":[]}") < 0;
    if (strcmp(option, "--openapi") == 0)
        return print_openapi(argc - 2, argv + 2);
    if (strcmp(option, "--asyncapi") == 0)
        return print_asyncapi(argc - 2, argv + 2);
    fprintf(stderr, "gateway: %s is not an option; settings come from the environment\n", option);
    return 2;
}
