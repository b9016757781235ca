/* SPDX-License-Identifier: MIT
 *
 * The arithmetic itself is shared/domain/permission; here is what it is applied to. A layout never
 * changes after it was read: a new one replaces it. */

#include "gateway/view.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/heap.h"
#include "shared/wire/json.h"

/* Of messaging's server_view, the part that decides. */
struct seen_role {
    snowflake id;
    uint64_t permissions;
    int64_t position;
};
static const struct field seen_role_fields[] = {
    F_ID(seen_role, id),
    F_PERM(seen_role, permissions),
    F_INT(seen_role, position),
};
static SHAPE(seen_role);

static const char *const overwrite_words[] = {"role", "member", NULL};
struct seen_overwrite {
    snowflake id;
    int type;
    uint64_t allow;
    uint64_t deny;
};
static const struct field seen_overwrite_fields[] = {
    F_ID(seen_overwrite, id),
    F_ENUM(seen_overwrite, type, overwrite_words),
    F_PERM(seen_overwrite, allow),
    F_PERM(seen_overwrite, deny),
};
static SHAPE(seen_overwrite);

struct seen_channel {
    snowflake id;
    int64_t seq;
    struct list overwrites;
};
static const struct field seen_channel_fields[] = {
    F_ID(seen_channel, id),
    F_INT(seen_channel, seq),
    F_LIST(seen_channel, overwrites, seen_overwrite),
};
static SHAPE(seen_channel);

struct seen_server {
    snowflake id;
    snowflake owner_id;
    int64_t seq;
    struct list roles;
    struct list channels;
};
static const struct field seen_server_fields[] = {
    F_ID(seen_server, id),
    F_ID(seen_server, owner_id),
    F_INT(seen_server, seq),
    F_LIST(seen_server, roles, seen_role),
    F_LIST(seen_server, channels, seen_channel),
};
static SHAPE(seen_server);

static void keep_roles(struct layout *l, const struct list *from)
{
    struct role_grant *roles = arena_new_n(&l->arena, struct role_grant, from->count);
    for (size_t i = 0; i < from->count; i++) {
        const struct seen_role *r = LIST_AT(from, const struct seen_role, i);
        roles[i] = (struct role_grant){r->id, r->permissions, (int)r->position};
    }
    l->roles = roles;
    l->role_count = from->count;
}

static void keep_overwrites(struct layout *l, struct view_channel *c, const struct list *from)
{
    struct overwrite *all = arena_new_n(&l->arena, struct overwrite, from->count);
    for (size_t i = 0; i < from->count; i++) {
        const struct seen_overwrite *o = LIST_AT(from, const struct seen_overwrite, i);
        all[i] = (struct overwrite){o->id, (enum overwrite_kind)o->type, o->allow, o->deny};
    }
    c->overwrites = all;
    c->overwrite_count = from->count;
}

static int by_id(const void *a, const void *b)
{
    const struct view_channel *x = a;
    const struct view_channel *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* The texts of the channels stand in the answer in the same order as the decoded ones. */
static void keep_channels(struct layout *l, const struct list *from, struct span texts)
{
    l->channels = arena_new_n(&l->arena, struct view_channel, from->count);
    size_t at = 0;
    for (size_t i = 0; i < from->count; i++) {
        const struct seen_channel *s = LIST_AT(from, const struct seen_channel, i);
        struct view_channel *c = &l->channels[i];
        *c = (struct view_channel){.id = s->id, .seq = s->seq};
        keep_overwrites(l, c, &s->overwrites);
        if (!scan_item(texts, &at, &c->json))
            return;
        l->channel_count = i + 1;
    }
    qsort(l->channels, l->channel_count, sizeof(l->channels[0]), by_id);
}

struct layout *layout_parse(const char *json, size_t len)
{
    struct layout *l = heap_alloc(sizeof(*l));
    struct seen_server s = {0};
    const char *text = arena_strndup(&l->arena, json, len);
    struct span channels;
    const char *why;
    auto_json json_t *root = NULL;
    if (json_read_object(&l->arena, text, len, &root, &why) != OK ||
        shape_decode_entity(&seen_server_shape, root, &l->arena, &s) != OK || s.id == 0 ||
        !scan_member((struct span){text, len}, "channels", &channels)) {
        layout_free(l);
        return NULL;
    }
    l->id = s.id;
    l->owner = s.owner_id;
    l->seq = s.seq;
    keep_roles(l, &s.roles);
    keep_channels(l, &s.channels, channels);
    return l;
}

void layout_free(struct layout *l)
{
    if (l == NULL)
        return;
    arena_release(&l->arena);
    free(l);
}

int layout_find(const struct layout *l, snowflake channel)
{
    struct view_channel key = {.id = channel};
    const struct view_channel *c = bsearch(&key, l->channels, l->channel_count, sizeof(key), by_id);
    return c != NULL ? (int)(c - l->channels) : -1;
}

/* The roles a viewer holds, the everyone role among them; at most every role there is. */
static size_t grants_of(const struct layout *l, const struct viewer *who, struct role_grant *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < l->role_count; i++) {
        bool is_held = l->roles[i].id == l->id;
        for (size_t k = 0; k < who->count && !is_held; k++)
            is_held = who->roles[k] == l->roles[i].id;
        if (is_held)
            ret[n++] = l->roles[i];
    }
    return n;
}

static struct member_rights rights_of(const struct layout *l, const struct viewer *who,
                                      struct role_grant *grants)
{
    return (struct member_rights){who->user, l->id,  who->user == l->owner,
                                  false,     grants, grants_of(l, who, grants)};
}

static uint64_t permissions_in(const struct layout *l, size_t channel,
                               const struct member_rights *m)
{
    const struct view_channel *c = &l->channels[channel];
    return permission_in_channel(m, c->overwrites, c->overwrite_count);
}

static bool shows(const struct layout *l, size_t channel, const struct member_rights *m)
{
    return permission_has(permissions_in(l, channel, m), PERM_VIEW_CHANNEL);
}

uint64_t layout_permissions(const struct layout *l, const struct viewer *who, int channel)
{
    if (channel < 0)
        return 0;
    if (who->is_admin)
        return PERM_ALL;
    auto_heap struct role_grant *grants = heap_alloc_n(l->role_count + 1, sizeof(*grants));
    const struct member_rights m = rights_of(l, who, grants);
    return permissions_in(l, (size_t)channel, &m);
}

/* Nobody else sees exactly what this one sees because of roles alone. */
static bool is_individual(const struct layout *l, const struct viewer *who)
{
    if (who->is_admin || who->user == l->owner)
        return true;
    for (size_t i = 0; i < l->channel_count; i++)
        for (size_t k = 0; k < l->channels[i].overwrite_count; k++) {
            const struct overwrite *o = &l->channels[i].overwrites[k];
            if (o->kind == OVERWRITE_MEMBER && o->id == who->user)
                return true;
        }
    return false;
}

static int by_number(const void *a, const void *b)
{
    snowflake x = *(const snowflake *)a;
    snowflake y = *(const snowflake *)b;
    return (x > y) - (x < y);
}

static struct view *view_new(const struct layout *l, const struct viewer *who, snowflake user)
{
    size_t words = (l->channel_count + 63) / 64;
    struct view *v = heap_alloc(sizeof(*v) + words * sizeof(v->bits[0]));
    v->user = user;
    v->role_count = who->count;
    v->roles = heap_alloc_n(who->count + 1, sizeof(v->roles[0]));
    if (who->count > 0)
        memcpy(v->roles, who->roles, who->count * sizeof(v->roles[0]));
    qsort(v->roles, v->role_count, sizeof(v->roles[0]), by_number);

    struct role_grant *grants = heap_alloc_n(l->role_count + 1, sizeof(*grants));
    const struct member_rights m = rights_of(l, who, grants);
    v->permissions = who->is_admin ? PERM_ALL : permission_in_server(&m);
    for (size_t i = 0; i < l->channel_count; i++)
        if (who->is_admin || shows(l, i, &m))
            v->bits[i / 64] |= UINT64_C(1) << (i % 64);
    free(grants);
    return v;
}

/* Roles of a viewer come in any order, but each once. */
static bool is_same(const struct view *v, const struct viewer *who, snowflake user)
{
    if (v->user != user || v->role_count != who->count)
        return false;
    for (size_t i = 0; i < who->count; i++)
        if (bsearch(&who->roles[i], v->roles, v->role_count, sizeof(snowflake), by_number) == NULL)
            return false;
    return true;
}

struct view *view_of(struct view **views, const struct layout *l, const struct viewer *who)
{
    snowflake user = is_individual(l, who) ? who->user : 0;
    for (struct view *v = *views; v != NULL; v = v->next)
        if (is_same(v, who, user))
            return v;
    struct view *v = view_new(l, who, user);
    v->next = *views;
    *views = v;
    return v;
}

void views_free(struct view *first)
{
    while (first != NULL) {
        struct view *next = first->next;
        free(first->roles);
        free(first);
        first = next;
    }
}
