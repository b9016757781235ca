/* SPDX-License-Identifier: MIT
 *
 * OpenAPI 3.1 from the rows themselves. A row's input is one shape; here it is told apart into what
 * stands in the path, what in the query and what in the body, by the rule the gateway follows:
 * requests without a body have everything in the query.
 */
#include <stdbool.h>
#include <string.h>

#include "gateway/contracts.h"
#include "gateway/documents.h"

static bool has_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static bool is_in_path(const json_t *row, const char *name)
{
    const char *path = row_text(row, "path");
    size_t len = strlen(name);
    for (const char *at = strchr(path, '{'); at != NULL; at = strchr(at + 1, '{'))
        if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '}')
            return true;
    return false;
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(schema, "required"), i, item)
    {
        if (strcmp(json_string_value(item), name) == 0)
            return true;
    }
    return false;
}

/* ---- parameters ---- */

static json_t *path_parameter(const json_t *properties, const char *name, size_t len)
{
    char key[64];
    snprintf(key, sizeof(key), "%.*s", (int)len, name);
    json_t *schema = json_object_get(properties, key);
    return json_pack("{s:s, s:s, s:b, s:o}", "name", key, "in", "path", "required", 1, "schema",
                     schema != NULL ? json_incref(schema) : json_pack("{s:s}", "type", "string"));
}

static void add_path_parameters(json_t *out, const json_t *row, const json_t *properties)
{
    const char *path = row_text(row, "path");
    for (const char *at = strchr(path, '{'); at != NULL; at = strchr(at + 1, '{'))
        json_array_append_new(out, path_parameter(properties, at + 1, strcspn(at + 1, "}")));
}

static void add_query_parameters(json_t *out, const json_t *row, const json_t *schema)
{
    const char *name;
    json_t *property;
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        if (is_in_path(row, name))
            continue;
        json_array_append_new(out,
                              json_pack("{s:s, s:s, s:b, s:O}", "name", name, "in", "query",
                                        "required", is_required(schema, name), "schema", property));
    }
}

static void add_common_parameters(json_t *out, const json_t *row)
{
    static const struct {
        const char *guard; /* NULL: whatever it is */
        const char *mode;
        const char *ref;
    } rows[] = {
        {"public", NULL,     "#/components/parameters/application"    },
        {NULL,     "write",  "#/components/parameters/idempotency_key"},
        {NULL,     "batch",  "#/components/parameters/idempotency_key"},
        {NULL,     "secret", "#/components/parameters/idempotency_key"},
        {NULL,     "call",   "#/components/parameters/idempotency_key"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((rows[i].guard == NULL || strcmp(rows[i].guard, row_text(row, "guard")) == 0) &&
            (rows[i].mode == NULL || strcmp(rows[i].mode, row_text(row, "mode")) == 0))
            json_array_append_new(out, json_pack("{s:s}", "$ref", rows[i].ref));
}

/* ---- bodies and answers ---- */

/* The input without what stands in the path. */
static json_t *body_schema(const json_t *row, const json_t *schema)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    const char *name;
    json_t *property;
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        if (is_in_path(row, name))
            continue;
        json_object_set(properties, name, property);
        if (is_required(schema, name))
            json_array_append_new(required, json_string(name));
    }
    json_t *body = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
    if (json_array_size(required) > 0)
        json_object_set(body, "required", required);
    json_decref(required);
    return body;
}

static json_t *request_body(const json_t *row, const json_t *schema)
{
    if (strcmp(row_text(row, "mode"), "raw") == 0)
        return json_pack("{s:b, s:{s:{s:{s:s, s:[s], s:{s:{s:s,s:s}}}}}}", "required", 1, "content",
                         "multipart/form-data", "schema", "type", "object", "required", "file",
                         "properties", "file", "type", "string", "format", "binary");
    json_t *body = body_schema(row, schema);
    if (json_object_size(json_object_get(body, "properties")) == 0) {
        json_decref(body);
        return NULL;
    }
    return json_pack("{s:b, s:{s:{s:o}}}", "required", json_object_get(body, "required") != NULL,
                     "content", "application/json", "schema", body);
}

static json_t *answer_schema(const json_t *row)
{
    const char *entity = row_text(row, "entity");
    if (strcmp(row_text(row, "output"), "many") == 0)
        return json_pack("{s:s, s:o}", "type", "array", "items", schema_ref(entity));
    return schema_ref(entity);
}

static json_t *success(const json_t *row, const struct contracts *c)
{
    bool is_raw = strcmp(row_text(row, "mode"), "raw") == 0;
    json_t *answer = json_pack("{s:s, s:{s:{s:s}, s:{s:s}}}", "description", "Done.", "headers",
                               "X-RateLimit-Remaining", "$ref", "#/components/headers/remaining",
                               "X-Request-Id", "$ref", "#/components/headers/request_id");
    json_t *content = NULL;
    if (is_raw && strcmp(row_text(row, "method"), "GET") == 0)
        content = json_pack("{s:{s:{s:s, s:s}}}", "application/octet-stream", "schema", "type",
                            "string", "format", "binary");
    else if (is_raw && json_object_get(c->entities, "attachment") != NULL)
        content = json_pack("{s:{s:o}}", "application/json", "schema", schema_ref("attachment"));
    else if (row_text(row, "entity")[0] != '\0')
        content = json_pack("{s:{s:o}}", "application/json", "schema", answer_schema(row));
    if (content != NULL)
        json_object_set_new(answer, "content", content);
    return answer;
}

static json_t *responses(const json_t *row, const struct contracts *c)
{
    char status[8];
    snprintf(status, sizeof(status), "%d", (int)json_integer_value(json_object_get(row, "status")));
    return json_pack("{s:o, s:{s:s}, s:{s:s}}", status, success(row, c), "4XX", "$ref",
                     "#/components/responses/problem", "5XX", "$ref",
                     "#/components/responses/problem");
}

/* ---- operations ---- */

/* "messaging" of "messaging.pin.add". */
static json_t *tag_of(const json_t *row)
{
    const char *subject = row_text(row, "subject");
    return json_stringn(subject, strcspn(subject, "."));
}

static json_t *operation(const json_t *row, const struct contracts *c)
{
    const json_t *schema = json_object_get(row, "schema");
    bool is_public = strcmp(row_text(row, "guard"), "public") == 0;
    json_t *parameters = json_array();
    add_path_parameters(parameters, row, json_object_get(schema, "properties"));
    if (!has_body(row_text(row, "method")))
        add_query_parameters(parameters, row, schema);
    add_common_parameters(parameters, row);

    json_t *operation = json_pack(
        "{s:s, s:s, s:s, s:[o], s:o, s:o, s:s, s:s}", "operationId", row_text(row, "subject"),
        "summary", row_text(row, "text"), "description", row_text(row, "text"), "tags", tag_of(row),
        "parameters", parameters, "responses", responses(row, c), "x-guard", row_text(row, "guard"),
        "x-rate-class", row_text(row, "rate"));
    json_t *body = has_body(row_text(row, "method")) ? request_body(row, schema) : NULL;
    if (body != NULL)
        json_object_set_new(operation, "requestBody", body);
    if (row_text(row, "permission")[0] != '\0')
        json_object_set_new(operation, "x-permission", json_string(row_text(row, "permission")));
    if (is_public)
        json_object_set_new(operation, "security", json_array());
    return operation;
}

static json_t *paths(const struct contracts *c)
{
    json_t *paths = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(c->routes, i, row)
    {
        const char *path = row_text(row, "path");
        char method[8];
        snprintf(method, sizeof(method), "%s", row_text(row, "method"));
        for (char *at = method; *at != '\0'; at++)
            *at |= 0x20; /* ASCII letters to lower case */
        if (json_object_get(paths, path) == NULL)
            json_object_set_new(paths, path, json_object());
        json_object_set_new(json_object_get(paths, path), method, operation(row, c));
    }
    return paths;
}

static json_t *tags(const struct contracts *c)
{
    json_t *names = json_object(); /* a set */
    json_t *tags = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(c->routes, i, row)
    {
        json_t *name = tag_of(row);
        json_object_set_new(names, json_string_value(name), json_null());
        json_decref(name);
    }
    const char *name;
    json_t *nothing;
    json_object_foreach(names, name, nothing)
        json_array_append_new(tags, json_pack("{s:s, s:s++}", "name", name, "description",
                                              "What the ", name, " service answers."));
    json_decref(names);
    return tags;
}

static json_t *parameter(const char *name, const char *text, const char *type)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", name, "in", "header", "description", text,
                     "schema", "type", type);
}

static json_t *components(const struct contracts *c)
{
    json_t *bearer = json_pack(
        "{s:s, s:s, s:s}", "type", "http", "scheme", "bearer", "description",
        "An access token of POST /auth/login, or an API key (pk_…). There are no cookies, so "
        "there is nothing a forged form could ride on.");
    json_t *problem =
        json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", "What went wrong.", "content",
                  "application/problem+json", "schema", "$ref", "#/components/schemas/problem");
    return json_pack(
        "{s:o, s:{s:o}, s:{s:o}, s:{s:o, s:o}, s:{s:{s:s, s:{s:s}}, s:{s:s, s:{s:s}}}}", "schemas",
        schemas_of(c), "securitySchemes", "bearer", bearer, "responses", "problem", problem,
        "parameters", "idempotency_key",
        parameter("Idempotency-Key",
                  "The same key from the same caller within a day gets the first answer again.",
                  "string"),
        "application",
        parameter("X-Parley-Application", "The application meant; the default one when absent.",
                  "string"),
        "headers", "remaining", "description", "Requests left in this window.", "schema", "type",
        "integer", "request_id", "description", "What the logs call this request.", "schema",
        "type", "string");
}

int print_openapi(int count, char **files)
{
    struct contracts c;
    if (!contracts_load(&c, count, files))
        return 1;
    json_t *info = json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "title", "Parley", "version", "1", "description",
        "A community platform: REST over the same rows as its WebSocket.", "license", "name", "MIT",
        "identifier", "MIT", "contact", "name", "The Parley authors");
    json_t *document = json_pack("{s:s, s:o, s:[{s:s, s:s}], s:o, s:[{s:[]}], s:o, s:o}", "openapi",
                                 "3.1.0", "info", info, "servers", "url", "/api/v1", "description",
                                 "This instance.", "tags", tags(&c), "security", "bearer", "paths",
                                 paths(&c), "components", components(&c));
    contracts_done(&c);
    return document_print(document);
}
