/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SERVICES_MEDIA_DEPOT_H
#define TESTS_UNIT_SERVICES_MEDIA_DEPOT_H

/* The service with its lanes, in this process, over a folder of its own, and a gateway's part of
 * the protocol of bytes, spoken over the bus. */

#include "services/media/media.h"
#include "tests/kit.h"
#include "tests/test.h"

/* First in each test; false: something is missing here, and the test is skipped. */
bool depot_open(void);
struct media *depot_media(void);

/* Another copy of the service on the same folder, whose places nobody but the test touches. */
struct media *depot_copy(void);

struct sent {
    snowflake owner;
    const char *filename;
    const char *type; /* as declared */
    const void *bytes;
    size_t len;
};
/* The whole way; what it ended with. The answer is then asked for with depot_get. */
enum err depot_upload(const struct sent *s);
/* A file of some text; its id. */
snowflake depot_file(snowflake owner);

/* One message to a lane: a piece (offset), the end (size) or a block (both); -1 leaves one out. */
struct bytes {
    const char *subject;
    int64_t offset;
    int64_t size;
    const void *data;
    size_t len;
};
enum err depot_ask(const struct bytes *b);
/* Of the last depot_upload or depot_ask. */
const char *depot_get(const char *path);
size_t depot_body(const void **ret);

/* Files in MEDIA_ROOT/tmp; is this one in MEDIA_ROOT/files? */
int depot_temps(void);
bool depot_has(snowflake id);

const struct job *depot_job(const char *name);
const struct listen *depot_hears(enum event_id event);
const char *depot_of(snowflake id); /* {"attachment_id":"…"} */

#endif
