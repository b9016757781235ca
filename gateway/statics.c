/* SPDX-License-Identifier: MIT
 *
 * Files of the web client and the two documents. The kernel resolves the name below an open folder
 * and refuses to leave it, by ".." or by a link; nothing here has to.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/exchange.h"
#include "gateway/params.h"
#include "gateway/range.h"
#include "shared/base/macros.h"

enum { NAME_MAX_BYTES = 512, ETAG_SIZE = 64 };

static const struct {
    const char *suffix;
    const char *type;
} types[] = {
    {".html",        "text/html; charset=utf-8"      },
    {".js",          "text/javascript; charset=utf-8"},
    {".mjs",         "text/javascript; charset=utf-8"},
    {".css",         "text/css; charset=utf-8"       },
    {".json",        "application/json"              },
    {".map",         "application/json"              },
    {".webmanifest", "application/manifest+json"     },
    {".svg",         "image/svg+xml"                 },
    {".png",         "image/png"                     },
    {".jpg",         "image/jpeg"                    },
    {".webp",        "image/webp"                    },
    {".ico",         "image/x-icon"                  },
    {".woff2",       "font/woff2"                    },
    {".wasm",        "application/wasm"              },
    {".mp3",         "audio/mpeg"                    },
    {".ogg",         "audio/ogg"                     },
    {".txt",         "text/plain; charset=utf-8"     },
};

static const char *type_of(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        size_t n = strlen(types[i].suffix);
        if (len > n && strcmp(name + len - n, types[i].suffix) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static bool is_hidden(const char *name)
{
    return name[0] == '.' || strstr(name, "/.") != NULL;
}

/* An open regular file below the folder, or -1. */
static int open_below(const char *folder, const char *name, struct stat *ret)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    auto_fd int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0 || is_hidden(name))
        return -1;
    int fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
    if (fd >= 0 && (fstat(fd, ret) != 0 || !S_ISREG(ret->st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void add_page_headers(struct MHD_Response *response)
{
    static const char *const rows[][2] = {
        {"Content-Security-Policy",
         "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
         "connect-src 'self' ws: wss:; object-src 'none'; "
         "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
        {"X-Frame-Options",            "DENY"                         },
        {"Referrer-Policy",            "no-referrer"                  },
        {"Cross-Origin-Opener-Policy", "same-origin"                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        MHD_add_response_header(response, rows[i][0], rows[i][1]);
}

static enum MHD_Result send_file(struct exchange *x, int fd, const struct stat *st,
                                 const char *name)
{
    char etag[ETAG_SIZE];
    snprintf(etag, sizeof(etag), "\"%llx-%llx-%lx\"", (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec);
    struct range range;
    enum range_kind kind = range_read(exchange_header(x, "Range"), exchange_header(x, "If-Range"),
                                      etag, (uint64_t)st->st_size, &range);
    if (kind == RANGE_IMPOSSIBLE) {
        close(fd);
        return respond_out_of_range(x, (uint64_t)st->st_size);
    }
    if (etag_matches(exchange_header(x, "If-None-Match"), etag)) {
        close(fd);
        return respond_not_modified(x, etag);
    }
    /* Takes the fd over. */
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64(range.length, fd, range.start);
    if (response == NULL) {
        close(fd);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type_of(name));
    MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    add_page_headers(response);
    range_add(response, kind, &range, (uint64_t)st->st_size);
    return respond_with(x, kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
}

static enum MHD_Result send_named(struct exchange *x, const char *folder, const char *name)
{
    struct stat st;
    int fd = open_below(folder, name, &st);
    return fd >= 0 ? send_file(x, fd, &st, name) : respond_fail(x, ERR_UNKNOWN_ROUTE);
}

/* Places of the client's own, which all begin with the same page. */
static const char *name_of_page(const char *path)
{
    if (strcmp(path, "/") == 0 || strncmp(path, "/invite/", 8) == 0)
        return "index.html";
    return path + 1;
}

enum MHD_Result serve_static(struct exchange *x)
{
    char path[NAME_MAX_BYTES];
    size_t len = strlen(x->path);
    snprintf(x->match.allow, sizeof(x->match.allow), "GET, HEAD, OPTIONS");
    if (strcmp(x->method, "OPTIONS") == 0)
        return cors_preflight(x);
    if (strcmp(x->method, "GET") != 0 && strcmp(x->method, "HEAD") != 0)
        return respond_fail(x, ERR_METHOD_NOT_ALLOWED);
    if (len >= sizeof(path) || !percent_decode(x->path, len, false, path, &len) || path[0] != '/')
        return respond_fail(x, ERR_UNKNOWN_ROUTE);
    return send_named(x, x->gateway->settings->web_root, name_of_page(path));
}

enum MHD_Result serve_document(struct exchange *x)
{
    return send_named(x, x->gateway->settings->documents, strrchr(x->path, '/') + 1);
}
