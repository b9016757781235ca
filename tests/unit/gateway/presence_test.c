/* SPDX-License-Identifier: MIT */
#include "gateway/presence.h"

#include <pthread.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "tests/test.h"
#include "tests/unit/gateway/realtime.h"

enum { SOON_MS = 3000, QUIET_MS = 600 };

/* What presence was told, line by line: "beat" or "close", and the body. */
struct ear {
    pthread_mutex_t lock;
    struct buf told;
    struct bus_sub *sub;
};

static void on_told(void *arg, natsMsg *msg)
{
    struct ear *ear = arg;
    const char *subject = natsMsg_GetSubject(msg);
    pthread_mutex_lock(&ear->lock);
    buf_printf(&ear->told, "%s %.*s\n", strrchr(subject, '.') + 1, natsMsg_GetDataLength(msg),
               natsMsg_GetData(msg));
    pthread_mutex_unlock(&ear->lock);
    natsMsg_Destroy(msg);
}

static bool begin(struct world *w, struct ear *ear, struct client *c)
{
    *ear = (struct ear){.lock = PTHREAD_MUTEX_INITIALIZER};
    return world_begin(w) &&
           CHECK(bus_hear(w->fake, "rpc.presence.session.*", NULL, on_told, ear, &ear->sub) ==
                 OK) &&
           CHECK(bus_flush(w->fake, SOON_MS) == OK) && client_identify(c, w, W_USER, 1);
}

static void end(struct world *w, struct ear *ear)
{
    bus_unhear(ear->sub);
    world_end(w);
    buf_done(&ear->told);
}

/* Where the line about this session begins; NULL when nothing of the kind was told. */
static const char *find(struct ear *ear, const char *verb, const char *session)
{
    for (const char *line = buf_str(&ear->told); *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *id = strstr(line, session);
        if (strncmp(line, verb, strlen(verb)) == 0 && id != NULL && id < strchr(line, '\n'))
            return line;
    }
    return NULL;
}

static const char *told(struct ear *ear, const char *verb, const char *session, int within_ms)
{
    const int64_t until_us = mono_us() + within_ms * INT64_C(1000);
    const char *line = NULL;
    struct stopper patience;
    stopper_init(&patience);
    do {
        (void)stopper_wait(&patience, 10);
        pthread_mutex_lock(&ear->lock);
        line = find(ear, verb, session);
        pthread_mutex_unlock(&ear->lock);
    } while (line == NULL && mono_us() < until_us);
    stopper_done(&patience);
    return line;
}

static bool resumes(struct client *again, struct world *w, const struct client *lost)
{
    CHECK(client_open(again, w, "/ws?loop=0", NULL));
    client_send(again,
                "{\"op\":\"resume\",\"d\":{\"token\":\"%s\",\"session_id\":\"%s\",\"received\":0}}",
                world_token(w, W_USER, 1), lost->session_id);
    return CHECK(client_await(again, "\"resumed\"") != NULL);
}

TEST(a_session_whose_socket_is_lost_is_there_until_it_can_no_longer_be_resumed)
{
    struct world w;
    struct ear ear;
    struct client c;
    if (!world_prepare(&w))
        return;
    w.settings.resume_window_s = 2;
    if (!begin(&w, &ear, &c))
        return;
    CHECK(told(&ear, "beat", c.session_id, SOON_MS) != NULL);
    client_cut(&c);
    CHECK(told(&ear, "close", c.session_id, 2 * QUIET_MS) == NULL);
    CHECK(told(&ear, "close", c.session_id, SOON_MS) != NULL);
    end(&w, &ear);
}

TEST(who_resumes_was_never_away_and_who_says_goodbye_is)
{
    struct world w;
    struct ear ear;
    struct client c;
    struct client again;
    if (!world_prepare(&w) || !begin(&w, &ear, &c))
        return;
    CHECK(told(&ear, "beat", c.session_id, SOON_MS) != NULL);
    client_cut(&c);
    if (resumes(&again, &w, &c)) {
        CHECK(told(&ear, "close", c.session_id, QUIET_MS) == NULL);
        client_close(&again);
        CHECK(told(&ear, "close", c.session_id, SOON_MS) != NULL);
    }
    end(&w, &ear);
}

TEST(a_device_that_goes_while_another_comes_is_told_after_it)
{
    struct world w;
    struct ear ear;
    struct client phone;
    struct client laptop;
    if (!world_prepare(&w) || !begin(&w, &ear, &phone))
        return;
    CHECK(told(&ear, "beat", phone.session_id, SOON_MS) != NULL);
    CHECK(client_identify(&laptop, &w, W_USER, 1));
    client_close(&phone);
    const char *close = told(&ear, "close", phone.session_id, SOON_MS);
    const char *open = told(&ear, "beat", laptop.session_id, SOON_MS);
    CHECK(open != NULL && close != NULL && open < close);
    client_close(&laptop);
    end(&w, &ear);
}

TEST(a_gateway_that_stops_says_of_nobody_that_they_have_gone)
{
    struct world w;
    struct ear ear;
    struct client c;
    if (!world_prepare(&w) || !begin(&w, &ear, &c))
        return;
    CHECK(told(&ear, "beat", c.session_id, SOON_MS) != NULL);
    sockets_drain(w.gateway.sockets);
    CHECK(told(&ear, "close", c.session_id, QUIET_MS) == NULL);
    client_cut(&c);
    end(&w, &ear);
}
