/* SPDX-License-Identifier: MIT */
#include "gateway/feed.h"

#include <string.h>

#include "tests/test.h"
#include "tests/unit/gateway/realtime.h"

/* The model's users have had one event. */
static void tell(struct world *w, int64_t seq, const char *body)
{
    world_event(w, "evt.v1.1.u.1001.read.update", seq, body);
}

static bool begin_with(struct world *w, struct client *c)
{
    return world_prepare(w) && world_begin(w) && client_identify(c, w, W_USER, 1);
}

static bool next_has(struct client *c, const char *text)
{
    const char *frame = client_next(c, 2000);
    return frame != NULL && strstr(frame, text) != NULL;
}

TEST(what_a_user_alone_is_told_comes_in_order_and_once)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    tell(&w, 3, "{\"n\":\"third\"}");
    tell(&w, 2, "{\"n\":\"second\"}");
    CHECK(next_has(&c, "second"));
    CHECK(next_has(&c, "third"));
    tell(&w, 1, "{\"n\":\"in the state\"}");
    tell(&w, 2, "{\"n\":\"again\"}");
    tell(&w, 0, "{\"n\":\"without a number\"}");
    CHECK(next_has(&c, "without"));
    client_close(&c);
    world_end(&w);
}

TEST(a_user_who_missed_something_of_their_own_begins_anew)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    tell(&w, 3, "{\"n\":\"after a lost one\"}");
    CHECK(client_is_quiet(&c, 2000));
    CHECK(client_await(&c, "invalid_session") != NULL);
    client_send(&c, "{\"op\":\"identify\",\"d\":{\"token\":\"%s\"}}", world_token(&w, W_USER, 1));
    CHECK(client_await(&c, "\"ready\"") != NULL);
    tell(&w, 4, "{\"n\":\"fourth\"}");
    CHECK(next_has(&c, "fourth"));
    client_close(&c);
    world_end(&w);
}

TEST(what_a_user_missed_while_the_bus_was_away_is_noticed)
{
    struct world w;
    struct client c;
    if (!begin_with(&w, &c))
        return;
    nats_server_halt(&w.nats);
    pthread_mutex_lock(&w.model.lock);
    w.model.user_seq++;
    pthread_mutex_unlock(&w.model.lock);
    CHECK(nats_server_resume(&w.nats));
    CHECK(client_is_quiet(&c, 3000));
    CHECK(client_await(&c, "invalid_session") != NULL);
    client_close(&c);
    world_end(&w);
}
