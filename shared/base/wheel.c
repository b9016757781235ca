/* SPDX-License-Identifier: MIT
 *
 * A circle of lists, one per tick modulo the number of slots; a timer further away than one turn
 * simply stays in its list until its tick comes. Lists are circular and headed by a timer that is
 * never due, so a timer unlinks itself without knowing where it is. */

#include "shared/base/wheel.h"

#include "shared/base/heap.h"

#include <assert.h>
#include <stdlib.h>

struct wheel {
    int64_t tick_us;
    int64_t now_tick; /* the last tick that has been run */
    size_t slots;
    struct timer heads[];
};

static void list_init(struct timer *head)
{
    head->next = head;
    head->prev = head;
}

static void list_add(struct timer *head, struct timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

struct wheel *wheel_new(int64_t tick_ms, size_t slots, int64_t now_us)
{
    assert(tick_ms > 0 && slots > 0);
    struct wheel *w = heap_alloc(sizeof(*w) + slots * sizeof(w->heads[0]));
    w->tick_us = tick_ms * 1000;
    w->now_tick = now_us / w->tick_us;
    w->slots = slots;
    for (size_t i = 0; i < slots; i++)
        list_init(&w->heads[i]);
    return w;
}

void wheel_free(struct wheel *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->slots; i++)
        while (w->heads[i].next != &w->heads[i])
            timer_cancel(w->heads[i].next);
    free(w);
}

bool timer_is_set(const struct timer *t)
{
    return t->next != NULL;
}

void timer_cancel(struct timer *t)
{
    if (!timer_is_set(t))
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->next = NULL;
    t->prev = NULL;
}

void timer_set(struct wheel *w, struct timer *t, int64_t due_us, timer_fn *fn, void *arg)
{
    timer_cancel(t);
    /* Rounded up: late by less than a tick, never early. */
    t->due_tick = (due_us + w->tick_us - 1) / w->tick_us;
    if (t->due_tick <= w->now_tick)
        t->due_tick = w->now_tick + 1;
    t->fn = fn;
    t->arg = arg;
    list_add(&w->heads[(size_t)t->due_tick % w->slots], t);
}

/* Moves what is due out of a slot before anything runs: callbacks may set timers into it. */
static void collect_due(struct wheel *w, struct timer *slot, struct timer *due)
{
    for (struct timer *t = slot->next; t != slot;) {
        struct timer *next = t->next;
        if (t->due_tick <= w->now_tick) {
            timer_cancel(t);
            list_add(due, t);
        }
        t = next;
    }
}

size_t wheel_advance(struct wheel *w, int64_t now_us)
{
    int64_t behind = now_us / w->tick_us - w->now_tick;
    if (behind <= 0)
        return 0;
    struct timer due;
    list_init(&due);
    int64_t first = w->now_tick + 1;
    w->now_tick += behind;
    /* After a long sleep one turn visits every slot. */
    int64_t visits = behind < (int64_t)w->slots ? behind : (int64_t)w->slots;
    for (int64_t i = 0; i < visits; i++)
        collect_due(w, &w->heads[(size_t)(first + i) % w->slots], &due);

    size_t ran = 0;
    for (; due.next != &due; ran++) {
        struct timer *t = due.next;
        timer_cancel(t);
        t->fn(t, t->arg);
    }
    return ran;
}
