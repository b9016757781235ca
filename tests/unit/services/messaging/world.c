/* SPDX-License-Identifier: MIT */
/* People and places for messaging's tests. */

#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>
#include <pthread.h>

enum { THREADS_MAX = 64 };

static const struct messaging_settings settings = {.media_secret = "a secret for tests",
                                                   .tombstone_days = 30};
static struct messaging *state;

static void close_world(void)
{
    messaging_free(state);
}

struct messaging *world_state(void)
{
    if (state == NULL) {
        state = messaging_new(&settings);
        atomic_store(&state->is_instance_known, true);
        atexit(close_world);
    }
    return state;
}

bool world_open(void)
{
    return kit_use(&messaging_service, world_state());
}

snowflake person(const char *name)
{
    snowflake id = snowflake_next();
    kit_sql("INSERT INTO users (id, app_id, username, rev) VALUES (%" PRIu64 ", %" PRIu64
            ", '%s', 1)",
            id, kit_caller()->app, name);
    return id;
}

const char *in_server(snowflake server)
{
    return kit_f("{\"server_id\":\"%" PRIu64 "\"}", server);
}

const char *in_channel(snowflake channel)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\"}", channel);
}

const char *of_member(snowflake server, snowflake user)
{
    return kit_f("{\"server_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64 "\"}", server, user);
}

const char *of_message(snowflake channel, snowflake message)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\",\"message_id\":\"%" PRIu64 "\"}", channel,
                 message);
}

static snowflake id_of(const char *sql_id)
{
    snowflake id = 0;
    return snowflake_parse(sql_id, &id) ? id : 0;
}

struct place place_new(void)
{
    struct place p = {.owner = person("owner")};
    CHECK_INT(kit_call(p.owner, "messaging.server.create", NULL,
                       "{\"name\":\"A place\",\"is_public\":true}"),
              OK);
    if (kit_status() != 201)
        printf("    %s\n", kit_detail());
    p.server = kit_get_id("id");
    p.channel = id_of(kit_sql(
        "SELECT id FROM channels WHERE server_id = %" PRIu64 " AND name = 'general'", p.server));
    p.moderator_role = id_of(kit_sql(
        "SELECT id FROM roles WHERE server_id = %" PRIu64 " AND name = 'moderator'", p.server));
    p.admin_role = id_of(
        kit_sql("SELECT id FROM roles WHERE server_id = %" PRIu64 " AND name = 'admin'", p.server));
    return p;
}

void join(const struct place *p, snowflake user)
{
    CHECK_INT(kit_call(user, "messaging.member.join", in_server(p->server), NULL), OK);
}

snowflake member_of(const struct place *p)
{
    snowflake user = person("member");
    join(p, user);
    return user;
}

snowflake say(snowflake user, snowflake channel, const char *text)
{
    enum err e = kit_call(user, "messaging.message.create", in_channel(channel),
                          kit_f("{\"content\":\"%s\"}", text));
    return e == OK ? kit_get_id("id") : 0;
}

struct runner {
    pthread_t thread;
    int number;
    void (*fn)(int number, void *arg);
    void *arg;
    pthread_barrier_t *start;
};

static void *run(void *arg)
{
    struct runner *r = arg;
    pthread_barrier_wait(r->start);
    r->fn(r->number, r->arg);
    return NULL;
}

void at_once(int n, void (*fn)(int number, void *arg), void *arg)
{
    struct runner runners[THREADS_MAX];
    pthread_barrier_t start;
    if (!CHECK(n <= THREADS_MAX))
        return;
    pthread_barrier_init(&start, NULL, (unsigned)n);
    for (int i = 0; i < n; i++) {
        runners[i] = (struct runner){.number = i, .fn = fn, .arg = arg, .start = &start};
        pthread_create(&runners[i].thread, NULL, run, &runners[i]);
    }
    for (int i = 0; i < n; i++)
        pthread_join(runners[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

snowflake channel_of(const struct place *p, const char *body)
{
    enum err e = kit_call(p->owner, "messaging.channel.create", in_server(p->server), body);
    return e == OK ? kit_get_id("id") : 0;
}

snowflake private_channel(const struct place *p)
{
    return channel_of(p, kit_f("{\"name\":\"staff\",\"overwrites\":[{\"id\":\"%" PRIu64
                               "\",\"type\":\"role\",\"deny\":\"1024\"}]}",
                               p->server));
}
