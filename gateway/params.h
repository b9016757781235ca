/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_PARAMS_H
#define GATEWAY_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/routes.h"
#include "shared/base/arena.h"

/* The parameters of path and query as one JSON object of strings, which is how a service gets them
 * beside the untouched body. A name given twice counts once: the path's value, else the last. */
enum { PARAMS_MAX = 32 };

/* query is what follows "?", or NULL. *ret_json is NULL without any parameter. ERR_INVALID_FORM for
 * a bad escape, NUL, bad UTF-8 or too many; *ret_name then names the parameter. */
MUST_CHECK enum err params_encode(struct arena *a, const struct route_match *m, const char *query,
                                  const char **ret_json, const char **ret_name);

/* Undoes percent-encoding into out (at least len + 1 bytes; a NUL is added). False: a bad escape,
 * NUL or bad UTF-8. is_form: "+" is a blank. */
MUST_CHECK bool percent_decode(const char *s, size_t len, bool is_form, char *out, size_t *ret_len);

#endif
