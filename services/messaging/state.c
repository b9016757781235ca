/* SPDX-License-Identifier: MIT */
/* Servers as their members see them, in four statements however many they are. Every list comes
 * sorted by server, so a server's part is a slice and nothing is copied. */

#include "services/messaging/messaging.h"
#include "shared/store/db.h"

STMT(state_servers,
     "SELECT " SERVER_COLUMNS " FROM members m JOIN servers s ON s.id = m.server_id"
     " WHERE m.user_id = $1 AND m.app_id = $2 AND s.deleted_at IS NULL AND ($3::bigint = 0 OR s.id = $3)"
     " ORDER BY s.id");

STMT(state_members,
     "SELECT " MEMBER_COLUMNS " FROM " MEMBER_FROM
     " WHERE m.user_id = $1 AND m.server_id = ANY ($2) ORDER BY m.server_id");

STMT(state_roles,
     "SELECT " ROLE_COLUMNS " FROM roles r WHERE r.server_id = ANY ($1)"
     " ORDER BY r.server_id, r.position DESC, r.id");

STMT(state_channels,
     "SELECT " CHANNEL_COLUMNS " FROM channels c WHERE c.server_id = ANY ($1)"
     " ORDER BY c.server_id, c.position, c.id");

struct parts {
    struct list members, roles, channels;
};

/* The items of `from` whose server this is, from *at on, which moves behind them. Each kind keeps
 * its server_id elsewhere, hence the offset. */
struct slicer {
    const struct list *from;
    size_t size;
    size_t offset;
    size_t at;
};

static snowflake server_at(const struct slicer *s)
{
    const char *item = (const char *)s->from->items + s->at * s->size;
    return *(const snowflake *)(const void *)(item + s->offset);
}

static struct list slice(struct slicer *s, snowflake server_id)
{
    while (s->at < s->from->count && server_at(s) < server_id)
        s->at++;
    struct list part = {(char *)s->from->items + s->at * s->size, 0};
    for (; s->at < s->from->count && server_at(s) == server_id; s->at++)
        part.count++;
    return part;
}

#define SLICER(list, type)                                                \
    {                                                                     \
        &(list), sizeof(struct type), offsetof(struct type, server_id), 0 \
    }

static bool holds(const struct member *m, const struct role *r)
{
    if (r->id == r->server_id)
        return true;
    for (size_t i = 0; i < m->roles.count; i++)
        if (*LIST_AT(&m->roles, snowflake, i) == r->id)
            return true;
    return false;
}

static struct member_rights member_rights_of(struct arena *a, const struct server_joined *j)
{
    struct role_grant *held = arena_new_n(a, struct role_grant, j->roles.count + 1);
    size_t n = 0;
    for (size_t i = 0; i < j->roles.count; i++) {
        const struct role *r = LIST_AT(&j->roles, struct role, i);
        if (holds(j->member, r))
            held[n++] = (struct role_grant){r->id, r->permissions, (int)r->position};
    }
    return (struct member_rights){
        .user_id = j->member->user_id,
        .everyone_id = j->id,
        .is_owner = j->owner_id == j->member->user_id,
        .roles = held,
        .role_count = n,
    };
}

static void keep_visible(struct arena *a, struct server_joined *j)
{
    struct member_rights member = member_rights_of(a, j);
    size_t n = 0;
    for (size_t i = 0; i < j->channels.count; i++) {
        const struct channel *c = LIST_AT(&j->channels, struct channel, i);
        if (channel_is_visible(a, &member, c))
            *LIST_AT(&j->channels, struct channel, n++) = *c;
    }
    j->channels.count = n;
}

static struct server_joined joined_from(const struct server *s)
{
    return (struct server_joined){
        .id = s->id,
        .owner_id = s->owner_id,
        .name = s->name,
        .description = s->description,
        .is_public = s->is_public,
        .member_count = s->member_count,
        .seq = s->seq,
        .created_at = s->created_at,
    };
}

static struct list assemble(struct arena *a, const struct list *servers, const struct parts *p)
{
    struct slicer members = SLICER(p->members, member);
    struct slicer roles = SLICER(p->roles, role);
    struct slicer channels = SLICER(p->channels, channel);
    struct server_joined *v = arena_new_n(a, struct server_joined, servers->count + 1);
    size_t n = 0;
    for (size_t i = 0; i < servers->count; i++) {
        struct server_joined j = joined_from(LIST_AT(servers, struct server, i));
        struct list member = slice(&members, j.id);
        j.roles = slice(&roles, j.id);
        j.channels = slice(&channels, j.id);
        if (member.count == 0)
            continue; /* left between two statements */
        j.member = LIST_AT(&member, struct member, 0);
        keep_visible(a, &j);
        v[n++] = j;
    }
    return (struct list){v, n};
}

enum err state_of_user(struct req *rq, snowflake user_id, snowflake only_server,
                       struct list *ret_joined)
{
    struct list servers;
    /* The numbers first: what changes meanwhile is then in the state and comes again as an event,
     * instead of being in neither. */
    TRY(db_many(rq, &state_servers, PARAMS(P(user_id), P(rq->app), P(only_server)), &server_shape,
                &servers));
    snowflake *ids = arena_new_n(&rq->arena, snowflake, servers.count + 1);
    for (size_t i = 0; i < servers.count; i++)
        ids[i] = LIST_AT(&servers, struct server, i)->id;
    struct param all = P_IDS(ids, servers.count);
    struct parts p;
    TRY(db_many(rq, &state_members, PARAMS(P(user_id), all), &member_shape, &p.members));
    TRY(db_many(rq, &state_roles, PARAMS(all), &role_shape, &p.roles));
    TRY(db_many(rq, &state_channels, PARAMS(all), &channel_shape, &p.channels));
    *ret_joined = assemble(&rq->arena, &servers, &p);
    return OK;
}

enum err channels_filter(struct req *rq, snowflake server_id, struct list *channels)
{
    struct list joined;
    TRY(state_of_user(rq, rq->actor, server_id, &joined));
    if (joined.count == 1)
        *channels = LIST_AT(&joined, struct server_joined, 0)->channels;
    else if (!rq->from->is_admin)
        return ERR_UNKNOWN_SERVER;
    return OK;
}

enum err state_of_server(struct req *rq, snowflake server_id, struct list *ret_roles,
                         struct list *ret_channels)
{
    struct param one = P_IDS(&server_id, 1);
    TRY(db_many(rq, &state_roles, PARAMS(one), &role_shape, ret_roles));
    return db_many(rq, &state_channels, PARAMS(one), &channel_shape, ret_channels);
}
