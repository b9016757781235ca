/* SPDX-License-Identifier: MIT */
/* Bytes between the bus and the disk. One message is one piece or one block; it is answered with
 * the headers of every answer of ours, so the gateway reads it like any other. */

#include "services/media/lanes.h"

#include "services/media/storage.h"
#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/ring.h"
#include "shared/base/str.h"
#include "shared/base/thread.h"

#include <pthread.h>
#include <string.h>

enum {
    BLOCK_MAX = 128 * 1024,
    RING_SIZE = 512, /* every place's window and more downloads than fit a disk */
    TICK_MS = 1000,
    ENDING_MS = 10000, /* for uploads under way when the process is told to stop */
    DRAIN_MS = 2000,
    BUSY_RETRY_MS = 1000,
};

static const char BLOCK_PREFIX[] = "rpc.bytes.block.";

struct lane {
    struct lanes *all;
    size_t index;
    pthread_t thread;
    struct ring *ring;
    struct db *db;
    struct sniffer *sniffer; /* NULL until the first upload */
    struct arena arena;
    struct buf reply;
    char block[BLOCK_MAX];
};

struct lanes {
    struct media *media;
    struct bus_sub *uploads;
    struct bus_sub *blocks;
    atomic_uint next;
    _Atomic int64_t end_us; /* 0 until the process is told to stop */
    char upload_prefix[LANE_SUBJECT_SIZE];
    struct lane v[LANES];
};

/* ---- subjects ---- */

static void write_prefix(const struct media *m, char out[LANE_SUBJECT_SIZE])
{
    snprintf(out, LANE_SUBJECT_SIZE, "rpc.bytes.up.%016llx.", (unsigned long long)m->copy);
}

void lane_upload_subject(const struct media *m, size_t place, uint64_t nonce,
                         char out[LANE_SUBJECT_SIZE])
{
    char prefix[LANE_SUBJECT_SIZE];
    write_prefix(m, prefix);
    snprintf(out, LANE_SUBJECT_SIZE, "%.40s%zu.%llu", prefix, place, (unsigned long long)nonce);
}

void lane_block_subject(snowflake id, char out[LANE_SUBJECT_SIZE])
{
    snprintf(out, LANE_SUBJECT_SIZE, "%s%llu", BLOCK_PREFIX, (unsigned long long)id);
}

struct address {
    uint64_t place;
    uint64_t nonce;
    const char *verb; /* "", ".end", ".abort" */
};

static bool read_address(const struct lanes *ls, const char *subject, struct address *ret)
{
    const char *place = subject + strlen(ls->upload_prefix);
    size_t place_len = strcspn(place, ".");
    if (place[place_len] == '\0' || !str_parse_u64(place, place_len, &ret->place) ||
        ret->place >= UPLOADS)
        return false;
    const char *nonce = place + place_len + 1;
    size_t nonce_len = strcspn(nonce, ".");
    ret->verb = nonce + nonce_len;
    return str_parse_u64(nonce, nonce_len, &ret->nonce) && ret->nonce != 0;
}

static int64_t head_number(natsMsg *msg, const char *name)
{
    const char *text = NULL;
    uint64_t number;
    if (natsMsgHeader_Get(msg, name, &text) != NATS_OK ||
        !str_parse_u64(text, strlen(text), &number) || number > INT64_MAX)
        return -1;
    return (int64_t)number;
}

/* ---- answers ---- */

struct answer {
    enum err err;
    int status;
    const void *body;
    size_t len;
};

static void send_answer(struct bus *bus, natsMsg *msg, const struct answer *a, int retry_after_ms)
{
    char status[16];
    char retry[16];
    if (natsMsg_GetReply(msg) == NULL)
        return;
    snprintf(status, sizeof(status), "%d", a->err == OK ? a->status : err_status(a->err));
    snprintf(retry, sizeof(retry), "%d", retry_after_ms);
    const struct bus_head heads[] = {
        {"Parley-Status",      status                                  },
        {"Parley-Error",       a->err == OK ? NULL : err_name(a->err)  },
        {"Parley-Retry-After", a->err == ERR_UNAVAILABLE ? retry : NULL},
    };
    struct bus_out out = {
        .subject = natsMsg_GetReply(msg),
        .heads = heads,
        .head_count = ARRAY_LEN(heads),
        .body = a->body,
        .body_len = a->len,
    };
    if (bus_send(bus, &out) != OK)
        LOG(DEBUG, "answer.gone", KV("subject", natsMsg_GetSubject(msg)));
}

static void send_problem(struct bus *bus, natsMsg *msg, struct req *rq, enum err e)
{
    buf_reset(&rq->reply);
    problem_encode(rq, e, &rq->reply);
    int retry_ms = rq->retry_after_ms > 0 ? rq->retry_after_ms : BUSY_RETRY_MS;
    struct answer a = {.err = e, .body = rq->reply.data, .len = rq->reply.len};
    send_answer(bus, msg, &a, retry_ms);
}

static void refuse_message(struct lanes *ls, natsMsg *msg, enum err e)
{
    struct req rq = {0};
    send_problem(ls->media->bus, msg, &rq, e);
    buf_done(&rq.reply);
    arena_release(&rq.arena);
    bus_msg_free(msg);
}

/* ---- one message, on its lane ---- */

static struct req begin_req(struct lane *l, const struct caller *from)
{
    struct media *m = l->all->media;
    buf_reset(&l->reply);
    return (struct req){
        .arena = l->arena,
        .reply = l->reply,
        .subject = "media.bytes",
        .from = from,
        .actor = from->user,
        .app = from->app,
        .db = l->db,
        .bus = m->bus,
        .state = m,
        .deadline_us = mono_us() + ENDING_MS * INT64_C(1000),
    };
}

static void end_req(struct lane *l, const struct req *rq)
{
    l->arena = rq->arena;
    l->reply = rq->reply;
    arena_reset(&l->arena);
}

static const struct {
    const char *verb;
    upload_fn *fn;
} upload_verbs[] = {
    {"",       upload_take },
    {".end",   upload_end  },
    {".abort", upload_abort},
};

static enum err serve_piece(struct lane *l, struct req *rq, natsMsg *msg)
{
    struct address to;
    const struct piece piece = {
        .data = natsMsg_GetData(msg),
        .len = (size_t)natsMsg_GetDataLength(msg),
        .offset = head_number(msg, "Parley-Offset"),
        .size = head_number(msg, "Parley-Size"),
    };
    if (!read_address(l->all, natsMsg_GetSubject(msg), &to))
        return ERR_UNKNOWN_ROUTE;
    struct upload *up = &l->all->media->uploads[to.place];
    if (atomic_load(&up->nonce) != to.nonce)
        return fail(rq, ERR_GONE, "the upload has ended");
    if (l->sniffer == NULL)
        l->sniffer = sniffer_new();
    for (size_t i = 0; i < ARRAY_LEN(upload_verbs); i++)
        if (strcmp(upload_verbs[i].verb, to.verb) == 0)
            return upload_verbs[i].fn(rq, up, &piece, l->sniffer);
    return ERR_UNKNOWN_ROUTE;
}

static void serve_upload(struct lane *l, natsMsg *msg)
{
    struct caller from;
    int64_t deadline_us;
    struct req rq;
    bus_caller_read(msg, &l->arena, &from, &deadline_us);
    rq = begin_req(l, &from);
    enum err e = serve_piece(l, &rq, msg);
    int status = rq.status != 0 ? rq.status : 204;
    struct answer a = {.status = status, .body = rq.reply.data, .len = rq.reply.len};
    if (e == OK)
        send_answer(rq.bus, msg, &a, 0);
    else
        send_problem(rq.bus, msg, &rq, e);
    if (e != OK)
        LOG(INFO, "upload.failed", KV("err", err_name(e)), KV("detail", rq.detail),
            KV("request", from.request_id));
    end_req(l, &rq);
}

static void serve_block(struct lane *l, natsMsg *msg)
{
    const struct media *m = l->all->media;
    snowflake id = 0;
    int64_t offset = head_number(msg, "Parley-Offset");
    int64_t size = head_number(msg, "Parley-Size");
    struct req rq = begin_req(l, &(struct caller){.request_id = ""});
    if (!snowflake_parse(natsMsg_GetSubject(msg) + sizeof(BLOCK_PREFIX) - 1, &id) || offset < 0 ||
        size < 1 || size > BLOCK_MAX) {
        send_problem(m->bus, msg, &rq, ERR_INVALID_FORM);
    } else {
        ssize_t n = storage_read(m->settings->root, id, offset, l->block, (size_t)size);
        struct answer a = {.status = 200, .body = l->block, .len = (size_t)n};
        if (n >= 0)
            send_answer(m->bus, msg, &a, 0);
        else
            send_problem(m->bus, msg, &rq, ERR_UNKNOWN_ATTACHMENT);
    }
    end_req(l, &rq);
}

static void serve(struct lane *l, natsMsg *msg)
{
    if (strncmp(natsMsg_GetSubject(msg), BLOCK_PREFIX, sizeof(BLOCK_PREFIX) - 1) == 0)
        serve_block(l, msg);
    else
        serve_upload(l, msg);
    bus_msg_free(msg);
}

/* How many uploads of this lane go on. */
static size_t expire(struct lane *l, bool must_end)
{
    static const struct caller nobody = {.request_id = ""};
    struct media *m = l->all->media;
    struct req rq = begin_req(l, &nobody);
    size_t open = 0;
    for (size_t i = l->index; i < UPLOADS; i += LANES)
        open += upload_expire(&rq, &m->uploads[i], must_end);
    end_req(l, &rq);
    return open;
}

/* True when the lane has nothing more to do, ever. */
static bool is_over(struct lane *l, const natsMsg *msg)
{
    int64_t end_us = atomic_load(&l->all->end_us);
    if (end_us == 0 || msg != NULL)
        return false;
    return expire(l, mono_us() > end_us) == 0;
}

static void *lane_main(void *arg)
{
    struct lane *l = arg;
    int64_t tick_us = mono_us();
    natsMsg *msg = NULL;
    do {
        msg = ring_pop(l->ring, TICK_MS);
        if (msg != NULL)
            serve(l, msg);
        if (mono_us() - tick_us > TICK_MS * INT64_C(1000)) {
            (void)expire(l, false);
            tick_us = mono_us();
        }
    } while (!is_over(l, msg));
    return NULL;
}

/* ---- delivery threads of libnats ---- */

static void queue(struct lanes *ls, struct lane *l, natsMsg *msg)
{
    if (!ring_push(l->ring, msg))
        refuse_message(ls, msg, ERR_UNAVAILABLE);
}

static void hear_piece(void *arg, natsMsg *msg)
{
    struct lanes *ls = arg;
    struct address to;
    if (read_address(ls, natsMsg_GetSubject(msg), &to))
        queue(ls, &ls->v[to.place % LANES], msg);
    else
        refuse_message(ls, msg, ERR_UNKNOWN_ROUTE);
}

static void hear_block(void *arg, natsMsg *msg)
{
    struct lanes *ls = arg;
    queue(ls, &ls->v[atomic_fetch_add(&ls->next, 1) % LANES], msg);
}

/* ---- start and stop ---- */

enum err lanes_start(struct media *m, struct lanes **ret)
{
    char subject[LANE_SUBJECT_SIZE];
    struct lanes *ls = heap_alloc(sizeof(*ls));
    ls->media = m;
    write_prefix(m, ls->upload_prefix);
    for (size_t i = 0; i < LANES; i++) {
        struct lane *l = &ls->v[i];
        l->all = ls;
        l->index = i;
        l->ring = ring_new(RING_SIZE);
        l->db = db_new(m->db);
        thread_start(&l->thread, lane_main, l);
    }
    *ret = ls;
    snprintf(subject, sizeof(subject), "%.40s>", ls->upload_prefix);
    TRY(bus_hear(m->bus, subject, NULL, hear_piece, ls, &ls->uploads));
    snprintf(subject, sizeof(subject), "%s*", BLOCK_PREFIX);
    return bus_hear(m->bus, subject, "media", hear_block, ls, &ls->blocks);
}

static void lane_done(struct lane *l)
{
    natsMsg *msg;
    while ((msg = ring_pop(l->ring, 0)) != NULL)
        refuse_message(l->all, msg, ERR_UNAVAILABLE);
    ring_free(l->ring);
    db_free(l->db);
    sniffer_free(l->sniffer);
    arena_release(&l->arena);
    buf_done(&l->reply);
}

static bool is_idle(const struct media *m)
{
    for (size_t i = 0; i < UPLOADS; i++)
        if (atomic_load(&m->uploads[i].owner) != 0)
            return false;
    return true;
}

void lanes_stop(struct lanes *ls)
{
    bus_drain(ls->blocks, DRAIN_MS);
    atomic_store(&ls->end_us, mono_us() + ENDING_MS * INT64_C(1000));
    /* Whoever waits for nothing need not wait for the tick. */
    for (size_t i = 0; i < LANES && is_idle(ls->media); i++)
        ring_close(ls->v[i].ring);
    for (size_t i = 0; i < LANES; i++)
        pthread_join(ls->v[i].thread, NULL);
    bus_unhear(ls->uploads);
    for (size_t i = 0; i < LANES; i++)
        lane_done(&ls->v[i]);
    free(ls);
}
