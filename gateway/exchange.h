/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/identity.h"
#include "gateway/peer.h"
#include "gateway/routes.h"
#include "shared/base/arena.h"
#include "shared/base/buf.h"

/* One HTTP request and its answer, private to the files that make up the REST side. It belongs to
 * the daemon's thread, but while it is suspended (asking) to whoever was asked. */
enum { REQUEST_ID_SIZE = 65 };

enum exchange_state {
    EXCHANGE_NEW,      /* the head is here */
    EXCHANGE_READING,  /* the body comes in */
    EXCHANGE_ASKING,   /* suspended */
    EXCHANGE_ANSWERED, /* answer is to be sent */
    EXCHANGE_SENT,     /* a response is queued */
};

struct exchange;

/* How a RAW row is served; data and end may suspend. */
struct raw_handler {
    const char *name;
    /* After sign-in and rate limit, before the body. */
    void (*begin)(struct exchange *x);
    /* A piece of the body; returns how much of it was taken (0 after suspending). NULL: no body. */
    size_t (*data)(struct exchange *x, const char *data, size_t len);
    /* The body is complete, or there is none. Called again after each resume until it answered. */
    enum MHD_Result (*end)(struct exchange *x);
    void (*free)(void *raw);
};

struct exchange {
    struct gateway *gateway;
    struct rest *rest;
    struct MHD_Connection *connection;
    struct arena arena;
    enum exchange_state state;
    const char *method;
    char *path; /* without query, as it came */
    const char *query;
    struct route_match match;
    const char *params;
    struct identity who;
    bool is_signed_in;
    enum MHD_Result (*serve)(struct exchange *x); /* by the gateway itself; NULL: an API row */
    enum err failed;                              /* decided before the service was asked */
    const char *failed_field;                     /* what is wrong, or NULL */
    const char *failed_text;
    struct buf body;
    size_t discarded; /* bytes of the body nobody wants */
    bool is_read;     /* to the end of the body */
    struct answer answer;
    const struct raw_handler *raw;
    void *raw_state;
    char content_range[40]; /* of a 416 */
    char ip[PEER_TEXT_SIZE];
    char request_id[REQUEST_ID_SIZE];
};

/* ---- rest.c ---- */
void exchange_suspend(struct exchange *x); /* before anybody is asked */
void exchange_resume(struct exchange *x);  /* any thread; x may be gone when it returns */
const char *exchange_header(const struct exchange *x, const char *name);
struct call exchange_call(struct exchange *x);

/* ---- respond.c: each queues a response, on the daemon's thread ---- */
enum MHD_Result respond_answer(struct exchange *x); /* x->answer */
enum MHD_Result respond_fail(struct exchange *x, enum err e);
enum MHD_Result respond_fail_field(struct exchange *x, const char *field, const char *message);
/* Anything else; takes the response over and adds what every response has. */
enum MHD_Result respond_with(struct exchange *x, int status, struct MHD_Response *response);
enum MHD_Result respond_text(struct exchange *x, int status, const char *type, const char *text);
/* Too much body to read it all, and too late to queue a response: tells the client all the same.
 * x->answer; the connection is closed next. */
enum MHD_Result respond_cut(struct exchange *x);

/* ---- statics.c ---- */
enum MHD_Result serve_static(struct exchange *x);
enum MHD_Result serve_document(struct exchange *x);

/* ---- cors.c ---- */
void cors_add(const struct exchange *x, struct MHD_Response *response);
enum MHD_Result cors_preflight(struct exchange *x);

/* ---- upload.c, download.c ---- */
extern const struct raw_handler upload_handler;
extern const struct raw_handler download_handler;

#endif
