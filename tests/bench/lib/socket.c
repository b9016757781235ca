/* SPDX-License-Identifier: MIT */
/* Each socket keeps a buffer only while it holds a piece of a frame: 19,000 idle ones cost little.
 */

#include "tests/bench/lib/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 512, READ_SIZE = 1 << 18, PATH_SIZE = 2048 };

struct load {
    int epoll;
    struct sockaddr_in address;
    load_frame_fn *on_frame;
    char *read;
};

static void fatal(const char *what)
{
    perror(what);
    exit(2);
}

void load_aim(struct load *l, int port)
{
    l->address.sin_port = htons((uint16_t)port);
}

struct load *load_new(const char *host, int port, load_frame_fn *on_frame)
{
    struct load *l = calloc(1, sizeof(*l));
    l->address.sin_family = AF_INET;
    load_aim(l, port);
    inet_pton(AF_INET, host, &l->address.sin_addr);
    l->on_frame = on_frame;
    l->read = malloc(READ_SIZE);
    l->epoll = epoll_create1(0);
    if (l->epoll < 0)
        fatal("epoll_create1");
    return l;
}

void load_free(struct load *l)
{
    close(l->epoll);
    free(l->read);
    free(l);
}

struct load_socket *load_connect(struct load *l, const char *path, void *arg)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&l->address, sizeof(l->address)) != 0)
        fatal("connect");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    char request[PATH_SIZE];
    int n =
        snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: load\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bG9hZCBnZW5lcmF0b3IhIQ==\r\n\r\n",
                 path);
    if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        fatal("send");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct load_socket *s = calloc(1, sizeof(*s));
    *s = (struct load_socket){.load = l, .arg = arg, .fd = fd};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
    epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev);
    return s;
}

void load_close(struct load_socket *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    free(s->in);
    free(s->out);
    s->in = NULL;
    s->out = NULL;
    s->in_len = s->in_cap = s->out_len = 0;
}

static void watch_out(struct load_socket *s, bool is_wanted)
{
    struct epoll_event ev = {.events = EPOLLIN | (is_wanted ? EPOLLOUT : 0), .data.ptr = s};
    epoll_ctl(s->load->epoll, EPOLL_CTL_MOD, s->fd, &ev);
}

static void flush_out(struct load_socket *s)
{
    ssize_t n = send(s->fd, s->out, s->out_len, MSG_NOSIGNAL);
    if (n < 0)
        n = 0;
    s->out_len -= (size_t)n;
    memmove(s->out, s->out + n, s->out_len);
    if (s->out_len == 0)
        watch_out(s, false);
}

static void send_bytes(struct load_socket *s, const char *bytes, size_t len)
{
    ssize_t n = s->out_len == 0 ? send(s->fd, bytes, len, MSG_NOSIGNAL) : 0;
    if (n < 0)
        n = 0;
    if ((size_t)n == len)
        return;
    s->out = realloc(s->out, s->out_len + len);
    memcpy(s->out + s->out_len, bytes + n, len - (size_t)n);
    s->out_len += len - (size_t)n;
    watch_out(s, true);
}

/* A mask of zeros is a mask: the payload stays readable and costs nothing to make. */
void load_send(struct load_socket *s, const char *text, size_t len)
{
    static char frame[70000];
    size_t at = 0;
    if (s->fd < 0 || len + 14 > sizeof(frame))
        return;
    frame[at++] = (char)0x81;
    if (len < 126) {
        frame[at++] = (char)(0x80 | len);
    } else {
        frame[at++] = (char)(0x80 | 126);
        frame[at++] = (char)(len >> 8);
        frame[at++] = (char)len;
    }
    memset(frame + at, 0, 4);
    at += 4;
    memcpy(frame + at, text, len);
    send_bytes(s, frame, at + len);
}

/* The size of a whole frame at p, 0 when it is not all there. */
static size_t frame_size(const unsigned char *p, size_t len, size_t *ret_head)
{
    if (len < 2)
        return 0;
    size_t size = p[1] & 127;
    size_t head = 2;
    if (size == 126) {
        if (len < 4)
            return 0;
        size = (size_t)p[2] << 8 | p[3];
        head = 4;
    } else if (size == 127) {
        if (len < 10)
            return 0;
        size = 0;
        for (int i = 0; i < 8; i++)
            size = size << 8 | p[2 + i];
        head = 10;
    }
    *ret_head = head;
    return len >= head + size ? head + size : 0;
}

static size_t consume_frames(struct load_socket *s, const char *data, size_t len)
{
    size_t at = 0;
    size_t head;
    size_t size;
    while (s->fd >= 0 &&
           (size = frame_size((const unsigned char *)data + at, len - at, &head)) > 0) {
        int opcode = data[at] & 15;
        if (opcode == 1)
            s->load->on_frame(s, data + at + head, size - head);
        else if (opcode == 8 && size >= head + 2)
            s->close_code =
                (unsigned char)data[at + head] << 8 | (unsigned char)data[at + head + 1];
        at += size;
    }
    return at;
}

static size_t consume(struct load_socket *s, const char *data, size_t len)
{
    size_t at = 0;
    if (!s->is_upgraded) {
        const char *end = memmem(data, len, "\r\n\r\n", 4);
        if (end == NULL)
            return 0;
        if (len < 12 || memcmp(data + 9, "101", 3) != 0) {
            fprintf(stderr, "upgrade refused: %.*s\n", (int)(end - data), data);
            exit(2);
        }
        s->is_upgraded = true;
        at = (size_t)(end + 4 - data);
    }
    return at + consume_frames(s, data + at, len - at);
}

/* What is left of the data waits for more, in a buffer of the socket's own. */
static void keep(struct load_socket *s, const char *data, size_t len)
{
    if (len == 0) {
        free(s->in);
        s->in = NULL;
        s->in_cap = 0;
    } else if (data >= s->in && data < s->in + s->in_cap) {
        memmove(s->in, data, len);
    } else {
        s->in = malloc(len);
        s->in_cap = len;
        memcpy(s->in, data, len);
    }
    s->in_len = len;
}

/* Where the next bytes go: behind those that wait, if there are any. */
static char *room(struct load_socket *s, size_t *ret_size)
{
    if (s->in_len == 0) {
        *ret_size = READ_SIZE;
        return s->load->read;
    }
    if (s->in_cap < s->in_len + READ_SIZE / 2) {
        s->in_cap = 2 * s->in_len + READ_SIZE;
        s->in = realloc(s->in, s->in_cap);
    }
    *ret_size = s->in_cap - s->in_len;
    return s->in + s->in_len;
}

static void on_readable(struct load_socket *s)
{
    size_t size;
    char *at = room(s, &size);
    ssize_t n = recv(s->fd, at, size, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        load_close(s);
        s->load->on_frame(s, NULL, 0);
        return;
    }
    const char *data = at - s->in_len;
    size_t len = s->in_len + (size_t)n;
    size_t used = consume(s, data, len);
    if (s->fd >= 0)
        keep(s, data + used, len - used);
}

int load_turn(struct load *l, int wait_ms)
{
    return load_turn_us(l, wait_ms * INT64_C(1000));
}

int load_turn_us(struct load *l, int64_t wait_us)
{
    struct epoll_event events[EVENTS_MAX];
    struct timespec wait = {.tv_nsec = wait_us % 1000000 * 1000, .tv_sec = wait_us / 1000000};
    int n = epoll_pwait2(l->epoll, events, EVENTS_MAX, &wait, NULL);
    for (int i = 0; i < n; i++) {
        struct load_socket *s = events[i].data.ptr;
        if (s->fd >= 0 && (events[i].events & EPOLLOUT) != 0)
            flush_out(s);
        if (s->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
            on_readable(s);
    }
    return n < 0 ? 0 : n;
}

const char *json_find(const char *payload, size_t len, const char *key)
{
    char quoted[64];
    int n = snprintf(quoted, sizeof(quoted), "\"%s\":", key);
    const char *at = memmem(payload, len, quoted, (size_t)n);
    return at != NULL ? at + n : NULL;
}
