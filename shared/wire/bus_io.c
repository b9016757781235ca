/* SPDX-License-Identifier: MIT
 *
 * One thread moves the bytes of all our connections, by the event-loop interface of libnats. What
 * is published goes into the connection's buffer and is sent when this thread gets to run: a lone
 * message at once, and whatever came meanwhile by the same system call. libnats itself offers only
 * a system call for each message, or a flusher that sleeps for a millisecond first.
 *
 * libnats calls attach, read, write and detach under the connection's lock, from any thread, while
 * we may hold back what is to be sent; it closes a socket before it attaches the next one, which
 * takes the old one out of the epoll set. */

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"
#include "shared/wire/bus_private.h"

enum { EVENTS = 8 };

struct bus_io {
    int epoll;
    int stop; /* an eventfd: its pointer in the set is NULL */
    pthread_t thread;
};

/* Between epoll_wait and now the connection may have been replaced; libnats takes writing nothing
 * for the end of the new one. */
static bool has_output(struct bus_link *link)
{
    pthread_mutex_lock(&link->io_lock);
    bool has = (link->io_events & EPOLLOUT) != 0;
    pthread_mutex_unlock(&link->io_lock);
    return has;
}

static void serve(struct bus_link *link, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        natsConnection_ProcessReadEvent(link->io_nc);
    if ((events & EPOLLOUT) != 0 && has_output(link))
        natsConnection_ProcessWriteEvent(link->io_nc);
}

static void *io_main(void *arg)
{
    struct bus_io *io = arg;
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(io->epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                return NULL;
            serve(events[i].data.ptr, events[i].events);
        }
    }
}

/* ---- what is watched; all under the link's io_lock ---- */

static natsStatus watch(struct bus_link *link, int op)
{
    struct epoll_event event = {.events = link->io_events, .data.ptr = link};
    if (link->io_holds > 0)
        event.events &= ~(uint32_t)EPOLLOUT;
    return epoll_ctl(link->bus->io->epoll, op, link->io_fd, &event) == 0 ? NATS_OK : NATS_ERR;
}

/* A socket that is gone is as good as not watched. */
static natsStatus change(struct bus_link *link, uint32_t event, bool is_wanted)
{
    natsStatus status = NATS_OK;
    pthread_mutex_lock(&link->io_lock);
    link->io_events = is_wanted ? link->io_events | event : link->io_events & ~event;
    bool is_held = is_wanted && event == EPOLLOUT && link->io_holds > 0;
    if (!is_held && watch(link, EPOLL_CTL_MOD) != NATS_OK && is_wanted)
        status = NATS_ERR;
    pthread_mutex_unlock(&link->io_lock);
    return status;
}

void bus_io_hold(struct bus_link *link)
{
    pthread_mutex_lock(&link->io_lock);
    link->io_holds++;
    pthread_mutex_unlock(&link->io_lock);
}

/* Failing means that the socket is being closed, and with it what was to be sent. */
void bus_io_release(struct bus_link *link)
{
    pthread_mutex_lock(&link->io_lock);
    if (--link->io_holds == 0 && (link->io_events & EPOLLOUT) != 0)
        (void)watch(link, EPOLL_CTL_MOD);
    pthread_mutex_unlock(&link->io_lock);
}

/* ---- what libnats calls ---- */

static natsStatus on_attach(void **user, void *loop, natsConnection *nc, natsSock fd)
{
    struct bus_link *link = loop;
    *user = link;
    pthread_mutex_lock(&link->io_lock);
    link->io_nc = nc;
    link->io_fd = fd;
    link->io_events = EPOLLIN;
    atomic_fetch_add(&link->attachments, 1);
    natsStatus status = watch(link, EPOLL_CTL_ADD);
    pthread_mutex_unlock(&link->io_lock);
    return status;
}

static natsStatus on_read(void *user, bool is_wanted)
{
    return change(user, EPOLLIN, is_wanted);
}

static natsStatus on_write(void *user, bool is_wanted)
{
    return change(user, EPOLLOUT, is_wanted);
}

static natsStatus on_detach(void *user UNUSED)
{
    return NATS_OK;
}

natsStatus bus_io_attach(struct bus_link *link, natsOptions *o)
{
    return natsOptions_SetEventLoop(o, link, on_attach, on_read, on_write, on_detach);
}

/* ---- life ---- */

struct bus_io *bus_io_new(void)
{
    struct bus_io *io = heap_alloc(sizeof(*io));
    struct epoll_event stop = {.events = EPOLLIN};
    io->epoll = epoll_create1(EPOLL_CLOEXEC);
    io->stop = eventfd(0, EFD_CLOEXEC);
    if (io->epoll < 0 || io->stop < 0 || epoll_ctl(io->epoll, EPOLL_CTL_ADD, io->stop, &stop) != 0)
        die("bus: no descriptors are left");
    thread_start(&io->thread, io_main, io);
    return io;
}

void bus_io_free(struct bus_io *io)
{
    (void)eventfd_write(io->stop, 1);
    pthread_join(io->thread, NULL);
    close(io->stop);
    close(io->epoll);
    free(io);
}
