/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_VIEW_H
#define GATEWAY_VIEW_H

/* Who sees which channel of a server, decided here with the same code as in messaging. A layout is
 * the server's structure at one moment (its seq): roles, channels, overwrites. A view is the set of
 * channels seen by everybody who holds the same roles, so it is computed once for them all; the
 * owner, administrators and members with an overwrite of their own have one each. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/scan.h"
#include "shared/base/arena.h"
#include "shared/base/macros.h"
#include "shared/domain/permission.h"

struct frame;
struct membership;

struct view_channel {
    snowflake id;
    int64_t seq; /* the last change of a message when the layout was read */
    const struct overwrite *overwrites;
    size_t overwrite_count;
    struct span json; /* as REST shows it */
};

struct layout {
    struct arena arena;
    snowflake id;
    snowflake owner;
    int64_t seq; /* of the server */
    const struct role_grant *roles;
    size_t role_count;
    struct view_channel *channels; /* by id */
    size_t channel_count;
};

/* From messaging's answer. NULL: it is not understood. Any thread. */
struct layout *layout_parse(const char *json, size_t len);
void layout_free(struct layout *l);
int layout_find(const struct layout *l, snowflake channel); /* its place, or -1 */

/* A member as far as it decides what they see. */
struct viewer {
    snowflake user;
    bool is_admin;          /* of the instance: sees everything */
    const snowflake *roles; /* in any order, with or without the everyone role */
    size_t count;
};

struct view {
    struct view *next;
    struct membership *members; /* live ones, linked by their next_in_view */
    snowflake user;             /* 0: whoever holds these roles */
    uint64_t permissions;       /* in the server, before channels change them */
    snowflake *roles;           /* ascending */
    size_t role_count;
    uint64_t bits[]; /* by place in the layout */
};

/* The view of a member, made when nobody had it yet. */
struct view *view_of(struct view **views, const struct layout *l, const struct viewer *who);
void views_free(struct view *first); /* nobody may be in them */

/* What a member may do in a channel, by its place; 0 where there is none. */
uint64_t layout_permissions(const struct layout *l, const struct viewer *who, int channel);

static inline bool view_shows(const struct view *v, int channel)
{
    return channel >= 0 && (v->bits[channel / 64] >> (channel % 64) & 1) != 0;
}

#endif
