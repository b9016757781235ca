/* SPDX-License-Identifier: MIT */
#ifndef SHARED_SERVICE_CONTRACT_H
#define SHARED_SERVICE_CONTRACT_H

/* The tables of a service, as JSON on standard output. OpenAPI, AsyncAPI, the settings manual and
 * the table tests are made from what the binaries themselves say.
 *
 *   --routes      {"service":"auth","routes":[{subject, method, path, guard, permission, mode,
 * rate, status, output, entity, input, text}],"inputs":{name: JSON Schema}, "entities":{name: JSON
 * Schema}}; method and path are null without a REST face
 *   --events      {"service":"auth","emits":[{name, subject, audience, keeping, shape, text,
 *                 schema}],"hears":[{name, handler, durable}]}
 *   --settings    [{name, kind, default, required, secret, min, max, help}]
 *   --statements  [{"name":…,"sql":…}] */

#include "shared/service/service.h"

/* Every setting of the process, the shared ones first; on the heap. */
struct conf_key *service_all_keys(const struct service *s, size_t *ret_count);

/* The payload's shape of an event that this binary emits; NULL for those of others. */
const struct shape *event_payload(enum event_id ev);

/* Answers one of the options above; the process's exit status. */
int contract_print(const struct service *s, const char *option);

#endif
