/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MEDIA_MEDIA_H
#define SERVICES_MEDIA_MEDIA_H

/* Files: taken in, kept, handed out by signed links, removed when no message has them any more.
 * JSON goes through the dispatcher like everywhere; bytes go through the lanes (lanes.h). */

#include "shared/domain/limit.h"
#include "shared/domain/snowflake.h"
#include "shared/service/service.h"
#include "shared/wire/attachment.h"
#include "shared/wire/field.h"
#include "shared/wire/req.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct digest;
struct lanes;
struct sniffer;

#define API_DEF "services/media/api.def"
#include "shared/service/api_prototypes.h"
#undef API_DEF

extern const struct rpc_table media_api;
extern const struct service media_service;

struct media_settings {
    const char *root;
    const char *secret;
};

/* Uploads under way: a fixed number of places in each copy, so that what they hold is bounded. */
enum {
    UPLOADS = 64,
    UPLOADS_PER_USER = 4,
    UPLOAD_IDLE_MS = 60000,
    FILE_NAME_SIZE = 4 * LIMIT_FILE_NAME + 1,
    TYPE_NAME_SIZE = 128,
    TEMP_NAME_SIZE = 48,
};

/* Whoever opens an upload takes a place by its owner and publishes it by its nonce; from then on
 * only the lane of the place touches it, until it gives it back in the reverse order. */
struct upload {
    _Atomic snowflake owner; /* 0: the place is free */
    _Atomic uint64_t nonce;  /* 0: it is not open */
    snowflake app;
    char filename[FILE_NAME_SIZE];
    char declared[TYPE_NAME_SIZE]; /* what the client says it is */
    char temp[TEMP_NAME_SIZE];
    int fd;
    struct digest *digest;
    int64_t size;
    int64_t touched_us;
};

/* What the process keeps: req.state. */
struct media {
    const struct media_settings *settings;
    struct bus *bus;
    const struct db_settings *db;
    uint64_t
        copy; /* which of the copies this process is: in subjects and names of temporary files */
    struct lanes *lanes;
    struct upload uploads[UPLOADS];
};
static inline struct media *media_of(const struct req *rq)
{
    return rq->state;
}

/* ---- uploads.c: a lane's part, on the thread of the lane that has the place ---- */

struct piece {
    const void *data;
    size_t len;
    int64_t offset; /* BYTES_OFFSET */
    int64_t size;   /* BYTES_SIZE */
};
typedef enum err upload_fn(struct req *rq, struct upload *up, const struct piece *piece,
                           struct sniffer *sniffer);
upload_fn upload_take, upload_end, upload_abort;
/* Drop it if nothing came for too long (or anyway); true while it goes on. */
bool upload_expire(struct req *rq, struct upload *up, bool must_end);

/* ---- filename.c: the last part of a path, without what a name must not have ---- */

char *filename_clean(struct arena *a, const char *name);

/* ---- sniff.c: one a thread; libmagic's tables are loaded at the first look ---- */

struct sniffer *sniffer_new(void);
void sniffer_free(struct sniffer *s);
/* What the bytes are, whatever their sender says: "image/png". ERR_UNSUPPORTED_MEDIA_TYPE when they
 * were declared to be a picture and are none. */
MUST_CHECK enum err sniff(struct req *rq, struct sniffer *s, const char *declared,
                          const struct piece *head, const char **ret_type);
/* May a browser show it in place? Only what cannot run. */
bool sniff_is_inline(const char *content_type);

/* ---- uses.c ---- */

extern const struct listen media_hears[];
enum err uses_end(struct req *rq);
enum err files_sweep(struct req *rq);
enum err temps_sweep(struct req *rq);

#endif
