/* SPDX-License-Identifier: MIT */
/* What gateways ask for: the state a session begins with, and what decides who sees what. */

#include "services/messaging/messaging.h"
#include "shared/store/db.h"

struct server_ref {
    snowflake id;
    int64_t seq;
};
static const struct field server_ref_fields[] = {
    F_ID(server_ref, id),
    F_INT(server_ref, seq),
};
SHAPE(server_ref);

struct server_view {
    snowflake id, app, owner_id;
    int64_t seq;
    struct list roles, channels;
};
static const struct field server_view_fields[] = {
    F_ID(server_view, id),
    F_ID(server_view, app),
    F_ID(server_view, owner_id),
    F_INT(server_view, seq),
    F_LIST(server_view, roles, role),
    F_LIST(server_view, channels, channel, TEXT("All of them.")),
};
SHAPE(server_view);

enum { NUMBERS_MAX = 1000 };

struct user_numbers_args {
    struct list user_ids;
};
static const struct field user_numbers_args_fields[] = {
    F_IDS(user_numbers_args, user_ids, RANGE(0, NUMBERS_MAX)),
};
SHAPE(user_numbers_args);

struct user_seq {
    snowflake id;
    int64_t seq;
};
static const struct field user_seq_fields[] = {
    F_ID(user_seq, id),
    F_INT(user_seq, seq),
};
SHAPE(user_seq);

STMT(user_number, "SELECT seq FROM users WHERE id = $1 AND app_id = $2");

STMT(users_numbered, "SELECT id, seq FROM users WHERE id = ANY ($1)");
STMT(servers_referred,
     "SELECT s.id, s.seq FROM members m JOIN servers s ON s.id = m.server_id"
     " WHERE m.user_id = $1 AND m.app_id = $2 AND s.deleted_at IS NULL ORDER BY s.id");

STMT(server_viewed,
     "SELECT id, app_id AS app, owner_id, seq FROM servers WHERE id = $1 AND deleted_at IS NULL");

enum err session_ready(struct req *rq, const struct no_args *in UNUSED)
{
    TRY(user_require(rq));
    struct ready r = {0};
    TRY(db_scalar(rq, &user_number, PARAMS(P(rq->actor), P(rq->app)), &r.user_seq,
                  ERR_UNKNOWN_USER));
    TRY(state_of_user(rq, rq->actor, 0, &r.servers));
    TRY(reads_of_joined(rq, &r.servers, &r.read_states));
    return reply(rq, &ready_shape, &r);
}

enum err member_servers(struct req *rq, const struct no_args *in UNUSED)
{
    struct list servers;
    TRY(db_many(rq, &servers_referred, PARAMS(P(rq->actor), P(rq->app)), &server_ref_shape,
                &servers));
    return reply_list(rq, &server_ref_shape, &servers);
}

enum err server_view_get(struct req *rq, const struct server_args *in)
{
    struct server_view v = {0};
    TRY(db_one(rq, &server_viewed, PARAMS(P(in->server_id)), &server_view_shape, &v,
               ERR_UNKNOWN_SERVER));
    TRY(state_of_server(rq, v.id, &v.roles, &v.channels));
    return reply(rq, &server_view_shape, &v);
}

enum err user_numbers(struct req *rq, const struct user_numbers_args *in)
{
    const struct list *ids = &in->user_ids;
    struct list numbers;
    TRY(db_many(rq, &users_numbered, PARAMS(P_IDS((const snowflake *)ids->items, ids->count)),
                &user_seq_shape, &numbers));
    return reply_list(rq, &user_seq_shape, &numbers);
}
