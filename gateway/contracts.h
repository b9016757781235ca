/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_CONTRACTS_H
#define GATEWAY_CONTRACTS_H

#include <jansson.h>
#include <stdbool.h>

#include "shared/base/macros.h"
#include "shared/wire/json.h"

/* What all services printed of themselves, put together. Everything is jansson's, owned by the
 * struct. */
struct contracts {
    json_t *routes;   /* array of rows with a REST face; "schema" is their input's */
    json_t *entities; /* those that rows answer; name: JSON Schema */
    json_t *events;   /* array of {name, subject, audience, keeping, shape, text, schema} */
};

/* False, with a word on standard error, when a file cannot be read. */
MUST_CHECK bool contracts_load(struct contracts *c, int count, char **files);
void contracts_done(struct contracts *c);

/* A member that the printing binary promises; "" or an empty object when it is not there. */
const char *row_text(const json_t *row, const char *key);
json_t *row_object(const json_t *row, const char *key);

json_t *schema_ref(const char *entity); /* {"$ref":"#/components/schemas/…"} */
/* components.schemas: the entities and the problem document. */
json_t *schemas_of(const struct contracts *c);
/* Writes it and gives it up; the process's exit status. */
int document_print(json_t *document);

#endif
