/* SPDX-License-Identifier: MIT
 *
 * Any text as Range, If-Range and If-None-Match: a part lies inside the file, whatever its size,
 * and a tag is found only where it is written. Lines: size, Range, If-Range, If-None-Match. */

#include "gateway/range.h"
#include "shared/base/str.h"
#include "tests/fuzz/fuzz.h"

static const char etag[] = "\"5f-1\"";

static void check_range(const char *header, const char *if_range, uint64_t size)
{
    struct range part;
    switch (range_read(header, if_range, etag, size, &part)) {
    case RANGE_WHOLE:
        expect(part.start == 0 && part.length == size);
        break;
    case RANGE_PART:
        expect(header != NULL && (if_range == NULL || strcmp(if_range, etag) == 0));
        expect(part.length > 0 && part.start < size && part.length <= size - part.start);
        break;
    case RANGE_IMPOSSIBLE:
        expect(header != NULL);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    struct fuzz_text rest = fuzz_text(data, size);
    const char *number = fuzz_line(&a, &rest);
    const char *range = fuzz_header(&a, &rest);
    const char *if_range = fuzz_header(&a, &rest);
    const char *if_none_match = fuzz_header(&a, &rest);
    uint64_t file_size;
    if (!str_parse_u64(number, strlen(number), &file_size) || file_size > INT64_MAX)
        file_size = size;
    check_range(range, if_range, file_size);
    if (etag_matches(if_none_match, etag))
        expect(strstr(if_none_match, etag) != NULL || strchr(if_none_match, '*') != NULL);
    return 0;
}
