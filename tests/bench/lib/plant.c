/* SPDX-License-Identifier: MIT */
/* Ids of one plant lie within one millisecond of now, which no service uses any more; those of its
 * messages grow by a millisecond each from a year ago. */

#include "tests/bench/lib/plant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/arena.h"
#include "shared/base/clock.h"
#include "shared/crypto/token.h"
#include "shared/domain/role.h"
#include "tests/bench/lib/database.h"

#define YEAR_US (INT64_C(365) * 24 * 3600 * 1000000)
#define HOUR_US (INT64_C(3600) * 1000000)

enum { SERVERS_AT = 1 << 18, CHANNELS_AT = 2 << 18, SESSIONS_AT = 3 << 18 };

#define N(x) ((unsigned long long)(x))

static void plant_users(const struct plant *p, PGconn *conn)
{
    const int last = p->plan.users - 1;
    database_do(conn,
                "INSERT INTO auth.users (id, app_id, username, email, password_hash)"
                " SELECT %llu + n, 1, 'p%llx-' || n, 'p%llx-' || n || '@bench.localhost', '!'"
                "   FROM generate_series(0, %d) AS n",
                N(p->users), N(p->users), N(p->users), last);
    database_do(conn,
                "INSERT INTO users (id, app_id, username, rev)"
                " SELECT id, app_id, username, 1 FROM auth.users WHERE id BETWEEN %llu AND %llu",
                N(p->users), N(p->users) + N(last));
}

static void plant_servers(const struct plant *p, PGconn *conn)
{
    const struct plan *plan = &p->plan;
    database_do(conn,
                "INSERT INTO servers (id, app_id, owner_id, name, member_count, seq)"
                " SELECT %llu + n, 1, %llu, 'planted ' || n, %d, 1"
                "   FROM generate_series(0, %d) AS n",
                N(p->servers), N(p->users), plan->users * plan->servers_each / plan->servers,
                plan->servers - 1);
    database_do(conn,
                "INSERT INTO roles (id, server_id, name, permissions, position, rev)"
                " SELECT %llu + n, %llu + n, 'everyone', %llu, 0, 1"
                "   FROM generate_series(0, %d) AS n",
                N(p->servers), N(p->servers), N(role_preset_permissions(PRESET_MEMBER)),
                plan->servers - 1);
    database_do(conn,
                "INSERT INTO members (server_id, user_id, app_id, rev)"
                " SELECT %llu + (u * %d + k) %% %d, %llu + u, 1, 1"
                "   FROM generate_series(0, %d) AS u, generate_series(0, %d) AS k",
                N(p->servers), plan->servers_each, plan->servers, N(p->users), plan->users - 1,
                plan->servers_each - 1);
}

static void plant_channels(const struct plant *p, PGconn *conn)
{
    const struct plan *plan = &p->plan;
    const int last = plan->servers * plan->channels - 1;
    database_do(conn,
                "INSERT INTO channels (id, server_id, type, name, position, seq, rev)"
                " SELECT %llu + n, %llu + n / %d, 'text', 'channel-' || n %% %d, n %% %d, %d, 1"
                "   FROM generate_series(0, %d) AS n",
                N(p->channels), N(p->servers), plan->channels, plan->channels, plan->channels,
                plan->messages, last);
    database_do(conn,
                "INSERT INTO read_states (user_id, channel_id, last_read_seq)"
                " SELECT m.user_id, c.id, c.seq FROM members m JOIN channels c USING (server_id)"
                "  WHERE m.server_id BETWEEN %llu AND %llu",
                N(p->servers), N(p->servers) + N(plan->servers) - 1);
}

static void plant_messages(const struct plant *p, PGconn *conn)
{
    const struct plan *plan = &p->plan;
    database_do(conn,
                "INSERT INTO messages (channel_id, id, author_id, seq, rev, content)"
                " SELECT %llu + c, %llu + n * 4194304 + c, %llu + (c + n) %% %d, n, n,"
                "        repeat('What was said, ', (n %% 12 + 1)::int)"
                "   FROM generate_series(0, %d) AS c, generate_series(1::bigint, %d) AS n",
                N(p->channels), N(snowflake_at(clock_us() - YEAR_US)), N(p->users), plan->users,
                plan->servers * plan->channels - 1, plan->messages);
    database_do(conn,
                "UPDATE channels c SET last_message_id ="
                " (SELECT max(m.id) FROM messages m WHERE m.channel_id = c.id)"
                " WHERE c.id BETWEEN %llu AND %llu AND c.seq > 0",
                N(p->channels), N(p->channels) + N(plan->servers * plan->channels) - 1);
}

/* Signed with auth's own key: to everybody else these are users who signed in. */
static void plant_tokens(struct plant *p, PGconn *conn)
{
    auto_arena struct arena a = {0};
    PGresult *res = database_query(
        conn, "SELECT private_pem FROM auth.signing_keys ORDER BY created_at DESC LIMIT 1");
    struct token_signer *signer = token_signer_new(PQgetvalue(res, 0, 0), "parley", "parley");
    PQclear(res);
    p->tokens = calloc((size_t)p->plan.users, sizeof(p->tokens[0]));
    for (int i = 0; i < p->plan.users; i++) {
        const struct token_claims claims = {
            .user_id = p->users + (snowflake)i,
            .session_id = p->users + SESSIONS_AT + (snowflake)i,
            .app_id = 1,
            .issued_us = clock_us(),
            .expires_us = clock_us() + HOUR_US,
        };
        const char *token;
        if (signer == NULL || token_issue(signer, &claims, &a, &token) != OK) {
            fprintf(stderr, "no token can be signed\n");
            exit(2);
        }
        p->tokens[i] = strdup(token);
        arena_reset(&a);
    }
    token_signer_free(signer);
}

void plant_make(struct plant *p, PGconn *conn, struct plan plan)
{
    *p = (struct plant){.plan = plan, .users = snowflake_at(clock_us())};
    p->servers = p->users + SERVERS_AT;
    p->channels = p->users + CHANNELS_AT;
    plant_users(p, conn);
    plant_servers(p, conn);
    plant_channels(p, conn);
    if (plan.messages > 0)
        plant_messages(p, conn);
    plant_tokens(p, conn);
    database_do(conn, "ANALYZE users, servers, members, roles, channels, read_states, messages");
}

int plant_server(const struct plant *p, int user, int k)
{
    return (user * p->plan.servers_each + k) % p->plan.servers;
}

snowflake plant_channel(const struct plant *p, int server, int channel)
{
    return p->channels + (snowflake)(server * p->plan.channels + channel);
}
