/* SPDX-License-Identifier: MIT
 *
 * Looking things up in shapes. A shape is constant data; nothing here keeps state. */

#include "shared/wire/field.h"

#include <assert.h>
#include <string.h>

const struct shape no_args_shape = {"no_args", NULL, 0, sizeof(struct no_args), SIZE_MAX};

const struct field *shape_field(const struct shape *sh, const char *name)
{
    for (size_t i = 0; i < sh->count; i++)
        if (strcmp(sh->fields[i].name, name) == 0)
            return &sh->fields[i];
    return NULL;
}

bool shape_given(const struct shape *sh, const void *in, const char *name)
{
    const struct field *f = shape_field(sh, name);
    assert(f != NULL && sh->given != SIZE_MAX);

    const uint64_t *given = (const void *)((const char *)in + sh->given);
    return (*given >> (f - sh->fields) & 1) != 0;
}
