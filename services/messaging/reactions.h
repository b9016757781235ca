/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_REACTIONS_H
#define SERVICES_MESSAGING_REACTIONS_H

/* What is shown of the reactions to a message. */

#include "services/messaging/entities.h"
#include "shared/base/arena.h"

struct reaction {
    const char *emoji;
    int64_t count;
    bool me;
};

/* The payload of reaction.add and reaction.remove. */
struct reaction_change {
    snowflake message_id, channel_id, server_id, user_id;
    const char *emoji;
    int64_t count, rev;
};

/* One user's reaction to one message as it is now. */
struct reacted {
    snowflake message_id, user_id;
    const char *emoji;
    bool is_removed;
};

extern const struct shape reaction_shape, reaction_change_shape, reacted_shape;

/* As everybody may read them: without who `me` is. */
struct list reactions_untold(struct arena *a, const struct list *reactions);

#endif
