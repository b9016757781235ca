/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an outbox document. What is read as events is written as a document that reads the
 * same. */

#include "shared/wire/event.h"
#include "tests/fuzz/fuzz.h"

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void expect_same(const struct event *a, const struct event *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        expect(a->type == b->type && a->seq == b->seq && a->time_us == b->time_us);
        expect(is_same_text(a->subject, b->subject) && is_same_text(a->id, b->id));
        expect(is_same_text(a->trace, b->trace));
        expect(a->body_len == b->body_len && memcmp(a->body, b->body, a->body_len) == 0);
    }
    expect(a == NULL && b == NULL);
}

/* A request keeps its events newest first; only durable ones are in a document. */
static struct event *as_kept(struct event *oldest)
{
    struct event *newest = NULL;
    while (oldest != NULL) {
        struct event *next = oldest->next;
        if (event_types[oldest->type].keeping == DURABLE) {
            oldest->next = newest;
            newest = oldest;
        }
        oldest = next;
    }
    return newest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    auto_buf struct buf first = {0};
    auto_buf struct buf second = {0};
    struct event *events = NULL;
    struct event *again = NULL;
    if (events_unpack(&a, (const char *)data, size, &events) != OK)
        return 0;
    events_pack(as_kept(events), &first);
    expect(events_unpack(&a, first.data, first.len, &events) == OK);
    expect(events_unpack(&a, first.data, first.len, &again) == OK);
    events_pack(as_kept(again), &second);
    expect(first.len == second.len);
    expect(first.len == 0 || memcmp(first.data, second.data, first.len) == 0);
    expect(events_unpack(&a, second.data, second.len, &again) == OK);
    expect_same(events, again);
    return 0;
}
