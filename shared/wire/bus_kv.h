/* SPDX-License-Identifier: MIT */
#ifndef SHARED_WIRE_BUS_KV_H
#define SHARED_WIRE_BUS_KV_H

/* What copies of a service must agree on and may not lose with one of them: small values by key, in
 * JetStream, as NATS lays out a key-value bucket (stream KV_<bucket>, subject $KV.<bucket>.<key>),
 * so that its tools can read them. A value is changed by saying which revision of it one has read;
 * who comes second is told ERR_CONFLICT and reads again. Reads are answered by the stream's leader,
 * so they are never behind. Every call waits for the server, until the request's deadline at the
 * latest; ERR_UNAVAILABLE at once while the bus is down. */

#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/wire/field.h"
#include "shared/wire/req.h"

#include <stddef.h>
#include <stdint.h>

struct bus;

struct bus_kv {
    const char *bucket; /* letters and digits */
    int64_t max_value;  /* bytes */
    int64_t max_bytes;  /* of the whole bucket on disk; a write beyond is refused */
    int64_t replicas;   /* in a cluster; 0: one */
};

/* Makes the bucket, in files, or gives it these limits if it is there. Blocks up to 5 s for each.
 * Several processes may do this at the same time. */
MUST_CHECK enum err bus_kv_ensure(struct bus *b, const struct bus_kv *kv);

struct bus_kv_entry {
    const char *key;   /* words of letters, digits and "-", joined by dots */
    const char *value; /* NULL: there is none */
    size_t len;
    uint64_t revision; /* of what was read; 0: never written, or long gone */
};

/* Fills value (in the request's arena, ended by a NUL), len and revision for ret->key. */
MUST_CHECK enum err bus_kv_get(struct req *rq, const char *bucket, struct bus_kv_entry *ret);

/* Writes the value, or with NULL takes the key away, if its revision still is e->revision, and puts
 * the new one there; else ERR_CONFLICT. BUS_KV_ANY: whatever is there. */
#define BUS_KV_ANY UINT64_MAX
MUST_CHECK enum err bus_kv_put(struct req *rq, const char *bucket, struct bus_kv_entry *e);

/* const char *, at most `max`: the keys that match ("room.*.7", "room.>"), some of which may have
 * no value any more. ERR_GONE when there is no such bucket: the server has lost its store. */
MUST_CHECK enum err bus_kv_keys(struct req *rq, const char *bucket, const char *pattern, size_t max,
                                struct list *ret);

#endif
