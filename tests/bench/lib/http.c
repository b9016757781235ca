/* SPDX-License-Identifier: MIT */
#include "tests/bench/lib/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"

enum { READ_SIZE = 1 << 18, EVENTS_MAX = 256 };

struct connection {
    const struct http_load *load;
    int fd;
    int64_t sent_us;
    size_t have;
    char *data;
};

static void fatal(const char *what)
{
    perror(what);
    exit(2);
}

static int open_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fatal("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void send_get(int fd, const char *path, const char *token, const char *more)
{
    char request[HTTP_REQUEST_SIZE];
    int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: load\r\n%s%s%s%s\r\n",
                     path, more, token != NULL ? "Authorization: Bearer " : "",
                     token != NULL ? token : "", token != NULL ? "\r\n" : "");
    if (n < 0 || (size_t)n >= sizeof(request) || send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        fatal("send");
}

static void ask(struct connection *c)
{
    char path[256];
    c->load->next(c->load->arg, path, sizeof(path));
    c->have = 0;
    c->sent_us = mono_us();
    send_get(c->fd, path, c->load->token, "");
}

/* The whole answer is there. */
static bool is_answered(const struct connection *c)
{
    const char *end = memmem(c->data, c->have, "\r\n\r\n", 4);
    const char *length = memmem(c->data, c->have, "Content-Length: ", 16);
    if (end == NULL)
        return false;
    if (strncmp(c->data, "HTTP/1.1 200", 12) != 0 || length == NULL) {
        fprintf(stderr, "unexpected answer: %.*s\n", (int)c->have, c->data);
        exit(1);
    }
    return c->have >= (size_t)(end + 4 - c->data) + (size_t)strtol(length + 16, NULL, 10);
}

static void on_readable(struct connection *c, struct hist *h)
{
    ssize_t n = recv(c->fd, c->data + c->have, READ_SIZE - c->have, 0);
    if (n <= 0) {
        fprintf(stderr, "the server closed a connection\n");
        exit(1);
    }
    c->have += (size_t)n;
    if (!is_answered(c))
        return;
    hist_add(h, mono_us() - c->sent_us);
    ask(c);
}

static struct connection *connect_all(const struct http_load *load, int epoll)
{
    struct connection *all = calloc((size_t)load->connections, sizeof(*all));
    for (int i = 0; i < load->connections; i++) {
        struct connection *c = &all[i];
        *c =
            (struct connection){.load = load, .fd = open_to(load->port), .data = malloc(READ_SIZE)};
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev);
        ask(c);
    }
    return all;
}

double http_run(const struct http_load *load, struct hist *h)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    memset(h, 0, sizeof(*h));
    struct connection *all = connect_all(load, epoll);
    int64_t began_us = mono_us();
    while ((double)(mono_us() - began_us) < load->seconds * 1e6) {
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(epoll, events, EVENTS_MAX, 1000);
        for (int i = 0; i < n; i++)
            on_readable(events[i].data.ptr, h);
    }
    double rate = (double)h->count * 1e6 / (double)(mono_us() - began_us);
    for (int i = 0; i < load->connections; i++) {
        close(all[i].fd);
        free(all[i].data);
    }
    free(all);
    close(epoll);
    return rate;
}

char *http_get_whole(int port, const char *path, const char *token)
{
    int fd = open_to(port);
    char *data = malloc(READ_SIZE);
    size_t have = 0;
    ssize_t n;
    send_get(fd, path, token, "Connection: close\r\n");
    while (have < READ_SIZE - 1 && (n = recv(fd, data + have, READ_SIZE - 1 - have, 0)) > 0)
        have += (size_t)n;
    data[have] = '\0';
    close(fd);
    return data;
}

char *http_get_text(int port, const char *path)
{
    char *data = http_get_whole(port, path, NULL);
    const char *end = strstr(data, "\r\n\r\n");
    if (end == NULL) {
        fprintf(stderr, "no answer for %s\n", path);
        exit(2);
    }
    memmove(data, end + 4, strlen(end + 4) + 1);
    return data;
}
