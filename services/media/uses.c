/* SPDX-License-Identifier: MIT */
/* Which messages have which files, heard from messaging, and the clearing away of files nobody has.
 *
 * The event that ends a use may come before the one that makes it, since each kind of event has a
 * consumer of its own. So an end is only noted when heard; a job carries it out a few seconds
 * later, when every use that was being written is written, and uses that come later find the note.
 */

#include "services/media/media.h"
#include "services/media/storage.h"
#include "shared/base/log.h"
#include "shared/service/metrics.h"

enum {
    NOTE_AGE_S = 5,     /* before it is carried out; no transaction lives so long */
    NOTES = 100,        /* carried out at a time */
    USES = 1000,        /* ended at a time */
    NOTE_KEPT_DAYS = 8, /* longer than the stream keeps events */
    NOTES_PURGED = 10000,
    ORPHAN_AGE_S = 24 * 3600,
    DELETED_AGE_S = 3600, /* for downloads under way */
    FILES_SWEPT = 200,
    TEMP_AGE_S = 3600,
    TEMPS_SWEPT = 1000,
};

struct attachment_used {
    snowflake message_id, channel_id, server_id;
    struct list attachment_ids;
};
static const struct field attachment_used_fields[] = {
    F_ID(attachment_used, message_id),
    F_ID(attachment_used, channel_id),
    F_ID(attachment_used, server_id),
    F_IDS(attachment_used, attachment_ids),
};
static SHAPE(attachment_used);

/* A message, channel or server that is no more. */
struct end_of {
    snowflake id;
};
static const struct field end_of_fields[] = {
    F_ID(end_of, id),
};
static SHAPE(end_of);

struct ids {
    struct list ids;
};
static const struct field ids_fields[] = {
    F_IDS(ids, ids),
};
static SHAPE(ids);

STMT(uses_begin,
     "WITH live AS ("
     "   SELECT id FROM attachments"
     "    WHERE id = ANY ($1) AND app_id = $2 AND deleted_at IS NULL"
     "      AND NOT EXISTS (SELECT FROM gone WHERE gone.id IN ($3, $4, $5))"
     "    ORDER BY id FOR UPDATE),"
     " used AS ("
     "   INSERT INTO uses (attachment_id, message_id, channel_id, server_id)"
     "   SELECT id, $3, $4, $5 FROM live"
     "       ON CONFLICT DO NOTHING)"
     " UPDATE attachments SET unused_since = NULL WHERE id IN (SELECT id FROM live)");

STMT(gone_note, "INSERT INTO gone (id) VALUES ($1) ON CONFLICT DO NOTHING");

STMT(gone_due,
     "SELECT coalesce(array_agg(id), '{}') AS ids FROM ("
     "   SELECT id FROM gone"
     "    WHERE NOT is_done AND at < now() - $1 * interval '1 second'"
     "    ORDER BY at LIMIT $2) AS due");

/* Files that lose their last use with it are nobody's any more. */
STMT(uses_end_in,
     "WITH ended AS ("
     "   DELETE FROM uses WHERE (attachment_id, message_id) IN ("
     "      SELECT attachment_id, message_id FROM uses"
     "       WHERE message_id = ANY ($1) OR channel_id = ANY ($1) OR server_id = ANY ($1)"
     "       LIMIT $2)"
     "   RETURNING attachment_id, message_id),"
     " left_over AS ("
     "   UPDATE attachments SET deleted_at = now()"
     "    WHERE id IN (SELECT attachment_id FROM ended)"
     "      AND NOT EXISTS (SELECT FROM uses u WHERE u.attachment_id = attachments.id"
     "                       AND NOT EXISTS (SELECT FROM ended e"
     "                                        WHERE e.attachment_id = u.attachment_id"
     "                                          AND e.message_id = u.message_id)))"
     " SELECT count(*) FROM ended");

STMT(gone_done, "UPDATE gone SET is_done = true WHERE id = ANY ($1)");

STMT(gone_purge,
     "DELETE FROM gone WHERE id IN ("
     "   SELECT id FROM gone WHERE at < now() - $1 * interval '1 day' LIMIT $2)");

STMT(files_due,
     "SELECT coalesce(array_agg(id), '{}') AS ids FROM ("
     "   SELECT id FROM attachments"
     "    WHERE deleted_at < now() - $1 * interval '1 second'"
     "       OR (deleted_at IS NULL AND unused_since < now() - $2 * interval '1 second')"
     "    LIMIT $3 FOR UPDATE SKIP LOCKED) AS due");

STMT(files_remove, "DELETE FROM attachments WHERE id = ANY ($1)");

static enum err attachment_used(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    const struct attachment_used *use = payload;
    const struct list *files = &use->attachment_ids;
    return db_exec(rq, &uses_begin,
                   PARAMS(P_IDS((const snowflake *)files->items, files->count), P(rq->app),
                          P(use->message_id), P(use->channel_id), P(use->server_id)),
                   NULL);
}

static enum err note_end(struct req *rq, const void *payload)
{
    const struct end_of *gone = payload;
    return db_exec(rq, &gone_note, PARAMS(P(gone->id)), NULL);
}

static enum err message_ended(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    return note_end(rq, payload);
}

static enum err channel_ended(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    return note_end(rq, payload);
}

static enum err server_ended(struct req *rq, const void *payload, const char *event_id UNUSED)
{
    return note_end(rq, payload);
}

const struct listen media_hears[] = {
#define ON(event, fn, input, text) {EV_##event, #fn, fn, &input##_shape},
#include "services/media/listen.def"
#undef ON
    {0},
};

enum err uses_end(struct req *rq)
{
    struct ids due;
    TRY(db_one(rq, &gone_due, PARAMS(P(NOTE_AGE_S), P(NOTES)), &ids_shape, &due, ERR_INTERNAL));
    if (due.ids.count == 0)
        return OK;
    const struct param places = P_IDS((const snowflake *)due.ids.items, due.ids.count);
    int64_t ended;
    TRY(db_scalar(rq, &uses_end_in, PARAMS(places, P(USES)), &ended, ERR_INTERNAL));
    return ended < USES ? db_exec(rq, &gone_done, PARAMS(places), NULL) : OK;
}

/* The row is locked while its file goes and ends with it. A file whose removal fails keeps its row
 * and is tried again. */
enum err files_sweep(struct req *rq)
{
    struct ids due;
    const char *root = media_of(rq)->settings->root;
    TRY(db_one(rq, &files_due, PARAMS(P(DELETED_AGE_S), P(ORPHAN_AGE_S), P(FILES_SWEPT)),
               &ids_shape, &due, ERR_INTERNAL));
    snowflake *removed = arena_new_n(&rq->arena, snowflake, due.ids.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < due.ids.count; i++) {
        snowflake id = *LIST_AT(&due.ids, snowflake, i);
        if (storage_remove(root, id) == OK)
            removed[count++] = id;
        else
            LOG(ERROR, "file.stuck", KV("id", id));
    }
    if (count > 0)
        TRY(db_exec(rq, &files_remove, PARAMS(P_IDS(removed, count)), NULL));
    metric_add(METRIC_files_removed_total, 0, 0, (int64_t)count);
    return OK;
}

enum err temps_sweep(struct req *rq)
{
    storage_sweep(media_of(rq)->settings->root, TEMP_AGE_S, TEMPS_SWEPT);
    return db_exec(rq, &gone_purge, PARAMS(P(NOTE_KEPT_DAYS), P(NOTES_PURGED)), NULL);
}
