/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LIB_SOCKET_H
#define TESTS_BENCH_LIB_SOCKET_H

/* The load generator's side of WebSocket (RFC 6455): many client sockets on one epoll loop in one
 * thread, so that its cost is small and known. It speaks only what a load needs: text frames out
 * (masked, as a client must), text frames in, pings ignored. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load;
struct load_socket;

/* payload is not NUL-terminated and lives only during the call; NULL when the socket closed. */
typedef void load_frame_fn(struct load_socket *s, const char *payload, size_t len);

struct load_socket {
    struct load *load;
    void *arg;      /* the benchmark's own */
    int fd;         /* -1: closed */
    int close_code; /* with which the server closed; 0: it did not say */
    bool is_upgraded;
    char *in; /* what has not been consumed yet */
    size_t in_len;
    size_t in_cap;
    char *out;
    size_t out_len;
};

struct load *load_new(const char *host, int port, load_frame_fn *on_frame);
void load_free(struct load *l);
void load_aim(struct load *l, int port); /* where those that connect from now on go */

/* Connects (waiting) and asks for path with the upgrade; the answer is awaited by load_turn. */
struct load_socket *load_connect(struct load *l, const char *path, void *arg);
void load_send(struct load_socket *s, const char *text, size_t len);
void load_close(struct load_socket *s);

/* One epoll turn of at most wait_ms; how many events it handled. */
int load_turn(struct load *l, int wait_ms);
int load_turn_us(struct load *l, int64_t wait_us);

/* The first occurrence of "key": in payload, past it; NULL when there is none. Enough of a reader
 * for frames whose shape is known. */
const char *json_find(const char *payload, size_t len, const char *key);

#endif
