/* SPDX-License-Identifier: MIT */
/* No guard: included once by each service's header, with API_DEF naming its api.def. Declares every
 * handler of the rows, so that one with the wrong input struct does not compile. */
#include "shared/service/rpc.h"

#define NOTHING
#define API(method, path, subject, fn, input, output, guard, perm, mode, rate, status, text) \
    struct input;                                                                            \
    enum err fn(struct req *rq, const struct input *in);
#define API_BATCH(method, path, subject, fn, input, output, guard, perm, rate, status, text)      \
    struct input;                                                                                 \
    enum err fn(struct req *rq, struct req **rqs, const struct input *const *ins, enum err *errs, \
                size_t n);
#define RAW(method, path, subject, name, guard, perm, rate, status, text)
#define RPC(subject, fn, input, output, guard, mode, text) \
    struct input;                                          \
    enum err fn(struct req *rq, const struct input *in);
#include API_DEF
#undef API
#undef API_BATCH
#undef RAW
#undef RPC
#undef NOTHING
