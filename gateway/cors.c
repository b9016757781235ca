/* SPDX-License-Identifier: MIT
 *
 * Which other sites' pages may call the API (the Fetch standard's CORS protocol). Tokens travel in
 * the Authorization header and nowhere else, so a page that is not listed gains nothing by sending
 * a form: there is no cookie to ride on.
 */
#include <string.h>

#include "gateway/exchange.h"

static const char allowed_headers[] =
    "Authorization, Content-Type, Idempotency-Key, X-Parley-Application, X-Request-Id, Range";
static const char exposed_headers[] =
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-RateLimit-Reset-After, "
    "X-RateLimit-Bucket, Retry-After, X-Request-Id, ETag, Content-Range, Content-Disposition";

static bool is_listed(const char *list, const char *origin)
{
    size_t len = strlen(origin);
    for (const char *at = list; *at != '\0';) {
        at += strspn(at, ", ");
        size_t item = strcspn(at, ", ");
        if (item == len && memcmp(at, origin, len) == 0)
            return true;
        at += item;
    }
    return false;
}

/* What goes into Access-Control-Allow-Origin, or NULL. */
static const char *allowed_origin(const struct exchange *x)
{
    const char *list = x->gateway->settings->cors_origins;
    const char *origin = exchange_header(x, "Origin");
    if (list == NULL || origin == NULL)
        return NULL;
    if (strcmp(list, "*") == 0)
        return "*";
    return is_listed(list, origin) ? origin : NULL;
}

void cors_add(const struct exchange *x, struct MHD_Response *response)
{
    if (x->gateway->settings->cors_origins == NULL)
        return;
    MHD_add_response_header(response, "Vary", "Origin");
    const char *origin = allowed_origin(x);
    if (origin == NULL)
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    MHD_add_response_header(response, "Access-Control-Expose-Headers", exposed_headers);
    if (origin[0] != '*')
        MHD_add_response_header(response, "Access-Control-Allow-Credentials", "true");
}

enum MHD_Result cors_preflight(struct exchange *x)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Allow", x->match.allow);
    if (allowed_origin(x) != NULL) {
        MHD_add_response_header(response, "Access-Control-Allow-Methods", x->match.allow);
        MHD_add_response_header(response, "Access-Control-Allow-Headers", allowed_headers);
        MHD_add_response_header(response, "Access-Control-Max-Age", "7200");
    }
    return respond_with(x, MHD_HTTP_NO_CONTENT, response);
}
