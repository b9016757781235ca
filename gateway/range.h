/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_RANGE_H
#define GATEWAY_RANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/* Conditional and partial answers (RFC 9110, 13 and 14): one range of bytes, compared by ETag. */
struct exchange;

struct range {
    uint64_t start;
    uint64_t length;
};

enum range_kind { RANGE_WHOLE, RANGE_PART, RANGE_IMPOSSIBLE };

/* What to send. Several ranges, other units and a failed If-Range mean the whole. Headers may be
 * NULL. */
enum range_kind range_read(const char *header, const char *if_range, const char *etag,
                           uint64_t size, struct range *ret);

/* Is this one of the tags that If-None-Match (or NULL) lists? */
bool etag_matches(const char *header, const char *etag);

/* Accept-Ranges and Content-Range. */
void range_add(struct MHD_Response *response, enum range_kind kind, const struct range *range,
               uint64_t size);

enum MHD_Result respond_out_of_range(struct exchange *x, uint64_t size);
enum MHD_Result respond_not_modified(struct exchange *x, const char *etag);

#endif
