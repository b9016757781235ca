/* SPDX-License-Identifier: MIT
 *
 * A row of sync is the present state of a message, however often it changed: to those who never saw
 * it, it is new, to the others it changed or is gone. Either way its event carries the number of
 * the last change, after which the client is in step with it. */

#include "gateway/fill.h"

#include <stdlib.h>

#include "shared/base/buf.h"
#include "shared/base/heap.h"

static bool scan_i64(struct span value, int64_t *ret)
{
    uint64_t number;
    if (!scan_uint(value, &number) || number > INT64_MAX)
        return false;
    *ret = (int64_t)number;
    return true;
}

static bool parse_row(struct span json, struct fill_row *ret)
{
    static const char *const names[] = {"seq", "rev", "deleted_at"};
    struct span values[3];
    *ret = (struct fill_row){.json = json};
    if (!scan_members(json, names, values, 3))
        return false;
    ret->is_deleted = values[2].at != NULL && !span_is(values[2], "null");
    return scan_i64(values[0], &ret->seq) && scan_i64(values[1], &ret->rev);
}

static bool parse_rows(struct fill *f, struct span messages)
{
    struct span item;
    size_t count = 0;
    for (size_t at = 0; scan_item(messages, &at, &item);)
        count++;
    f->rows = arena_new_n(&f->arena, struct fill_row, count);
    for (size_t at = 0; scan_item(messages, &at, &item); f->count++)
        if (!parse_row(item, &f->rows[f->count]))
            return false;
    return true;
}

void *fill_parse(const struct ask_answer *a)
{
    static const char *const names[] = {"messages", "seq", "has_more"};
    struct span values[3];
    struct fill *f = heap_alloc(sizeof(*f));
    struct span whole = {arena_strndup(&f->arena, a->body, a->len), a->len};
    int64_t seq = 0;
    if (!scan_members(whole, names, values, 3) || !scan_i64(values[1], &seq) ||
        !parse_rows(f, values[0])) {
        fill_free(f);
        return NULL;
    }
    f->has_more = span_is(values[2], "true") && f->count > 0;
    /* The number was read before the rows: they may reach further than it. */
    int64_t last = f->count > 0 ? f->rows[f->count - 1].rev : 0;
    f->until = f->has_more || last > seq ? last : seq;
    return f;
}

void fill_free(struct fill *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++) {
        frame_unref(f->rows[i].as_new);
        frame_unref(f->rows[i].as_changed);
    }
    arena_release(&f->arena);
    free(f);
}

static void copy_member(struct buf *out, struct span object, const char *name)
{
    struct span value;
    if (scan_member(object, name, &value) && value.at != NULL) {
        buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
        buf_add(out, value.at, value.len);
    }
}

/* What a deleted message leaves behind, as message.delete says it. */
static struct frame *frame_of_gone(struct event_to to, struct span json)
{
    static const char *const names[] = {"id",         "channel_id", "server_id",
                                        "deleted_at", "seq",        "rev"};
    auto_buf struct buf body = {0};
    buf_addc(&body, '{');
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        copy_member(&body, json, names[i]);
    buf_addc(&body, '}');
    return frame_event(&event_types[EV_MESSAGE_DELETE], to, body.data, body.len);
}

static struct frame *frame_of_changed(const struct fill *f, const struct fill_row *r)
{
    struct event_to to = f->to;
    to.seq = r->rev;
    if (r->is_deleted)
        return frame_of_gone(to, r->json);
    return frame_event(&event_types[EV_MESSAGE_UPDATE], to, r->json.at, r->json.len);
}

static struct frame *frame_of_new(const struct fill *f, const struct fill_row *r)
{
    struct event_to to = f->to;
    to.seq = r->rev;
    struct frame *frame = frame_event(&event_types[EV_MESSAGE_CREATE], to, r->json.at, r->json.len);
    if (r->rev == r->seq)
        return frame;
    /* Among those it goes to, some may have been told of the message in the state they began with.
     */
    frame->born = r->seq;
    frame->instead = frame_of_changed(f, r);
    return frame;
}

struct frame *fill_frame(struct fill *f, size_t row, int64_t after)
{
    struct fill_row *r = &f->rows[row];
    if (r->rev <= after)
        return NULL;
    if (r->seq > after && !r->is_deleted) {
        if (r->as_new == NULL)
            r->as_new = frame_of_new(f, r);
        return r->as_new;
    }
    if (r->as_changed == NULL)
        r->as_changed = frame_of_changed(f, r);
    return r->as_changed;
}
