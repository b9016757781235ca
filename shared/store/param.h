/* SPDX-License-Identifier: MIT */
#ifndef SHARED_STORE_PARAM_H
#define SHARED_STORE_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The parameters of a statement, typed by the compiler: PARAMS(P(in->channel_id), P(MAX_PINS)).
 * They point at what they were made of and live as long as the call. */
enum param_kind {
    PARAM_NULL,
    PARAM_INT,
    PARAM_ID,
    PARAM_BOOL,
    PARAM_STR, /* NULL pointer is null */
    PARAM_TIME,
    PARAM_BYTES,
    PARAM_IDS,
    PARAM_INTS,
    PARAM_STRS,
};
struct param {
    enum param_kind kind;
    union {
        int64_t i;
        uint64_t id;
        const char *s;
        struct {
            const void *p;
            size_t n; /* bytes, or elements of an array */
        } many;
    };
};
struct params {
    const struct param *v;
    size_t n;
};
static inline struct param p_int(int64_t i)
{
    return (struct param){PARAM_INT, {.i = i}};
}
static inline struct param p_id(uint64_t id)
{
    return (struct param){PARAM_ID, {.id = id}};
}
static inline struct param p_bool(bool b)
{
    return (struct param){PARAM_BOOL, {.i = b}};
}
static inline struct param p_str(const char *s)
{
    return (struct param){PARAM_STR, {.s = s}};
}
static inline struct param p_opt(uint64_t id)
{
    return id == 0 ? (struct param){PARAM_NULL, {.i = 0}} : p_id(id);
}
static inline struct param p_time(int64_t us)
{
    return us == 0 ? (struct param){PARAM_NULL, {.i = 0}} : (struct param){PARAM_TIME, {.i = us}};
}
static inline struct param p_many(enum param_kind kind, const void *p, size_t n)
{
    return (struct param){kind, {.many = {p, n}}};
}
/* P(x) chooses by type; ids and permission sets are uint64_t. */
#define P(x) \
    _Generic((x),                                                                                  \
        bool: p_bool,                                                                              \
        int: p_int,                                                                                \
        unsigned: p_int,                                                                           \
        long: p_int,                                                                               \
        long long: p_int,                                                                          \
        unsigned long: p_id,                                                                       \
        unsigned long long: p_id,                                                                  \
        char *: p_str,                                                                             \
        const char *: p_str)(x)
#define P_NULL            ((struct param){PARAM_NULL, {.i = 0}})
#define P_OPT(id)         p_opt(id)  /* 0 is null */
#define P_TIME(us)        p_time(us) /* 0 is null */
#define P_BYTES(ptr, len) p_many(PARAM_BYTES, (ptr), (len))
#define P_IDS(ptr, n)     p_many(PARAM_IDS, (ptr), (n))  /* const snowflake * -> bigint[] */
#define P_INTS(ptr, n)    p_many(PARAM_INTS, (ptr), (n)) /* const int64_t * -> bigint[] */
#define P_STRS(ptr, n) \
    p_many(PARAM_STRS, (ptr), (n)) /* const char *const *; NULL is null -> text[] */
#define PARAMS(...)                                       \
    ((struct params){(const struct param[]){__VA_ARGS__}, \
                     sizeof((const struct param[]){__VA_ARGS__}) / sizeof(struct param)})
#define NO_PARAMS ((struct params){NULL, 0})

#endif
