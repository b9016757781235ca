/* SPDX-License-Identifier: MIT */
/* No guard: included once by each service's api.c, with API_DEF naming its api.def and API_TABLE
 * the table to define. Grows the dispatch table; every expansion is one line. */
#include "shared/service/rpc.h"

#define NOTHING
#define ONE(entity)  extern const struct shape entity##_shape;
#define MANY(entity) extern const struct shape entity##_shape;
#define API(method, path, subject, fn, input, output, guard, perm, mode, rate, status, text) \
    extern const struct shape input##_shape;                                                 \
    output static enum err fn##_thunk(struct req *rq, const void *in)                        \
    {                                                                                        \
        return fn(rq, in);                                                                   \
    }
#define API_BATCH(method, path, subject, fn, input, output, guard, perm, rate, status, text)    \
    extern const struct shape input##_shape;                                                    \
    output static enum err fn##_thunk(struct req *rq, struct req **rqs, const void *const *ins, \
                                      enum err *errs, size_t n)                                 \
    {                                                                                           \
        return fn(rq, rqs, (const struct input *const *)ins, errs, n);                          \
    }
#define RAW(method, path, subject, name, guard, perm, rate, status, text)
#define RPC(subject, fn, input, output, guard, mode, text)            \
    extern const struct shape input##_shape;                          \
    output static enum err fn##_thunk(struct req *rq, const void *in) \
    {                                                                 \
        return fn(rq, in);                                            \
    }
#include API_DEF
#undef API
#undef API_BATCH
#undef RAW
#undef RPC
#undef NOTHING
#undef ONE
#undef MANY

/* Parameters are named apart from the members they fill, which the preprocessor would replace. */
#define NOTHING  .output = OUTPUT_NOTHING
#define ONE(of)  .output = OUTPUT_ONE, .entity = &of##_shape
#define MANY(of) .output = OUTPUT_MANY, .entity = &of##_shape
#define API(m, p, subj, fn, in, out, who, may, how, often, code, says) \
    {.method = #m,                                                     \
     .path = p,                                                        \
     .subject = subj,                                                  \
     .call = fn##_thunk,                                               \
     .input = &in##_shape,                                             \
     out,                                                              \
     .guard = GUARD_##who,                                             \
     .permission = PERM_##may,                                         \
     .mode = MODE_##how,                                               \
     .rate = RATE_##often,                                             \
     .status = code,                                                   \
     .text = says},
#define API_BATCH(m, p, subj, fn, in, out, who, may, often, code, says) \
    {.method = #m,                                                      \
     .path = p,                                                         \
     .subject = subj,                                                   \
     .batch = fn##_thunk,                                               \
     .input = &in##_shape,                                              \
     out,                                                               \
     .guard = GUARD_##who,                                              \
     .permission = PERM_##may,                                          \
     .mode = MODE_BATCH,                                                \
     .rate = RATE_##often,                                              \
     .status = code,                                                    \
     .text = says},
#define RAW(m, p, subj, name, who, may, often, code, says) \
    {.method = #m,                                         \
     .path = p,                                            \
     .subject = subj,                                      \
     .guard = GUARD_##who,                                 \
     .permission = PERM_##may,                             \
     .mode = MODE_RAW,                                     \
     .rate = RATE_##often,                                 \
     .status = code,                                       \
     .text = says},
#define RPC(subj, fn, in, out, who, how, says) \
    {.subject = subj,                          \
     .call = fn##_thunk,                       \
     .input = &in##_shape,                     \
     out,                                      \
     .guard = GUARD_##who,                     \
     .mode = MODE_##how,                       \
     .rate = RATE_NONE,                        \
     .status = 200,                            \
     .text = says},
static const struct rpc api_rows[] = {
#include API_DEF
};
const struct rpc_table API_TABLE = {api_rows, sizeof(api_rows) / sizeof(api_rows[0])};
