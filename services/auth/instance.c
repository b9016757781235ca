/* SPDX-License-Identifier: MIT */
/* The instance's settings that change while it runs: one row. Nothing here caches it, it is read
 * where it is needed; who reads it often keeps a copy and hears instance.update. */

#include "services/auth/auth.h"
#include "shared/base/buf.h"
#include "shared/base/version.h"
#include "shared/domain/limit.h"
#include "shared/domain/name.h"
#include "shared/wire/event.h"

struct instance {
    const char *name;
    bool registration_open;
    bool read_only;
    int64_t slow_mode;
    int64_t updated_at;
};
static const struct field instance_fields[] = {
    F_STR(instance, name),
    F_BOOL(instance, registration_open),
    F_BOOL(instance, read_only, TEXT("Nobody but administrators may post.")),
    F_INT(instance, slow_mode, TEXT("Seconds between two messages of somebody in a channel.")),
    F_TIME(instance, updated_at),
};
SHAPE(instance);

struct instance_info {
    const char *name;
    const char *version;
    bool registration_open;
    bool read_only;
    int64_t slow_mode;
    const char *limits;
};
static const struct field instance_info_fields[] = {
    F_STR(instance_info, name),
    F_STR(instance_info, version),
    F_BOOL(instance_info, registration_open),
    F_BOOL(instance_info, read_only, TEXT("Nobody but administrators may post.")),
    F_INT(instance_info, slow_mode, TEXT("Seconds between two messages of somebody in a channel.")),
    F_JSON(instance_info, limits, TEXT("Every limit by its name.")),
};
SHAPE(instance_info);

struct instance_update_args {
    uint64_t given;
    const char *name;
    bool registration_open;
    bool read_only;
    int64_t slow_mode;
};
static const struct field instance_update_args_fields[] = {
    F_STR(instance_update_args, name, RANGE(1, LIMIT_SERVER_NAME),
          FLAGS(FIELD_OPTIONAL | FIELD_ONE_LINE)),
    F_BOOL(instance_update_args, registration_open, OPTIONAL),
    F_BOOL(instance_update_args, read_only, OPTIONAL),
    F_INT(instance_update_args, slow_mode, RANGE(0, LIMIT_SLOW_MODE), OPTIONAL),
};
SHAPE_PATCH(instance_update_args);

#define INSTANCE_COLUMNS "name, registration_open, read_only, slow_mode, updated_at"

STMT(instance_row,
     "SELECT " INSTANCE_COLUMNS " FROM instance");

STMT(instance_change,
     "UPDATE instance"
     "   SET name = coalesce($1, name),"
     "       registration_open = CASE WHEN $2 THEN $3 ELSE registration_open END,"
     "       read_only = CASE WHEN $4 THEN $5 ELSE read_only END,"
     "       slow_mode = CASE WHEN $6 THEN $7 ELSE slow_mode END,"
     "       updated_at = now()"
     " RETURNING " INSTANCE_COLUMNS);

static enum err read_row(struct req *rq, struct instance *ret)
{
    return db_one(rq, &instance_row, NO_PARAMS, &instance_shape, ret, ERR_INTERNAL);
}

enum err instance_require_open(struct req *rq)
{
    struct instance now;
    TRY(read_row(rq, &now));
    return now.registration_open ? OK : ERR_REGISTRATION_CLOSED;
}

static void limits_free(void *limits)
{
    buf_done(limits);
}

/* {"username_min":2,...} */
static const char *limits_text(struct req *rq)
{
    struct buf *out = arena_new(&rq->arena, struct buf);
    arena_defer(&rq->arena, limits_free, out);
    buf_addc(out, '{');
    size_t count;
    const struct limit_row *rows = limit_rows(&count);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s\"%s\":%ld", i > 0 ? "," : "", rows[i].name, rows[i].value);
    buf_addc(out, '}');
    return buf_str(out);
}

enum err instance_get(struct req *rq, const struct no_args *in)
{
    (void)in;
    struct instance now;
    TRY(read_row(rq, &now));
    const struct instance_info info = {
        .name = now.name,
        .version = PARLEY_VERSION,
        .registration_open = now.registration_open,
        .read_only = now.read_only,
        .slow_mode = now.slow_mode,
        .limits = limits_text(rq),
    };
    return reply(rq, &instance_info_shape, &info);
}

enum err instance_settings(struct req *rq, const struct no_args *in)
{
    (void)in;
    struct instance now;
    TRY(read_row(rq, &now));
    return reply(rq, &instance_shape, &now);
}

static bool given(const struct instance_update_args *in, const char *field)
{
    return shape_given(&instance_update_args_shape, in, field);
}

enum err instance_update(struct req *rq, const struct instance_update_args *in)
{
    const char *wrong = in->name == NULL ? NULL : name_check_title(in->name, 1, LIMIT_SERVER_NAME);
    if (wrong != NULL)
        return fail_field(rq, "name", wrong);
    struct instance now;
    TRY(db_one(rq, &instance_change,
               PARAMS(P(in->name), P(given(in, "registration_open")), P(in->registration_open),
                      P(given(in, "read_only")), P(in->read_only), P(given(in, "slow_mode")),
                      P(in->slow_mode)),
               &instance_shape, &now, ERR_INTERNAL));
    emit(rq, EV_INSTANCE_UPDATE, (struct event_to){0}, &instance_shape, &now);
    return reply(rq, &instance_shape, &now);
}
