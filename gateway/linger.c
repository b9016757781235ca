/* SPDX-License-Identifier: MIT
 *
 * One thread and one poll over few sockets. Who finds no place, or goes on for too long or with too
 * much, is closed as without all this. */

#include "gateway/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/macros.h"
#include "shared/base/thread.h"
#include "shared/domain/limit.h"

enum {
    LINGERING_MAX = 256,
    LINGER_MS = 5000,
    LINGER_BYTES = 2 * LIMIT_FILE, /* an upload that was refused, and some more */
    READ_SIZE = 32 * 1024,
    READS = 8, /* of one socket, before the others have their turn */
};

struct lingering {
    int fd;
    int64_t until_us;
    int64_t left; /* bytes */
};

struct lingerers {
    pthread_t thread;
    int wake; /* eventfd */
    char scratch[READ_SIZE];

    pthread_mutex_t lock; /* guards what follows; the thread alone takes out */
    bool is_over;
    size_t count;
    struct lingering v[LINGERING_MAX];
};

static void wake(struct lingerers *l)
{
    const uint64_t one = 1;
    (void)!write(l->wake, &one, sizeof(one));
}

void linger_take(struct lingerers *l, int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return;
    pthread_mutex_lock(&l->lock);
    bool has_room = l->count < LINGERING_MAX;
    if (has_room)
        l->v[l->count++] = (struct lingering){own, mono_us() + LINGER_MS * 1000, LINGER_BYTES};
    pthread_mutex_unlock(&l->lock);
    if (has_room)
        wake(l);
    else
        close(own);
}

/* False: it is over, by the client or by the bounds. */
static bool drain(struct lingerers *l, struct lingering *it)
{
    for (int i = 0; i < READS && it->left > 0; i++) {
        ssize_t n = recv(it->fd, l->scratch, READ_SIZE, MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        it->left -= n;
    }
    return it->left > 0;
}

/* What the poll said of the first `count`; those after them came meanwhile. */
static void serve(struct lingerers *l, const struct pollfd *polled, size_t count)
{
    int64_t now = mono_us();
    pthread_mutex_lock(&l->lock);
    for (size_t i = count; i-- > 0;) {
        struct lingering *it = &l->v[i];
        bool goes_on = it->until_us > now && (polled[i].revents == 0 || drain(l, it));
        if (goes_on)
            continue;
        close(it->fd);
        *it = l->v[--l->count];
    }
    pthread_mutex_unlock(&l->lock);
}

/* Fills in whom to wait for, and for how long at most; false when it is all over. */
static bool prepare(struct lingerers *l, struct pollfd *ret_polled, size_t *ret_count, int *ret_ms)
{
    int64_t now = mono_us();
    int64_t next_us = INT64_MAX;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++) {
        ret_polled[i] = (struct pollfd){.fd = l->v[i].fd, .events = POLLIN};
        if (l->v[i].until_us < next_us)
            next_us = l->v[i].until_us;
    }
    *ret_count = l->count;
    *ret_ms = l->count == 0 ? -1 : next_us <= now ? 0 : (int)((next_us - now) / 1000) + 1;
    bool is_over = l->is_over;
    pthread_mutex_unlock(&l->lock);
    return !is_over;
}

static void *run(void *arg)
{
    struct lingerers *l = arg;
    struct pollfd polled[LINGERING_MAX + 1];
    size_t count;
    int wait_ms;
    while (prepare(l, polled, &count, &wait_ms)) {
        uint64_t woken;
        polled[count] = (struct pollfd){.fd = l->wake, .events = POLLIN};
        if (poll(polled, count + 1, wait_ms) < 0)
            continue;
        if (polled[count].revents != 0)
            (void)!read(l->wake, &woken, sizeof(woken));
        serve(l, polled, count);
    }
    return NULL;
}

struct lingerers *linger_new(void)
{
    struct lingerers *l = heap_alloc(sizeof(*l));
    pthread_mutex_init(&l->lock, NULL);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread_start(&l->thread, run, l);
    return l;
}

void linger_free(struct lingerers *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_over = true;
    pthread_mutex_unlock(&l->lock);
    wake(l);
    pthread_join(l->thread, NULL);
    for (size_t i = 0; i < l->count; i++)
        close(l->v[i].fd);
    close(l->wake);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
