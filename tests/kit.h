/* SPDX-License-Identifier: MIT */
#ifndef TESTS_KIT_H
#define TESTS_KIT_H

/* For the unit tests of a service: its rows called in this process, through the decoding, guards,
 * transactions and idempotency of production, against the migrated database of DATABASE_URL. With
 * NATS_URL and REDIS_URL a row finds a bus (on which nobody else answers) and a cache as well.
 *
 *   TEST(a_message_of_another_channel_is_unknown)
 *   {
 *       if (!kit_use(&messaging_service, NULL))
 *           return;
 *       CHECK(kit_call(ann, "messaging.pin.add", kit_f("{\"channel_id\":\"%llu\"}", other), NULL)
 * == ERR_UNKNOWN_MESSAGE);
 *   }
 *
 * What is asked about "the last call" is this thread's last call; every thread has a connection of
 * its own, so races are tested with plain threads. Nothing is published. */

#include "shared/service/service.h"

#include <stddef.h>

/* First in each test. state is what rows find in rq->state. False: there is no database, and the
 * test is marked as skipped. Any thread of the test may then use the rest. */
bool kit_use(const struct service *s, void *state);

/* Decides the SERVER and CHANNEL guards from now on; without it the service's own function does,
 * and without that everything is allowed. */
void kit_guard(rpc_authorise_fn *may);

/* Who calls: this thread's, to be changed before a call (key, app, session, is_admin …). `user` is
 * set by each call; app begins as 1. */
struct caller *kit_caller(void);

/* Call a row as actor (0: nobody). params and body are JSON objects or NULL. */
enum err kit_call(snowflake actor, const char *subject, const char *params, const char *body);

/* Call a BATCH row as its writer does: requests of these actors in one transaction, on a leading
 * request that is nobody's. errs gets each one's result; the answers are read by number. */
enum { KIT_BATCH_MAX = 16 };
struct kit_request {
    snowflake actor;
    const char *params;
    const char *body;
};
enum err kit_batch(const char *subject, const struct kit_request *requests, size_t n,
                   enum err *errs);
const char *kit_batch_get(size_t i, const char *path);

/* The last call: its status and answer, the log's reason, its first field error as "field: text".
 */
int kit_status(void);
const char *kit_body(void);
const char *kit_detail(void);
const char *kit_field(void);

/* A member of the last answer by its path, "channels.0.id", as text; "" when there is none. */
const char *kit_get(const char *path);
snowflake kit_get_id(const char *path);
long long kit_get_int(const char *path);

/* What the last call emitted: how many, the JSON of the first event of this name (NULL: none), a
 * member of it. */
size_t kit_event_count(void);
const char *kit_event(const char *name);
const char *kit_event_get(const char *name, const char *path);

/* Let a handler of listen.def hear this payload; event_id NULL makes a fresh one. */
enum err kit_hear(const struct listen *hears, const char *payload, const char *event_id);
enum err kit_run(const struct job *job);

/* SQL as the service's role: the first value of the first row as text ("" when there is none). A
 * statement that fails fails the test. Lives until the thread's next kit_sql. */
const char *kit_sql(const char *format, ...) PRINTF_LIKE(1, 2);

/* Text for a call; one of the thread's last sixteen. */
const char *kit_f(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
