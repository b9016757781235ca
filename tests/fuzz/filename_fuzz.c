/* SPDX-License-Identifier: MIT
 *
 * Any text as the name of an uploaded file: what is left is a name for saving, never a path, and
 * cleaning it again changes nothing. */

#include "services/media/media.h"
#include "shared/base/str.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    const char *given = arena_strndup(&a, (const char *)data, size);
    /* The shape of the input has refused everything else. */
    if (!utf8_valid(given, strlen(given)))
        return 0;
    const char *name = filename_clean(&a, given);
    expect(name[0] != '\0' && strpbrk(name, "/\\\r\n\t") == NULL);
    expect(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    expect(utf8_valid(name, strlen(name)));
    expect(strcmp(filename_clean(&a, name), name) == 0);
    return 0;
}
