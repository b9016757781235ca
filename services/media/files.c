/* SPDX-License-Identifier: MIT */
/* Files that are here: what they are, their bytes by a signed link, and their owner's right to take
 * them back as long as no message has them. */

#include "services/media/lanes.h"
#include "shared/base/clock.h"

#include <string.h>

enum { SIGNATURE_MAX = 64, CHANNELS_ASKED = 5 };

struct file_args {
    snowflake attachment_id;
};
static const struct field file_args_fields[] = {
    F_ID(file_args, attachment_id),
};
SHAPE(file_args);

struct file_open_args {
    snowflake attachment_id;
    const char *filename;
    int64_t exp;
    const char *sig;
};
static const struct field file_open_args_fields[] = {
    F_ID(file_open_args, attachment_id),
    F_STR(file_open_args, filename, RANGE(1, LIMIT_FILE_NAME)),
    F_INT(file_open_args, exp, OPTIONAL, RANGE(0, INT64_MAX)),
    F_STR(file_open_args, sig, OPTIONAL, RANGE(0, SIGNATURE_MAX)),
};
SHAPE(file_open_args);

struct file_opened {
    int64_t size;
    const char *content_type;
    const char *filename;
    const char *etag;
    bool is_inline;
    const char *subject;
};
static const struct field file_opened_fields[] = {
    F_INT(file_opened, size), F_STR(file_opened, content_type), F_STR(file_opened, filename),
    F_STR(file_opened, etag), F_BOOL(file_opened, is_inline),   F_STR(file_opened, subject),
};
SHAPE(file_opened);

/* A row, with what decides who may know of it. */
struct stored {
    snowflake id;
    snowflake owner_id;
    const char *filename;
    const char *content_type;
    int64_t size;
    int64_t width, height;
    struct list channels; /* where messages have it, newest first */
};
static const struct field stored_fields[] = {
    F_ID(stored, id),        F_ID(stored, owner_id),
    F_STR(stored, filename), F_STR(stored, content_type),
    F_INT(stored, size),     F_INT(stored, width),
    F_INT(stored, height),   F_IDS(stored, channels),
};
static SHAPE(stored);

STMT(file_find,
     "SELECT a.id, a.owner_id, a.filename, a.content_type, a.size, a.width, a.height,"
     "       ARRAY(SELECT u.channel_id FROM uses u WHERE u.attachment_id = a.id"
     "              GROUP BY u.channel_id ORDER BY max(u.message_id) DESC LIMIT $3) AS channels"
     "  FROM attachments a"
     " WHERE a.app_id = $1 AND a.id = $2 AND a.deleted_at IS NULL");

/* By its id alone: the signature over it is the right to read it. */
STMT(file_of_link,
     "SELECT size, content_type, filename, '\"' || encode(sha256, 'hex') || '\"' AS etag"
     "  FROM attachments WHERE id = $1 AND deleted_at IS NULL");

/* Nothing to sweep at once: the file goes when the row does. */
STMT(file_take_back,
     "UPDATE attachments SET deleted_at = now()"
     " WHERE app_id = $1 AND id = $2 AND owner_id = $3"
     "   AND unused_since IS NOT NULL AND deleted_at IS NULL");

STMT(file_is_owned,
     "SELECT 1 FROM attachments"
     " WHERE app_id = $1 AND id = $2 AND owner_id = $3 AND deleted_at IS NULL");

/* Who cannot see it must not learn that it exists. */
static enum err check_reader(struct req *rq, const struct stored *file)
{
    if (file->owner_id == rq->actor)
        return OK;
    for (size_t i = 0; i < file->channels.count; i++) {
        snowflake channel = *LIST_AT(&file->channels, snowflake, i);
        enum err e = guard_ask(rq, GUARD_CHANNEL, channel, PERM_READ_HISTORY);
        if (e == OK || err_status(e) >= 500)
            return e;
    }
    return ERR_UNKNOWN_ATTACHMENT;
}

enum err file_get(struct req *rq, const struct file_args *in)
{
    struct stored file;
    TRY(db_one(rq, &file_find, PARAMS(P(rq->app), P(in->attachment_id), P(CHANNELS_ASKED)),
               &stored_shape, &file, ERR_UNKNOWN_ATTACHMENT));
    TRY(check_reader(rq, &file));
    struct attachment answer = {
        .id = file.id,
        .filename = file.filename,
        .content_type = file.content_type,
        .size = file.size,
        .width = file.width,
        .height = file.height,
    };
    answer.url = attachment_url(&rq->arena, media_of(rq)->settings->secret, &answer, clock_us());
    return reply(rq, &attachment_shape, &answer);
}

enum err file_delete(struct req *rq, const struct file_args *in)
{
    const struct params mine = PARAMS(P(rq->app), P(in->attachment_id), P(rq->actor));
    int taken;
    int64_t is_mine;
    TRY(db_exec(rq, &file_take_back, mine, &taken));
    if (taken > 0)
        return OK;
    TRY(db_scalar(rq, &file_is_owned, mine, &is_mine, ERR_UNKNOWN_ATTACHMENT));
    return fail(rq, ERR_CONFLICT, "a message has it");
}

enum err file_open(struct req *rq, const struct file_open_args *in)
{
    const char *secret = media_of(rq)->settings->secret;
    const char *signature = in->sig != NULL ? in->sig : "";
    TRY(attachment_url_check(secret, in->attachment_id, in->filename, in->exp, signature,
                             clock_us()));
    struct file_opened file = {0};
    TRY(db_one(rq, &file_of_link, PARAMS(P(in->attachment_id)), &file_opened_shape, &file,
               ERR_UNKNOWN_ATTACHMENT));
    char subject[LANE_SUBJECT_SIZE];
    lane_block_subject(in->attachment_id, subject);
    file.subject = subject;
    file.is_inline = sniff_is_inline(file.content_type);
    return reply(rq, &file_opened_shape, &file);
}
