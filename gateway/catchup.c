/* SPDX-License-Identifier: MIT
 *
 * Cursor by cursor against the state. A server in which nothing but messages happened is brought
 * forward by its channels' backlogs; any other is told whole. */

#include "gateway/catchup.h"

#include "gateway/backlog.h"
#include "gateway/entry.h"
#include "gateway/intents.h"
#include "gateway/server.h"

struct asking {
    struct session *session;
    struct state *state;
    struct cursors *cursors;
};

/* Of a channel the client knows: how far it is behind, and what brings it forward. */
static bool want_of(struct asking *a, const struct told *told, size_t channel,
                    struct backlog_want *ret)
{
    const struct told_channel *c = &told->channels[channel];
    int64_t has = cursors_take(a->cursors, c->id);
    *ret = (struct backlog_want){told->server, c->id, has, c->seq, a->session->serial};
    bool is_wanted = (a->session->intents & intents_of_channels()) != 0;
    return is_wanted && has >= 0 && has < c->seq;
}

/* The client has this server's structure as it is now, so only messages can be missing. Who wants
 * no event of the structure does not count them, and its number stays where it began. */
static bool is_in_step(struct asking *a, const struct told *told)
{
    bool is_counting = (a->session->intents & intents_of_servers()) != 0;
    int64_t has = cursors_take(a->cursors, told->server);
    if (has < 0 || (is_counting && has != told->seq))
        return false;
    for (size_t i = 0; i < told->channel_count; i++)
        if (cursors_take(a->cursors, told->channels[i].id) < 0)
            return false;
    return true;
}

/* Messages sent while the client was away are history. */
static bool may_read_back(const struct asking *a, const struct told *told, snowflake channel)
{
    const struct identity *me = &a->session->who;
    const struct viewer who = {me->user, me->is_admin, told->roles, told->role_count};
    const struct server *server = server_find(a->session->loop, told->server);
    if (server == NULL || server->layout == NULL)
        return false;
    int place = layout_find(server->layout, channel);
    return permission_has(layout_permissions(server->layout, &who, place), PERM_READ_HISTORY);
}

static enum catchup server_catch_up(struct asking *a, const struct told *told)
{
    enum catchup result = CATCHUP_READY;
    if (!is_in_step(a, told)) {
        for (size_t i = 0; i < told->channel_count; i++)
            (void)cursors_take(a->cursors, told->channels[i].id);
        return CATCHUP_READY;
    }
    for (size_t i = 0; i < told->channel_count; i++) {
        struct backlog_want want;
        if (!want_of(a, told, i, &want))
            continue;
        if (want.until - want.after > FILL_MAX || !may_read_back(a, told, want.channel))
            return CATCHUP_IMPOSSIBLE;
        struct backlog *b = backlog_get(a->session->loop, &want);
        if (b == NULL) {
            result = CATCHUP_WAITING;
            entry_await(a->session);
        } else if (b->fill == NULL) {
            return CATCHUP_IMPOSSIBLE;
        }
    }
    return result;
}

/* Either all that the client misses is here, or it begins anew: never a part of it. */
enum catchup catchup_check(struct session *s, struct state *state, struct cursors *cursors)
{
    struct asking all = {s, state, cursors};
    struct asking *a = &all;
    enum catchup result = CATCHUP_READY;
    /* An earlier state, which had to be read again, may have had what this one lacks. */
    cursors_reuse(cursors);
    for (size_t i = 0; i < state->count && result != CATCHUP_IMPOSSIBLE; i++) {
        enum catchup one = server_catch_up(a, &state->servers[i]);
        if (one != CATCHUP_READY)
            result = one;
    }
    /* It has something its user does not have any more: only a whole state removes that. */
    return cursors_all_used(a->cursors) ? result : CATCHUP_IMPOSSIBLE;
}

static void collect_channel(struct asking *a, const struct backlog_want *want,
                            struct told_channel *c, struct frames *out)
{
    struct fill *fill = backlog_get(a->session->loop, want)->fill;
    for (size_t i = 0; i < fill->count; i++) {
        struct frame *f = fill_frame(fill, i, want->after);
        if (f != NULL)
            frames_push(out, f);
    }
    if (fill->until > c->seq)
        c->seq = fill->until;
}

/* What the client misses, in order; what was told now reaches as far as that does. */
void catchup_collect(struct session *s, struct state *state, struct cursors *cursors,
                     struct frames *out)
{
    struct asking all = {s, state, cursors};
    struct asking *a = &all;
    for (size_t i = 0; i < state->count; i++) {
        const struct told *told = &state->servers[i];
        if (!is_in_step(a, told)) {
            struct frame *f = frame_event(&event_types[EV_SERVER_CREATE], (struct event_to){0},
                                          told->json.at, told->json.len);
            frames_push(out, f);
            frame_unref(f);
            continue;
        }
        for (size_t k = 0; k < told->channel_count; k++) {
            struct backlog_want want;
            if (want_of(a, told, k, &want))
                collect_channel(a, &want, &told->channels[k], out);
        }
    }
}
