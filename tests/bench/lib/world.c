/* SPDX-License-Identifier: MIT */
#include "tests/bench/lib/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/heap.h"
#include "tests/bench/lib/figures.h"

struct world_user *world_read(size_t *ret_count)
{
    FILE *file = fopen(need_env("WORLD"), "r");
    struct world_user *users = NULL;
    size_t count = 0;
    struct world_user u;
    if (file == NULL) {
        perror("WORLD");
        exit(2);
    }
    while (fscanf(file, "%ms %ms %ms %ms", &u.token, &u.user, &u.server, &u.channel) == 4) {
        users = heap_grow(users, (count + 1) * sizeof(*users));
        users[count++] = u;
    }
    fclose(file);
    *ret_count = count;
    return users;
}
