/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

/* A server as one loop knows it: who of the loop's sessions is a member, what each may see, and how
 * far it and its channels have been passed on. The promise: a session gets each durable event of
 * what it sees once and in order, and nothing of what it does not see. All on the loop's thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/channel.h"
#include "gateway/frame.h"
#include "gateway/loop.h"
#include "gateway/view.h"

struct hearing;
struct membership;

/* Of the events without a number, as many are known again as come within the few seconds in which
 * one may be published twice. */
enum { SERVER_HEARD = 64 };

struct server {
    snowflake id;
    snowflake app;
    struct loop *loop;
    struct hearing *hearing;
    struct layout *layout; /* NULL until it was first read */
    struct view *views;
    struct membership *pending; /* who does not know yet what they start from */
    uint32_t member_count;
    bool is_asking;      /* for the layout: events wait in held */
    bool is_draining;    /* held is being worked off further up the stack */
    int64_t seq;         /* the last server event passed on */
    int64_t born;        /* nothing up to here was passed on one by one */
    int64_t known;       /* the highest heard of */
    struct frames held;  /* in the order they came */
    struct frames ahead; /* server events that came too early */
    struct frames tape;  /* what was passed on while somebody is pending */
    struct map channels; /* by id */
    snowflake stranger;  /* a channel the present layout was asked for in vain */
    struct timer gap;    /* how long to wait for missing server events */
    struct timer linger; /* nobody is a member any more */
    struct timer retry;  /* the layout could not be had */

    uint64_t heard[SERVER_HEARD]; /* a ring: frame.event of durable ones without a number */
    uint32_t heard_count;
};

/* The loop's server; made, and listened to from now on, when it is not there. */
struct server *server_get(struct loop *l, snowflake app, snowflake id);
struct server *server_find(struct loop *l, snowflake id);
void server_free(struct server *s);
void servers_free(struct loop *l);

/* The layout is there and at least so new. Otherwise it is asked for, and whoever is pending hears
 * of it by entry_advance. Only after the subscription is in force. */
bool server_is_at(struct server *s, int64_t seq);

void server_hear(struct server *s, struct frame *f);

/* The bus was away: find out what happened meanwhile. */
void servers_recheck(struct loop *l);

/* To everybody who sees the channel. */
void server_pass_channel(struct server *s, const struct channel *c, struct frame *f);

/* Everybody who sees the channel begins anew. */
void server_reset_viewers(struct server *s, const struct channel *c);

/* May who has this view be told of an event of the server itself? */
bool server_may_tell(const struct server *s, const struct view *v, const struct frame *f);

void server_joined(struct server *s);
void server_left(struct server *s);

#endif
