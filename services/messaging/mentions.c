/* SPDX-License-Identifier: MIT */
/* Whom a message notifies. The text names; this decides: users count who see the channel, roles of
 * the server that may be mentioned, everyone if the author may. What does not count stays text. */

#include "services/messaging/messages.h"
#include "shared/domain/mention.h"
#include "shared/store/db.h"

#include <string.h>

STMT(mentionable_roles,
     "SELECT r.id FROM roles r"
     " WHERE r.server_id = $1 AND r.id = ANY ($2) AND r.id <> $1 AND (r.is_mentionable OR $3)");

static enum err users_resolve(struct req *rq, const struct rights *where,
                              const struct mentions *named, struct list *ret)
{
    if (named->user_count == 0)
        return OK;
    struct list rights;
    TRY(rights_of_many(rq, where->channel_id, named->users, named->user_count, &rights));
    snowflake *ids = arena_new_n(&rq->arena, snowflake, rights.count + 1);
    size_t n = 0;
    for (size_t i = 0; i < rights.count; i++) {
        const struct rights *r = LIST_AT(&rights, struct rights, i);
        if (permission_has(r->permissions, PERM_VIEW_CHANNEL))
            ids[n++] = r->user_id;
    }
    *ret = (struct list){ids, n};
    return OK;
}

static enum err roles_resolve(struct req *rq, const struct rights *where,
                              const struct mentions *named, struct list *ret)
{
    if (named->role_count == 0)
        return OK;
    bool may_all = permission_has(where->permissions, PERM_MENTION_EVERYONE);
    struct list roles;
    TRY(db_many(rq, &mentionable_roles,
                PARAMS(P(where->server_id), P_IDS(named->roles, named->role_count), P(may_all)),
                &role_shape, &roles));
    snowflake *ids = arena_new_n(&rq->arena, snowflake, roles.count + 1);
    for (size_t i = 0; i < roles.count; i++)
        ids[i] = LIST_AT(&roles, struct role, i)->id;
    *ret = (struct list){ids, roles.count};
    return OK;
}

enum err mentions_resolve(struct req *rq, const struct rights *where, const char *text,
                          struct resolved *ret)
{
    struct mentions *named = arena_new(&rq->arena, struct mentions);
    struct resolved r = {0};
    mention_scan(text, strlen(text), named);
    TRY(users_resolve(rq, where, named, &r.users));
    TRY(roles_resolve(rq, where, named, &r.roles));
    r.everyone = (named->everyone || named->here) &&
                 permission_has(where->permissions, PERM_MENTION_EVERYONE);
    *ret = r;
    return OK;
}
