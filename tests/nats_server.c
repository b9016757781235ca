/* SPDX-License-Identifier: MIT */

#include "tests/nats_server.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);
    bool found = bind(fd, (struct sockaddr *)&address, len) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &len) == 0;
    close(fd);
    return found ? ntohs(address.sin_port) : 0;
}

static bool answers(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(port);
    bool ok = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return ok;
}

static bool wait_until_it_answers(const struct nats_server *s)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000000};
    for (int i = 0; i < 500; i++) {
        if (answers(s->port))
            return true;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
            return false;
        nanosleep(&pause, NULL);
    }
    return false;
}

bool nats_server_resume(struct nats_server *s)
{
    char port[16];
    (void)snprintf(port, sizeof(port), "%d", s->port);
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("nats-server", "nats-server", "-js", "-a", "127.0.0.1", "-p", port, "-sd", s->store,
               "-l", "/dev/null", (char *)NULL);
        _exit(127);
    }
    return s->pid > 0 && wait_until_it_answers(s);
}

bool nats_server_start(struct nats_server *s)
{
    *s = (struct nats_server){.port = free_port(), .store = "/tmp/nats-XXXXXX"};
    (void)snprintf(s->url, sizeof(s->url), "nats://127.0.0.1:%d", s->port);
    return mkdtemp(s->store) != NULL && nats_server_resume(s);
}

void nats_server_halt(struct nats_server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void nats_server_freeze(struct nats_server *s)
{
    kill(s->pid, SIGSTOP);
    waitpid(s->pid, NULL, WUNTRACED);
}

void nats_server_thaw(struct nats_server *s)
{
    kill(s->pid, SIGCONT);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void nats_server_stop(struct nats_server *s)
{
    nats_server_halt(s);
    (void)nftw(s->store, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
