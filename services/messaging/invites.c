/* SPDX-License-Identifier: MIT */
/* Invites. A use is taken under the server's lock in the transaction that lets the member in, so an
 * invite for five lets in five, however many come at once. */

#include "services/messaging/audit.h"
#include "services/messaging/messaging.h"
#include "shared/base/clock.h"
#include "shared/base/rand.h"
#include "shared/domain/limit.h"
#include "shared/store/db.h"

enum { CODE_LENGTH = 8, CODE_TRIES = 3, SECOND_US = 1000000 };

struct invite_create_args {
    snowflake server_id;
    snowflake channel_id;
    int64_t max_uses;
    int64_t max_age;
};
static const struct field invite_create_args_fields[] = {
    F_ID(invite_create_args, server_id),
    F_ID(invite_create_args, channel_id, OPT_NULL, TEXT("Where who follows it should arrive.")),
    F_INT(invite_create_args, max_uses, OPTIONAL, RANGE(0, LIMIT_INVITE_USES), TEXT("0: any.")),
    F_INT(invite_create_args, max_age, OPTIONAL, RANGE(0, LIMIT_INVITE_AGE),
          TEXT("Seconds; 0: for ever.")),
};
SHAPE(invite_create_args);

struct invite_args {
    const char *code;
};
static const struct field invite_args_fields[] = {
    F_STR(invite_args, code, RANGE(1, LIMIT_NONCE)),
};
SHAPE(invite_args);

#define INVITE_COLUMNS                                                                          \
    "i.code, '/invite/' || i.code AS url, i.server_id, i.channel_id, i.inviter_id, i.max_uses," \
    " i.uses, i.max_age, i.created_at, i.expires_at"

#define INVITE_IS_OPEN \
    "(i.max_uses = 0 OR i.uses < i.max_uses) AND (i.expires_at IS NULL OR i.expires_at > now())"

STMT(invite_count,
     "SELECT count(*) FROM invites i WHERE i.server_id = $1 AND " INVITE_IS_OPEN);

STMT(invite_insert,
     "INSERT INTO invites AS i (code, server_id, channel_id, inviter_id, max_uses, max_age,"
     "                          expires_at)"
     " SELECT $1, $2, $3, $4, $5, $6::bigint,"
     "        CASE WHEN $6 > 0 THEN now() + make_interval(secs => $6::bigint) END"
     "     ON CONFLICT DO NOTHING"
     " RETURNING " INVITE_COLUMNS);

STMT(invite_one,
     "SELECT " INVITE_COLUMNS " FROM invites i"
     "  JOIN servers s ON s.id = i.server_id AND s.app_id = $2 AND s.deleted_at IS NULL"
     " WHERE i.code = $1");

STMT(invite_previewed,
     "SELECT i.code, i.expires_at, " USER_COLUMNS("inviter", "u") ", s.id AS \"server.id\","
     "       s.name AS \"server.name\", s.description AS \"server.description\","
     "       s.member_count AS \"server.member_count\""
     "  FROM invites i JOIN users u ON u.id = i.inviter_id"
     "  JOIN servers s ON s.id = i.server_id AND s.app_id = $2 AND s.deleted_at IS NULL"
     " WHERE i.code = $1 AND " INVITE_IS_OPEN);

STMT(invites_of_server,
     "SELECT " INVITE_COLUMNS " FROM invites i WHERE i.server_id = $1 AND " INVITE_IS_OPEN
     " ORDER BY i.created_at DESC LIMIT $2");

STMT(invite_use,
     "UPDATE invites AS i SET uses = uses + 1"
     " WHERE i.code = $1 AND i.server_id = $2 AND " INVITE_IS_OPEN
     " RETURNING " INVITE_COLUMNS);

STMT(invite_remove, "DELETE FROM invites WHERE code = $1");

static const char *code_new(struct arena *a)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    enum { BASE = sizeof(letters) - 1 };
    char *code = arena_alloc(a, CODE_LENGTH + 1);
    /* 62^8 in 64 bits: what is left of the modulus is one part in 10^5. */
    uint64_t random = rand_u64();
    for (int i = 0; i < CODE_LENGTH; i++, random /= BASE)
        code[i] = letters[random % BASE];
    return code;
}

static void tell_gone(struct req *rq, const char *code, snowflake server_id)
{
    struct invite_gone gone = {code, server_id};
    emit(rq, EV_INVITE_DELETE, (struct event_to){.server = server_id}, &invite_gone_shape, &gone);
}

/* One of the two is NULL when the invite is new or gone. */
static void invite_audit(struct req *rq, const char *action, const struct invite *before,
                         const struct invite *after)
{
    audit(rq, &(struct audit){.action = action,
                              .server_id = (after != NULL ? after : before)->server_id,
                              .shape = &invite_shape,
                              .before = before,
                              .after = after});
}

static enum err invite_put(struct req *rq, const struct invite_create_args *in, struct invite *ret)
{
    enum err e = ERR_CONFLICT;
    for (int i = 0; i < CODE_TRIES && e == ERR_CONFLICT; i++)
        e = db_one(rq, &invite_insert,
                   PARAMS(P(code_new(&rq->arena)), P(in->server_id), P_OPT(in->channel_id),
                          P(rq->actor), P(in->max_uses), P(in->max_age)),
                   &invite_shape, ret, ERR_CONFLICT);
    return e;
}

enum err invite_create(struct req *rq, const struct invite_create_args *in)
{
    struct server s = {0};
    TRY(server_lock(rq, in->server_id, &s));
    int64_t count;
    TRY(db_scalar(rq, &invite_count, PARAMS(P(s.id)), &count, ERR_INTERNAL));
    if (count >= LIMIT_INVITES)
        return ERR_MAX_INVITES;
    if (in->channel_id != 0) {
        struct rights there;
        TRY(rights_here(rq, in->channel_id, &there));
        if (there.server_id != s.id)
            return ERR_UNKNOWN_CHANNEL;
    }
    struct invite made = {0};
    TRY(invite_put(rq, in, &made));
    emit(rq, EV_INVITE_CREATE, (struct event_to){.server = s.id}, &invite_shape, &made);
    invite_audit(rq, "invite.create", NULL, &made);
    return reply(rq, &invite_shape, &made);
}

enum err invite_list(struct req *rq, const struct server_args *in)
{
    struct list invites;
    TRY(db_many(rq, &invites_of_server, PARAMS(P(in->server_id), P(LIMIT_INVITES)), &invite_shape,
                &invites));
    return reply_list(rq, &invite_shape, &invites);
}

static enum err invite_find(struct req *rq, const char *code, struct invite *ret)
{
    return db_one(rq, &invite_one, PARAMS(P(code), P(rq->app)), &invite_shape, ret,
                  ERR_UNKNOWN_INVITE);
}

enum err invite_get(struct req *rq, const struct invite_args *in)
{
    struct invite i = {0};
    TRY(invite_find(rq, in->code, &i));
    struct invite_preview preview = {0};
    TRY(db_one(rq, &invite_previewed, PARAMS(P(in->code), P(rq->app)), &invite_preview_shape,
               &preview, ERR_INVITE_EXPIRED));
    return reply(rq, &invite_preview_shape, &preview);
}

enum err invite_spend(struct req *rq, const char *code, const struct server *s)
{
    struct invite i = {0};
    TRY(invite_find(rq, code, &i));
    if (i.server_id != s->id)
        return ERR_UNKNOWN_INVITE;
    TRY(db_one(rq, &invite_use, PARAMS(P(code), P(s->id)), &invite_shape, &i, ERR_INVITE_EXPIRED));
    if (i.max_uses != 0 && i.uses == i.max_uses)
        tell_gone(rq, i.code, s->id);
    return OK;
}

enum err invite_accept(struct req *rq, const struct invite_args *in)
{
    struct invite i = {0};
    TRY(invite_find(rq, in->code, &i));
    return server_enter(rq, i.server_id, in->code);
}

enum err invite_delete(struct req *rq, const struct invite_args *in)
{
    struct invite i = {0};
    TRY(invite_find(rq, in->code, &i));
    struct rights actor;
    enum err e = rights_in_server(rq, rq->actor, i.server_id, &actor);
    if (e == ERR_UNKNOWN_SERVER)
        return ERR_UNKNOWN_INVITE;
    TRY(e);
    if (i.inviter_id != rq->actor)
        TRY(rights_include(&actor, PERM_MANAGE_SERVER));
    int removed;
    TRY(db_exec(rq, &invite_remove, PARAMS(P(i.code)), &removed));
    if (removed == 0)
        return ERR_UNKNOWN_INVITE;
    tell_gone(rq, i.code, i.server_id);
    invite_audit(rq, "invite.delete", &i, NULL);
    return OK;
}
