/* SPDX-License-Identifier: MIT
 *
 * Making and letting go of messages. libnats frees a message on a thread of its own, which it wakes
 * for each one that is destroyed while that thread sleeps: a wake-up and two task switches for
 * every message. So they are destroyed in bundles, which costs one wake-up a bundle. */

#include <pthread.h>
#include <string.h>

#include "shared/wire/bus_private.h"

enum { BUNDLE = 64, BUNDLE_BYTES = 256 * 1024 };

static struct {
    pthread_mutex_t lock;
    natsMsg *msgs[BUNDLE];
    size_t count;
    size_t bytes;
} used = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void destroy_all(natsMsg **msgs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        natsMsg_Destroy(msgs[i]);
}

/* Under the lock: what is there, when it is a bundle or anything at all is wanted. */
static size_t take(bool is_any, natsMsg **ret)
{
    size_t count = used.count;
    if (!is_any && count < BUNDLE && used.bytes < BUNDLE_BYTES)
        return 0;
    memcpy(ret, used.msgs, count * sizeof(used.msgs[0]));
    used.count = 0;
    used.bytes = 0;
    return count;
}

void bus_msg_free(natsMsg *msg)
{
    natsMsg *bundle[BUNDLE];
    if (msg == NULL)
        return;
    pthread_mutex_lock(&used.lock);
    used.msgs[used.count++] = msg;
    used.bytes += (size_t)natsMsg_GetDataLength(msg);
    size_t count = take(false, bundle);
    pthread_mutex_unlock(&used.lock);
    destroy_all(bundle, count);
}

void bus_msgs_free(void)
{
    natsMsg *bundle[BUNDLE];
    pthread_mutex_lock(&used.lock);
    size_t count = take(true, bundle);
    pthread_mutex_unlock(&used.lock);
    destroy_all(bundle, count);
}

enum err bus_msg_make(const struct bus_out *out, natsMsg **ret)
{
    auto_msg natsMsg *msg = NULL;
    TRY(bus_from_status(
        natsMsg_Create(&msg, out->subject, out->reply_to, out->body, (int)out->body_len)));
    for (size_t i = 0; i < out->head_count; i++) {
        const struct bus_head *h = &out->heads[i];
        if (h->value == NULL)
            continue;
        if (strpbrk(h->value, "\r\n") != NULL)
            return ERR_INTERNAL;
        TRY(bus_from_status(natsMsgHeader_Set(msg, h->name, h->value)));
    }
    *ret = msg;
    msg = NULL;
    return OK;
}
