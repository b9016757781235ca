/* SPDX-License-Identifier: MIT */
/* No guard: included once by each service's api.c, with API_DEF naming its api.def and API_TABLE
 * the table to define. Grows the dispatch table; every expansion is one line. */
#include "shared/service/rpc.h"

#define NOTHING
#define ONE(entity) extern const struct shape entity##_shape;
#define MANY(entity) extern const struct shape entity##_shape;
#define API(method, path, subject, fn, input, output, guard, perm, mode, rate, status, text)       \
    extern const struct shape input##_shape;                                                       \
    output static enum err fn##_thunk(struct req *rq, const void *in) { return fn(rq, in); }
#define API_BATCH(method, path, subject, fn, input, output, guard, perm, rate, status, text)       \
    extern const struct shape input##_shape;                                                       \
    output static enum err fn##_thunk(struct req *rq, struct req **rqs, const void *const *ins,    \
                                      enum err *errs, size_t n)                                    \
    {                                                                                              \
        return fn(rq, rqs, (const struct input *const *)ins, errs, n);                             \
    }
#define RAW(method, path, subject, name, guard, perm, rate, status, text)
#define RPC(subject, fn, input, output, guard, mode, text)                                         \
    extern const struct shape input##_shape;                                                       \
    output static enum err fn##_thunk(struct req *rq, const void *in) { return fn(rq, in); }
#include API_DEF
#undef API
#undef API_BATCH
#undef RAW
#undef RPC
#undef NOTHING
#undef ONE
#undef MANY

#define NOTHING .output = OUTPUT_NOTHING
#define ONE(of) .output = OUTPUT_ONE, .entity = &of##_shape
#define MANY(of) .output = OUTPUT_MANY, .entity = &of##_shape
#define API(method, path, subject, fn, input, output, guard, perm, mode, rate, status, text)       \
    {#method, path, subject, fn##_thunk, NULL, &input##_shape, output, .guard = GUARD_##guard,     \
     .permission = PERM_##perm, .mode = MODE_##mode, .rate = RATE_##rate, .status = status, .text = text},
#define API_BATCH(m, path, subject, fn, input, output, guard, perm, rate, status, text)       \
    {#m, path, subject, NULL, fn##_thunk, &input##_shape, output, .guard = GUARD_##guard,     \
     .permission = PERM_##perm, .mode = MODE_BATCH, .rate = RATE_##rate, .status = status, .text = text},
#define RAW(m, path, subject, name, guard, perm, rate, status, text)                          \
    {#m, path, subject, NULL, NULL, NULL, OUTPUT_NOTHING, NULL, GUARD_##guard, PERM_##perm,   \
     MODE_RAW, RATE_##rate, status, text},
#define RPC(subject, fn, input, output, guard, mode, text)                                         \
    {NULL, NULL, subject, fn##_thunk, NULL, &input##_shape, output, .guard = GUARD_##guard,        \
     .permission = PERM_NONE, .mode = MODE_##mode, .rate = RATE_NONE, .status = 200, .text = text},
static const struct rpc api_rows[] = {
#include API_DEF
};
const struct rpc_table API_TABLE = {api_rows, sizeof(api_rows) / sizeof(api_rows[0])};
