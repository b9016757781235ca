/* SPDX-License-Identifier: MIT */
/* Against a real PostgreSQL (auth's own outbox) and a real JetStream. */

#include "shared/store/outbox.h"

#include <stdatomic.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/conf.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"
#include "tests/test.h"
#include "tests/unit/shared/store/world.h"

STMT(t_outbox_rows, "SELECT count(*) FROM outbox");
STMT(t_outbox_clear, "DELETE FROM outbox"); /* what auth's own tests left */

struct outbox_settings {
    const char *database_url;
};
static const struct conf_key outbox_keys[] = {
    {"DATABASE_URL_AUTH", CONF(outbox_settings, database_url, STR), NULL, CONF_REQUIRED, "", 0, 0},
};

struct note {
    snowflake user_id;
};
static const struct field note_fields[] = {
    F_ID(note, user_id),
};
static SHAPE(note);

struct stage {
    struct db_settings db;
    struct bus *bus;
    struct bus_sub *sub;
    struct outbox *outbox;
    struct req rq;
    atomic_int heard;
    snowflake user; /* whose events this test counts */
};

static void hear(void *arg, natsMsg *msg)
{
    struct stage *s = arg;
    (void)msg;
    atomic_fetch_add(&s->heard, 1);
    natsMsg_Destroy(msg);
}

static bool stage_open(struct stage *s, snowflake user)
{
    static struct outbox_settings settings;
    char subject[64];
    *s = (struct stage){.user = user};
    if (!CHECK(conf_load(outbox_keys, ARRAY_LEN(outbox_keys), &settings)))
        return false;
    snowflake_set_worker(7);
    s->db = (struct db_settings){.url = settings.database_url, .name = "unit"};
    s->rq.db = db_new(&s->db);
    struct bus_settings bus = {.url = world_settings()->nats_url, .name = "operator"};
    snprintf(subject, sizeof(subject), "evt.v1.*.u.%llu.account.update", (unsigned long long)user);
    return CHECK_INT(bus_open(&bus, &s->bus), OK) && CHECK_INT(bus_ping(s->bus, 3000), OK) &&
           CHECK_INT(db_exec(&s->rq, &t_outbox_clear, NO_PARAMS, NULL), OK) &&
           CHECK_INT(bus_stream_ensure(s->bus, (struct bus_stream){0}), OK) &&
           CHECK_INT(bus_hear(s->bus, subject, NULL, hear, s, &s->sub), OK) &&
           CHECK_INT(bus_flush(s->bus, 3000), OK);
}

static void stage_close(struct stage *s)
{
    outbox_stop(s->outbox);
    bus_drain(s->sub, 1000);
    bus_close(s->bus);
    db_free(s->rq.db);
    arena_release(&s->rq.arena);
    snowflake_clear_worker();
}

static int64_t rows(struct stage *s)
{
    int64_t n = -1;
    CHECK_INT(db_scalar(&s->rq, &t_outbox_rows, NO_PARAMS, &n, ERR_INTERNAL), OK);
    return n;
}

static bool wait_settled(struct stage *s, int heard)
{
    struct stopper patience;
    stopper_init(&patience);
    int64_t until_us = mono_us() + 10000000;
    while ((atomic_load(&s->heard) < heard || rows(s) > 0) && mono_us() < until_us)
        (void)stopper_wait(&patience, 20);
    stopper_done(&patience);
    return atomic_load(&s->heard) >= heard && rows(s) == 0;
}

static int64_t commit_event(struct stage *s)
{
    struct note note = {.user_id = s->user};
    int64_t row = 0;
    s->rq.events = NULL;
    db_begin(&s->rq);
    emit(&s->rq, EV_ACCOUNT_UPDATE, (struct event_to){.user = s->user}, &note_shape, &note);
    CHECK_INT(outbox_write(&s->rq, &row), OK);
    CHECK_INT(db_commit(&s->rq), OK);
    CHECK(row != 0);
    return row;
}

TEST(a_published_event_leaves_the_outbox_once_jetstream_has_it)
{
    struct stage s;
    if (!stage_open(&s, 901))
        return;
    CHECK_INT(outbox_start(&s.db, s.bus, "auth", &s.outbox), OK);
    for (int i = 0; i < 20; i++)
        outbox_publish(s.outbox, &s.rq, commit_event(&s));
    CHECK(wait_settled(&s, 20));
    CHECK_INT(outbox_pending(s.outbox), 0);
    stage_close(&s);
}

TEST(what_a_crash_left_in_the_outbox_is_published_by_the_relay)
{
    struct stage s;
    if (!stage_open(&s, 902))
        return;
    (void)commit_event(&s);
    (void)commit_event(&s);
    CHECK_INT(rows(&s), 2);
    CHECK_INT(outbox_start(&s.db, s.bus, "auth", &s.outbox), OK);
    CHECK(wait_settled(&s, 2));
    CHECK_INT(atomic_load(&s.heard), 2);
    stage_close(&s);
}

TEST(a_rolled_back_transaction_leaves_no_event)
{
    struct stage s;
    struct note note = {.user_id = 903};
    int64_t row = 0;
    if (!stage_open(&s, 903))
        return;
    db_begin(&s.rq);
    emit(&s.rq, EV_ACCOUNT_UPDATE, (struct event_to){.user = 903}, &note_shape, &note);
    CHECK_INT(outbox_write(&s.rq, &row), OK);
    db_rollback(&s.rq);
    CHECK_INT(rows(&s), 0);
    stage_close(&s);
}
