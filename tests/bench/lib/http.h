/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LIB_HTTP_H
#define TESTS_BENCH_LIB_HTTP_H

/* The load generator's side of HTTP: keep-alive connections on one epoll loop, one request at a
 * time on each, the next as soon as the answer is there. Any answer but a 200 ends the benchmark.
 */

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/lib/figures.h"

enum { HTTP_REQUEST_SIZE = 2048 };

struct http_load {
    int port;
    int connections;
    double seconds;
    /* Writes the next request's path. */
    void (*next)(void *arg, char *path, size_t size);
    void *arg;
    const char *token; /* of whoever asks; NULL: nobody */
};

/* Answers per second, and how long each took. */
double http_run(const struct http_load *load, struct hist *h);

/* One GET with Connection: close: head and body, to be freed. */
char *http_get_whole(int port, const char *path, const char *token);
char *http_get_text(int port, const char *path); /* only the body */

#endif
