/* SPDX-License-Identifier: MIT
 *
 * Reads and joins the tables that the services' binaries print. A name of an entity means the same
 * in every service, so any one definition stands for all.
 */
#include "gateway/contracts.h"

#include <stdio.h>
#include <string.h>

const char *row_text(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

json_t *row_object(const json_t *row, const char *key)
{
    json_t *value = json_object_get(row, key);
    return json_is_object(value) ? json_incref(value) : json_object();
}

/* The input of a row; of a streamed one, that of the question asked before its first byte. */
static const char *input_of(const json_t *rows, const json_t *row)
{
    size_t i;
    json_t *other;
    if (row_text(row, "input")[0] != '\0')
        return row_text(row, "input");
    json_array_foreach(rows, i, other)
    {
        if (strcmp(row_text(other, "subject"), row_text(row, "subject")) == 0 && other != row)
            return row_text(other, "input");
    }
    return "";
}

/* Rows without a path are the services' own business, and so is what only they answer. */
static void add_file(struct contracts *c, const json_t *file)
{
    const json_t *inputs = json_object_get(file, "inputs");
    const json_t *entities = json_object_get(file, "entities");
    const json_t *rows = json_object_get(file, "routes");
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *entity = row_text(row, "entity");
        if (row_text(row, "path")[0] == '\0')
            continue;
        json_object_set_new(row, "schema", row_object(inputs, input_of(rows, row)));
        json_array_append(c->routes, row);
        if (entity[0] != '\0')
            json_object_set_new(c->entities, entity, row_object(entities, entity));
    }
    json_array_extend(c->events, json_object_get(file, "emits"));
}

bool contracts_load(struct contracts *c, int count, char **files)
{
    *c = (struct contracts){json_array(), json_object(), json_array()};
    for (int i = 0; i < count; i++) {
        json_error_t error;
        auto_json json_t *file = json_load_file(files[i], 0, &error);
        if (file == NULL) {
            fprintf(stderr, "%s:%d: %s\n", files[i], error.line, error.text);
            return false;
        }
        add_file(c, file);
    }
    return true;
}

void contracts_done(struct contracts *c)
{
    json_decref(c->routes);
    json_decref(c->entities);
    json_decref(c->events);
}

json_t *schema_ref(const char *entity)
{
    return json_pack("{s:s+}", "$ref", "#/components/schemas/", entity);
}

static json_t *problem_schema(void)
{
    return json_pack(
        "{s:s, s:s, s:s, s:[s,s,s,s], s:{s:{s:s,s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s},"
        " s:{s:s,s:s}, s:{s:s, s:{s:s, s:[s,s], s:{s:{s:s}, s:{s:s}}}}}}",
        "type", "object", "title", "problem", "description", "What went wrong (RFC 9457).",
        "required", "type", "title", "status", "code", "properties", "type", "type", "string",
        "format", "uri-reference", "title", "type", "string", "status", "type", "integer", "detail",
        "type", "string", "code", "type", "integer", "retry_after", "type", "number", "description",
        "Seconds.", "errors", "type", "array", "items", "type", "object", "required", "field",
        "message", "properties", "field", "type", "string", "message", "type", "string");
}

json_t *schemas_of(const struct contracts *c)
{
    json_t *schemas = json_copy(c->entities);
    json_object_set_new(schemas, "problem", problem_schema());
    return schemas;
}

int document_print(json_t *document)
{
    bool is_good = document != NULL && json_dumpf(document, stdout, JSON_INDENT(1)) == 0;
    json_decref(document);
    putchar('\n');
    return is_good ? 0 : 1;
}
