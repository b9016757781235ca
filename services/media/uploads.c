/* SPDX-License-Identifier: MIT */
/* Files on their way in. Pieces are written as they come, in order, hashed on the way; the whole
 * file is never in memory. At the end it is looked at, gets a row, then its place on disk, and only
 * then an answer: who holds an answer has a file. */

#include "services/media/image.h"
#include "services/media/lanes.h"
#include "services/media/storage.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/rand.h"
#include "shared/crypto/hmac.h"
#include "shared/service/metrics.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { RETRY_MS = 1000 };

struct upload_open_args {
    const char *filename;
    const char *content_type;
};
static const struct field upload_open_args_fields[] = {
    F_STR(upload_open_args, filename, RANGE(1, LIMIT_FILE_NAME)),
    F_STR(upload_open_args, content_type, RANGE(1, TYPE_NAME_SIZE / 4 - 1)),
};
SHAPE(upload_open_args);

struct upload_opened {
    const char *subject;
};
static const struct field upload_opened_fields[] = {
    F_STR(upload_opened, subject),
};
SHAPE(upload_opened);

STMT(attachment_insert,
     "INSERT INTO attachments (id, app_id, owner_id, filename, content_type, size, sha256, width,"
     "                         height)"
     " VALUES ($1, $2, $3, $4, $5, $6, decode($7, 'hex'), $8, $9)");

/* ---- opening, on a worker of the dispatcher ---- */

static int count_of(struct media *m, snowflake owner)
{
    int count = 0;
    for (size_t i = 0; i < UPLOADS; i++)
        count += atomic_load(&m->uploads[i].owner) == owner;
    return count;
}

/* A place is taken first and counted afterwards, so of two that come together none gets too many.
 */
static enum err take_place(struct req *rq, struct media *m, size_t *ret_place)
{
    for (size_t i = 0; i < UPLOADS; i++) {
        snowflake nobody = 0;
        if (!atomic_compare_exchange_strong(&m->uploads[i].owner, &nobody, rq->actor))
            continue;
        if (count_of(m, rq->actor) > UPLOADS_PER_USER) {
            atomic_store(&m->uploads[i].owner, 0);
            return fail_after(rq, ERR_RATE_LIMITED, RETRY_MS);
        }
        *ret_place = i;
        return OK;
    }
    rq->detail = "every place of this copy is taken";
    return fail_after(rq, ERR_UNAVAILABLE, RETRY_MS);
}

enum err upload_open(struct req *rq, const struct upload_open_args *in)
{
    struct media *m = media_of(rq);
    size_t place = 0;
    TRY(take_place(rq, m, &place));
    struct upload *up = &m->uploads[place];
    uint64_t nonce = rand_u64() | 1;
    snprintf(up->temp, sizeof(up->temp), "%016llx-%016llx", (unsigned long long)m->copy,
             (unsigned long long)nonce);
    up->fd = storage_create(m->settings->root, up->temp);
    if (up->fd < 0) {
        atomic_store(&up->owner, 0);
        return fail(rq, ERR_UNAVAILABLE, "cannot create a file: %s", strerror(errno));
    }
    snprintf(up->filename, sizeof(up->filename), "%s", filename_clean(&rq->arena, in->filename));
    snprintf(up->declared, sizeof(up->declared), "%s", in->content_type);
    up->app = rq->app;
    up->digest = digest_new();
    up->size = 0;
    up->touched_us = mono_us();
    atomic_store(&up->nonce, nonce);

    char subject[LANE_SUBJECT_SIZE];
    lane_upload_subject(m, place, nonce, subject);
    return reply(rq, &upload_opened_shape, &(struct upload_opened){subject});
}

/* ---- pieces, on the lane ---- */

static enum err close_upload(struct req *rq, struct upload *up, enum err e)
{
    const struct media *m = media_of(rq);
    close(up->fd);
    if (e != OK)
        storage_discard(m->settings->root, up->temp);
    digest_free(up->digest);
    up->digest = NULL;
    metric_add(METRIC_uploads_total, (size_t)e, 0, 1);
    atomic_store(&up->nonce, 0);
    atomic_store(&up->owner, 0);
    return e;
}

static enum err write_all(struct req *rq, int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(rq, ERR_UNAVAILABLE, "cannot write: %s", strerror(errno));
        data += n;
        len -= (size_t)n;
    }
    return OK;
}

static enum err append(struct req *rq, struct upload *up, const struct piece *piece)
{
    if (piece->offset != up->size)
        return fail(rq, ERR_CONFLICT, "a piece at %lld instead of %lld", (long long)piece->offset,
                    (long long)up->size);
    if (piece->len > (size_t)(LIMIT_FILE - up->size))
        return ERR_TOO_LARGE;
    TRY(write_all(rq, up->fd, piece->data, piece->len));
    digest_add(up->digest, piece->data, piece->len);
    up->size += (int64_t)piece->len;
    up->touched_us = mono_us();
    return OK;
}

enum err upload_take(struct req *rq, struct upload *up, const struct piece *piece,
                     struct sniffer *sniffer UNUSED)
{
    enum err e = append(rq, up, piece);
    return e == OK ? OK : close_upload(rq, up, e);
}

enum err upload_abort(struct req *rq, struct upload *up, const struct piece *piece UNUSED,
                      struct sniffer *sniffer UNUSED)
{
    (void)close_upload(rq, up, ERR_GONE);
    return OK;
}

bool upload_expire(struct req *rq, struct upload *up, bool must_end)
{
    if (atomic_load(&up->nonce) == 0)
        return false;
    if (!must_end && mono_us() - up->touched_us < UPLOAD_IDLE_MS * INT64_C(1000))
        return true;
    (void)close_upload(rq, up, ERR_TIMEOUT);
    return false;
}

/* ---- the end ---- */

static void unmap(struct piece *map)
{
    if (map->data != NULL)
        munmap((void *)(uintptr_t)map->data, map->len);
}

/* Mapped, not read: libmagic and the picture's head touch a few pages of it. Nobody else knows the
 * file, so it cannot shrink under us. */
static enum err look(struct req *rq, const struct upload *up, struct sniffer *sniffer,
                     struct attachment *file)
{
    void *data = mmap(NULL, (size_t)up->size, PROT_READ, MAP_PRIVATE, up->fd, 0);
    if (data == MAP_FAILED)
        return fail(rq, ERR_UNAVAILABLE, "cannot map: %s", strerror(errno));
    __attribute__((cleanup(unmap))) struct piece whole = {.data = data, .len = (size_t)up->size};
    if (sniffer == NULL)
        return fail(rq, ERR_UNAVAILABLE, "libmagic has no tables");
    TRY(sniff(rq, sniffer, up->declared, &whole, &file->content_type));
    struct image image;
    if (image_read(file->content_type, whole.data, whole.len, &image)) {
        file->width = image.width;
        file->height = image.height;
    }
    return OK;
}

static struct param number_or_null(int64_t number)
{
    return number == FIELD_NO_INT ? P_NULL : P(number);
}

static enum err keep(struct req *rq, struct upload *up, struct attachment *file)
{
    char hash[SHA256_HEX_SIZE];
    TRY(new_id(rq, &file->id));
    digest_end(up->digest, hash);
    up->digest = NULL;
    TRY(db_exec(rq, &attachment_insert,
                PARAMS(P(file->id), P(up->app), P(atomic_load(&up->owner)), P(file->filename),
                       P(file->content_type), P(file->size), P((const char *)hash),
                       number_or_null(file->width), number_or_null(file->height)),
                NULL));
    if (storage_keep(media_of(rq)->settings->root, up->temp, up->fd, file->id) != OK)
        return fail(rq, ERR_UNAVAILABLE, "cannot keep the file: %s", strerror(errno));
    return OK;
}

static enum err answer(struct req *rq, const struct upload *up, struct attachment *file)
{
    const char *secret = media_of(rq)->settings->secret;
    snowflake owner = atomic_load(&up->owner);
    TRY(attachment_token_make(&rq->arena, secret, owner, file, &file->token));
    file->url = attachment_url(&rq->arena, secret, file, clock_us());
    LOG(INFO, "upload.kept", KV("id", file->id), KV("app", up->app), KV("size", file->size),
        KV("type", file->content_type), KV("request", rq->from->request_id));
    rq->status = 201;
    return reply(rq, &attachment_shape, file);
}

static enum err finish(struct req *rq, struct upload *up, const struct piece *piece,
                       struct sniffer *sniffer)
{
    if (piece->size != up->size)
        return fail(rq, ERR_CONFLICT, "%lld bytes came of %lld", (long long)up->size,
                    (long long)piece->size);
    if (up->size == 0)
        return fail_field(rq, "file", "must not be empty");
    struct attachment file = {
        .filename = up->filename,
        .size = up->size,
        .width = FIELD_NO_INT,
        .height = FIELD_NO_INT,
    };
    TRY(look(rq, up, sniffer, &file));
    TRY(keep(rq, up, &file));
    return answer(rq, up, &file);
}

enum err upload_end(struct req *rq, struct upload *up, const struct piece *piece,
                    struct sniffer *sniffer)
{
    return close_upload(rq, up, finish(rq, up, piece, sniffer));
}
