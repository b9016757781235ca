/* SPDX-License-Identifier: MIT
 *
 * One thread moves the bytes of all our connections, by the event-loop interface of libnats. What
 * is published goes into the connection's buffer and is sent when this thread gets to run: a lone
 * message at once, and whatever came meanwhile by the same system call. libnats itself offers only
 * a system call for each message, or a flusher that sleeps for a millisecond first.
 *
 * libnats calls attach, read, write and detach under the connection's lock, from any thread; it
 * closes a socket before it attaches the next one, which takes it out of the epoll set. */

#include <errno.h>
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

static void serve(struct bus_link *link, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        natsConnection_ProcessReadEvent(link->io_nc);
    if ((events & EPOLLOUT) != 0)
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

/* ---- what libnats calls ---- */

static natsStatus watch(struct bus_link *link, int op, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = link};
    link->io_events = events;
    return epoll_ctl(link->bus->io->epoll, op, link->io_fd, &event) == 0 ? NATS_OK : NATS_ERR;
}

static natsStatus on_attach(void **user, void *loop, natsConnection *nc, natsSock fd)
{
    struct bus_link *link = loop;
    link->io_nc = nc;
    link->io_fd = fd;
    atomic_fetch_add(&link->attachments, 1);
    *user = link;
    return watch(link, EPOLL_CTL_ADD, EPOLLIN);
}

static natsStatus change(struct bus_link *link, uint32_t event, bool is_wanted)
{
    uint32_t events = is_wanted ? link->io_events | event : link->io_events & ~event;
    natsStatus status = watch(link, EPOLL_CTL_MOD, events);
    /* Gone with its socket: as good as taken out. */
    return is_wanted || (errno != ENOENT && errno != EBADF) ? status : NATS_OK;
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
