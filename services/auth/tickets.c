/* SPDX-License-Identifier: MIT */
/* Tickets: what a browser puts into the realtime connection's address, where an access token would
 * end in logs. A ticket names a session, lives for seconds and is gone with the statement that
 * redeems it, whichever copy of the service redeems. */

#include "services/auth/auth.h"
#include "shared/crypto/secret.h"

struct ticket {
    const char *ticket;
    int64_t expires_in;
};
static const struct field ticket_fields[] = {
    F_STR(ticket, ticket, TEXT("For /ws?ticket=, once.")),
    F_INT(ticket, expires_in, TEXT("Seconds.")),
};
SHAPE(ticket);

struct ticket_redeem_args {
    const char *ticket;
};
static const struct field ticket_redeem_args_fields[] = {
    F_STR(ticket_redeem_args, ticket, RANGE(1, 128), FLAGS(FIELD_SECRET)),
};
SHAPE(ticket_redeem_args);

static const struct field credential_fields[] = {
    F_ID(credential, session_id, TEXT("Of an API key: the key's id.")),
    F_ID(credential, user_id),
    F_ID(credential, app_id),
    F_BOOL(credential, is_admin),
    F_BOOL(credential, is_bot),
    F_STRS(credential, scopes),
    F_TIME(credential, expires_at, OPTIONAL, TEXT("Absent: when it is revoked.")),
};
SHAPE(credential);

STMT(ticket_insert,
     "INSERT INTO tickets (hash, session_id, expires_at)"
     " VALUES (decode($1, 'hex'), $2, now() + $3 * interval '1 second')");

STMT(ticket_take,
     "DELETE FROM tickets t USING sessions s JOIN users u ON u.id = s.user_id"
     " WHERE t.hash = decode($1, 'hex') AND t.expires_at > now()"
     "   AND s.id = t.session_id AND s.revoked_at IS NULL AND s.expires_at > now()"
     " RETURNING s.id AS session_id, u.id AS user_id, u.app_id, u.is_admin, false AS is_bot,"
     "           '[\"read\",\"write\",\"admin\"]'::json AS scopes, s.expires_at");

enum err ticket_create(struct req *rq, const struct no_args *in)
{
    (void)in;
    const struct auth *auth = rq->state;
    /* A key is no session, and a program can send its key in the first frame. */
    if (rq->from->is_bot)
        return fail(rq, ERR_MISSING_PERMISSIONS, "a ticket stands for a session");

    char text[SECRET_TEXT_SIZE];
    secret_new(SECRET_TICKET, text);
    char hash[SHA256_HEX_SIZE];
    secret_hash(text, hash);
    const struct ticket answer = {.ticket = text, .expires_in = auth->settings->ticket_s};
    TRY(db_exec(rq, &ticket_insert,
                PARAMS(P((const char *)hash), P(rq->from->session), P(auth->settings->ticket_s)),
                NULL));
    return reply(rq, &ticket_shape, &answer);
}

enum err ticket_redeem(struct req *rq, const struct ticket_redeem_args *in)
{
    if (!secret_is(SECRET_TICKET, in->ticket))
        return ERR_UNAUTHORIZED;
    char hash[SHA256_HEX_SIZE];
    secret_hash(in->ticket, hash);
    struct credential found;
    TRY(db_one(rq, &ticket_take, PARAMS(P((const char *)hash)), &credential_shape, &found,
               ERR_UNAUTHORIZED));
    return reply(rq, &credential_shape, &found);
}
