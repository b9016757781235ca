/* SPDX-License-Identifier: MIT
 *
 * One thread moves the bytes of both connections, by the event-loop interface of libnats. What is
 * published goes into the connection's buffer and is sent when this thread gets to run: a lone
 * message at once, and whatever came meanwhile by the same system call. libnats itself offers only
 * a system call for each message, or a flusher that sleeps for a millisecond first.
 *
 * libnats calls attach, read, write and detach under the connection's lock, from any thread, while
 * we may hold back what is to be sent; it closes a socket before it attaches the next one, which
 * takes the old one out of the epoll set. EPOLLOUT is watched only while the kernel's buffer is
 * full: otherwise the thread is woken, and only if it sleeps. */

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/heap.h"
#include "shared/base/log.h"
#include "shared/base/thread.h"
#include "shared/wire/bus_private.h"

enum { EVENTS = 8 };

struct bus_io {
    struct bus *bus;
    int epoll;
    int wake; /* an eventfd, edge-triggered: nobody needs to read it; its pointer is NULL */
    atomic_bool is_asleep;
    atomic_bool is_stopping;
    pthread_t thread;
};

/* ---- what is watched; under the link's io_lock ---- */

static bool watch(struct bus_link *link, int op)
{
    struct epoll_event event = {.events = link->io_reads ? EPOLLIN : 0, .data.ptr = link};
    if (link->io_is_full)
        event.events |= EPOLLOUT;
    return epoll_ctl(link->bus->io->epoll, op, link->io_fd, &event) == 0;
}

static bool is_sendable(struct bus_link *link)
{
    pthread_mutex_lock(&link->io_lock);
    bool is = link->io_writes && link->io_holds == 0 && !link->io_is_full;
    pthread_mutex_unlock(&link->io_lock);
    return is;
}

/* Failing means that the socket is being closed, and with it what was to be sent. */
static void set_full(struct bus_link *link, bool is_full)
{
    pthread_mutex_lock(&link->io_lock);
    if (link->io_is_full != is_full) {
        link->io_is_full = is_full;
        (void)watch(link, EPOLL_CTL_MOD);
        pthread_cond_broadcast(&link->io_room);
    }
    pthread_mutex_unlock(&link->io_lock);
}

static void wake(struct bus_io *io)
{
    if (atomic_exchange(&io->is_asleep, false))
        (void)eventfd_write(io->wake, 1);
}

/* ---- the thread ---- */

static void send_out(struct bus_link *link)
{
    if (!is_sendable(link))
        return;
    natsConnection_ProcessWriteEvent(link->io_nc);
    if (is_sendable(link))
        set_full(link, true);
}

static void serve(struct bus_link *link, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        natsConnection_ProcessReadEvent(link->io_nc);
    if ((events & EPOLLOUT) != 0)
        set_full(link, false);
}

/* How long epoll may wait: whoever publishes after is_asleep was set wakes us. */
static int rest_ms(struct bus_io *io)
{
    atomic_store(&io->is_asleep, true);
    if (!is_sendable(&io->bus->ask) && !is_sendable(&io->bus->hear))
        return -1;
    atomic_store(&io->is_asleep, false);
    return 0;
}

static void *io_main(void *arg)
{
    struct bus_io *io = arg;
    struct epoll_event events[EVENTS];
    while (!atomic_load(&io->is_stopping)) {
        int n = epoll_wait(io->epoll, events, EVENTS, rest_ms(io));
        atomic_store(&io->is_asleep, false);
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr != NULL)
                serve(events[i].data.ptr, events[i].events);
        send_out(&io->bus->ask);
        send_out(&io->bus->hear);
    }
    return NULL;
}

/* ---- what libnats calls ---- */

static natsStatus on_attach(void **user, void *loop, natsConnection *nc, natsSock fd)
{
    struct bus_link *link = loop;
    *user = link;
    pthread_mutex_lock(&link->io_lock);
    if (link->io_nc == NULL)
        link->io_nc = nc;
    link->io_fd = fd;
    link->io_reads = true;
    link->io_writes = false;
    link->io_is_full = false;
    pthread_cond_broadcast(&link->io_room);
    atomic_fetch_add(&link->attachments, 1);
    bool is_ok = watch(link, EPOLL_CTL_ADD);
    pthread_mutex_unlock(&link->io_lock);
    return is_ok ? NATS_OK : NATS_ERR;
}

/* A socket that is gone is as good as not watched. */
static natsStatus on_read(void *user, bool is_wanted)
{
    struct bus_link *link = user;
    pthread_mutex_lock(&link->io_lock);
    link->io_reads = is_wanted;
    bool is_ok = watch(link, EPOLL_CTL_MOD) || !is_wanted;
    pthread_mutex_unlock(&link->io_lock);
    return is_ok ? NATS_OK : NATS_ERR;
}

static natsStatus on_write(void *user, bool is_wanted)
{
    struct bus_link *link = user;
    pthread_mutex_lock(&link->io_lock);
    link->io_writes = is_wanted;
    bool is_held = link->io_holds > 0;
    pthread_mutex_unlock(&link->io_lock);
    if (is_wanted && !is_held)
        wake(link->bus->io);
    return NATS_OK;
}

static natsStatus on_detach(void *user UNUSED)
{
    return NATS_OK;
}

natsStatus bus_io_attach(struct bus_link *link, natsOptions *o)
{
    return natsOptions_SetEventLoop(o, link, on_attach, on_read, on_write, on_detach);
}

void bus_io_hold(struct bus_link *link)
{
    pthread_mutex_lock(&link->io_lock);
    link->io_holds++;
    pthread_mutex_unlock(&link->io_lock);
}

void bus_io_release(struct bus_link *link)
{
    pthread_mutex_lock(&link->io_lock);
    bool is_last = --link->io_holds == 0 && link->io_writes;
    pthread_mutex_unlock(&link->io_lock);
    if (is_last)
        wake(link->bus->io);
}

void bus_io_wait_room(struct bus_link *link, int64_t us)
{
    int64_t until_us = mono_us() + us;
    const struct timespec until = {.tv_sec = until_us / 1000000,
                                   .tv_nsec = until_us % 1000000 * 1000};
    int waited = 0;
    pthread_mutex_lock(&link->io_lock);
    while (link->io_is_full && waited == 0)
        waited = pthread_cond_clockwait(&link->io_room, &link->io_lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&link->io_lock);
}

/* ---- life ---- */

void bus_io_link_init(struct bus_link *link)
{
    pthread_mutex_init(&link->io_lock, NULL);
    pthread_cond_init(&link->io_room, NULL);
}

void bus_io_link_done(struct bus_link *link)
{
    pthread_cond_destroy(&link->io_room);
    pthread_mutex_destroy(&link->io_lock);
}

struct bus_io *bus_io_new(struct bus *b)
{
    struct bus_io *io = heap_alloc(sizeof(*io));
    struct epoll_event woken = {.events = EPOLLIN | EPOLLET};
    io->bus = b;
    io->epoll = epoll_create1(EPOLL_CLOEXEC);
    io->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (io->epoll < 0 || io->wake < 0 || epoll_ctl(io->epoll, EPOLL_CTL_ADD, io->wake, &woken) != 0)
        die("bus: no descriptors are left");
    thread_start(&io->thread, io_main, io);
    return io;
}

void bus_io_stop(struct bus_io *io)
{
    atomic_store(&io->is_stopping, true);
    (void)eventfd_write(io->wake, 1);
    pthread_join(io->thread, NULL);
}

void bus_io_free(struct bus_io *io)
{
    close(io->wake);
    close(io->epoll);
    free(io);
}
