/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SCAN_H
#define GATEWAY_SCAN_H

/* Finds the members of a JSON object without building a tree: a command's `d` goes to its service
 * as the bytes the client sent, so the gateway only needs to know where it begins and ends. What is
 * inside nested values is skipped, not judged: the service parses it. */

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/macros.h"
#include "shared/domain/snowflake.h"

struct span {
    const char *at; /* NULL: not there */
    size_t len;
};

/* The member's value, a string with its quotes; the first when there are several. *ret_value is an
 * empty span when the object lacks it. False: text is no object, or is cut off. */
bool scan_member(struct span object, const char *name, struct span *ret_value) MUST_CHECK;

/* The same for several names in one pass; values is as long as names. */
bool scan_members(struct span object, const char *const *names, struct span *values,
                  size_t count) MUST_CHECK;

/* Walks an object: *at begins at 0; false at the end or where the text stops being JSON. The key
 * comes without its quotes and as written. */
bool scan_next(struct span object, size_t *at, struct span *ret_key, struct span *ret_value);

/* Walks an array in the same way. */
bool scan_item(struct span array, size_t *at, struct span *ret_value);

/* The content of a string without escapes; false for anything else. */
bool scan_plain(struct span value, struct span *ret_text) MUST_CHECK;
bool scan_id(struct span value, snowflake *ret_id) MUST_CHECK; /* "123" */
bool scan_uint(struct span value, uint64_t *ret_number) MUST_CHECK;
bool span_is(struct span text, const char *word);

#endif
