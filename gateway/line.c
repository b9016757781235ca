/* SPDX-License-Identifier: MIT */

#include "gateway/line.h"

#include <string.h>

void line_join(struct line *l, struct asker who)
{
    buf_add(&l->waiting, &who, sizeof(who));
}

bool line_next(struct line *l, size_t at_once, struct asker *ret)
{
    size_t at = l->first * sizeof(*ret);
    if (l->running >= at_once || at == l->waiting.len)
        return false;
    memcpy(ret, l->waiting.data + at, sizeof(*ret));
    l->first++;
    if (at + sizeof(*ret) < l->waiting.len)
        return true;
    buf_done(&l->waiting);
    l->first = 0;
    return true;
}

void line_done(struct line *l)
{
    buf_done(&l->waiting);
    *l = (struct line){0};
}
