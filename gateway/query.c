/* SPDX-License-Identifier: MIT
 *
 * The way of a question from a loop to the bus and back. No loop is taken down while one is under
 * way, so an answer always finds it. */

#include "gateway/query.h"

#include <stdlib.h>

#include "gateway/gateway.h"
#include "shared/base/heap.h"
#include "shared/wire/bus.h"

static void on_loop(struct loop *l, struct post *p)
{
    struct query *q = CONTAINER_OF(p, struct query, post);
    q->done(l, q);
    free(q);
    loop_ask_ends(l);
}

static void on_answer(void *arg, enum err e, natsMsg *msg)
{
    struct query *q = arg;
    struct ask_answer a;
    ask_read(e, msg, &a);
    q->err = a.err;
    if (q->err == OK) {
        q->result = q->parse(&a);
        q->err = q->result != NULL ? OK : ERR_INTERNAL;
    }
    bus_msg_free(msg);
    loop_post(q->loop, &q->post);
}

void query_start(struct loop *l, const struct query *q)
{
    struct query *kept = heap_alloc(sizeof(*kept));
    struct caller nobody = {0};
    *kept = *q;
    kept->loop = l;
    kept->post.run = on_loop;
    kept->who = NULL;
    kept->subject = kept->json = NULL;
    loop_ask_begins(l);
    ask_start_as(l->gateway->bus, q->who != NULL ? q->who : &nobody,
                 &(struct ask_out){q->subject, q->json}, on_answer, kept);
}
