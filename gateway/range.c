/* SPDX-License-Identifier: MIT
 *
 * Ranges and tags. A range that cannot be read is no range: the client gets the whole, which is
 * what the standard asks for and what never breaks a download.
 */
#include "gateway/range.h"

#include <stdio.h>
#include <string.h>

#include "gateway/exchange.h"
#include "shared/base/str.h"

static bool read_number(const char *s, size_t len, uint64_t *ret)
{
    while (len > 1 && *s == '0') { /* leading zeros are fine here */
        s++;
        len--;
    }
    return str_parse_u64(s, len, ret);
}

/* "5-9", "5-", "-4" against the size. */
static enum range_kind read_span(const char *spec, uint64_t size, struct range *ret)
{
    uint64_t first = 0;
    uint64_t last = 0;
    const char *dash = strchr(spec, '-');
    if (dash == NULL)
        return RANGE_WHOLE;
    bool has_first = dash > spec;
    bool has_last = dash[1] != '\0';
    if (has_first && !read_number(spec, (size_t)(dash - spec), &first))
        return RANGE_WHOLE;
    if (has_last && !read_number(dash + 1, strlen(dash + 1), &last))
        return RANGE_WHOLE;
    if ((!has_first && !has_last) || (has_first && has_last && last < first))
        return RANGE_WHOLE;

    if (!has_first) { /* the last so many */
        first = last < size ? size - last : 0;
        if (last == 0)
            return RANGE_IMPOSSIBLE;
        last = size - 1;
    } else if (!has_last || last >= size) {
        last = size - 1;
    }
    if (first >= size)
        return RANGE_IMPOSSIBLE;
    *ret = (struct range){first, last - first + 1};
    return RANGE_PART;
}

enum range_kind range_read(const char *header, const char *if_range, const char *etag,
                           uint64_t size, struct range *ret)
{
    static const char unit[] = "bytes=";
    size_t len = sizeof(unit) - 1;
    *ret = (struct range){0, size};
    if (header == NULL || strncmp(header, unit, len) != 0 || strchr(header, ',') != NULL)
        return RANGE_WHOLE;
    if (if_range != NULL && strcmp(if_range, etag) != 0)
        return RANGE_WHOLE;
    return read_span(header + len, size, ret);
}

bool etag_matches(const char *header, const char *etag)
{
    size_t len = strlen(etag);
    for (const char *at = header; at != NULL && *at != '\0';) {
        at += strspn(at, ", \t");
        if (*at == '*')
            return true;
        if (strncmp(at, "W/", 2) == 0) /* weak comparison, as for a read */
            at += 2;
        size_t item = strcspn(at, ", \t");
        if (item == len && memcmp(at, etag, len) == 0)
            return true;
        at += item;
    }
    return false;
}

void range_add(struct MHD_Response *response, enum range_kind kind, const struct range *range,
               uint64_t size)
{
    char text[80];
    MHD_add_response_header(response, "Accept-Ranges", "bytes");
    if (kind != RANGE_PART)
        return;
    snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)range->start,
             (unsigned long long)(range->start + range->length - 1), (unsigned long long)size);
    MHD_add_response_header(response, "Content-Range", text);
}

enum MHD_Result respond_out_of_range(struct exchange *x, uint64_t size)
{
    snprintf(x->content_range, sizeof(x->content_range), "bytes */%llu", (unsigned long long)size);
    return respond_fail(x, ERR_RANGE_NOT_SATISFIABLE);
}

enum MHD_Result respond_not_modified(struct exchange *x, const char *etag)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
    return respond_with(x, MHD_HTTP_NOT_MODIFIED, response);
}
