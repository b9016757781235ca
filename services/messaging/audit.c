/* SPDX-License-Identifier: MIT */
/* The note of one act. Differences are found by shape: a field added to an entity is audited from
 * that day on. */

#include "services/messaging/audit.h"

#include "shared/base/clock.h"
#include "shared/base/macros.h"
#include "shared/wire/event.h"
#include "shared/wire/json.h"

#include <string.h>

struct audit_note {
    snowflake server_id, channel_id, actor_id, target_id;
    const char *action, *reason, *changes;
    int64_t at;
};
static const struct field audit_note_fields[] = {
    F_ID(audit_note, server_id),
    F_ID(audit_note, channel_id, NULLABLE, TEXT("Where it happened; null: in the server itself.")),
    F_ID(audit_note, actor_id),
    F_ID(audit_note, target_id, NULLABLE, TEXT("Of the user, channel, role or message.")),
    F_STR(audit_note, action),
    F_STR(audit_note, reason, NULLABLE),
    F_JSON(audit_note, changes, TEXT("[{key, old, new}] of what differs.")),
    F_TIME(audit_note, at),
};
SHAPE(audit_note);

/* Names the note itself has, and what follows from acts without being one. Overwrites are acts of
 * their own. */
static const char *const unaudited[] = {
    "id",         "server_id", "channel_id",   "user_id", "actor_id",        "reason",
    "rev",        "seq",       "member_count", "uses",    "last_message_id", "created_at",
    "deleted_at", "joined_at", "url",          "user",    "overwrites",
};

static bool is_audited(const struct field *f)
{
    for (size_t i = 0; i < ARRAY_LEN(unaudited); i++)
        if (strcmp(f->name, unaudited[i]) == 0)
            return false;
    return true;
}

/* One field's value as JSON: what stands between {"name": and }. */
static const char *value_of(struct arena *a, const struct field *f, const struct shape *sh,
                            const void *obj)
{
    if (obj == NULL)
        return "null";
    const struct shape one = {sh->name, f, 1, sh->size, SIZE_MAX};
    auto_buf struct buf out = {0};
    shape_encode(&one, obj, &out);
    size_t head = strlen(f->name) + strlen("{\"\":");
    return out.len <= head ? "null" : arena_strndup(a, buf_str(&out) + head, out.len - head - 1);
}

static const char *changes_of(struct arena *arena, const struct audit *a)
{
    auto_buf struct buf out = {0};
    const char *before = "[";
    size_t count = a->shape != NULL ? a->shape->count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct field *f = &a->shape->fields[i];
        if (!is_audited(f))
            continue;
        const char *old = value_of(arena, f, a->shape, a->before);
        const char *new = value_of(arena, f, a->shape, a->after);
        if (strcmp(old, new) == 0)
            continue;
        buf_printf(&out, "%s{\"key\":\"%s\",\"old\":%s,\"new\":%s}", before, f->name, old, new);
        before = ",";
    }
    buf_adds(&out, out.len == 0 ? "[]" : "]");
    return arena_strndup(arena, buf_str(&out), out.len);
}

void audit(struct req *rq, const struct audit *a)
{
    const char *changes = changes_of(&rq->arena, a);
    bool is_change = a->before != NULL && a->after != NULL;
    if (is_change && strcmp(changes, "[]") == 0)
        return;
    const struct audit_note note = {
        .server_id = a->server_id,
        .channel_id = a->channel_id,
        .actor_id = rq->actor,
        .target_id = a->target_id,
        .action = a->action,
        .reason = a->reason,
        .changes = changes,
        .at = clock_us(),
    };
    emit(rq, EV_AUDIT_CREATE, (struct event_to){.user = a->server_id}, &audit_note_shape, &note);
}
