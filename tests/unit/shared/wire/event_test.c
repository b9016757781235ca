/* SPDX-License-Identifier: MIT
 *
 * Subjects, and the way through the outbox. */

#include "shared/wire/event.h"

#include <string.h>

#include "tests/test.h"

struct note {
    snowflake id;
};
static const struct field note_fields[] = {
    F_ID(note, id),
};
static SHAPE(note);

static const struct caller caller = {.trace =
                                         "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};

TEST(the_audience_decides_the_subject)
{
    struct req rq = {.from = &caller, .app = 1};
    const struct note note = {5};
    const struct event_to to = {.server = 42, .channel = 77, .user = 9, .seq = 3};
    emit(&rq, EV_MESSAGE_CREATE, to, &note_shape, &note);
    CHECK_STR(rq.events->subject, "evt.v1.1.s.42.c.77.message.create");
    emit(&rq, EV_ROLE_UPDATE, to, &note_shape, &note);
    CHECK_STR(rq.events->subject, "evt.v1.1.s.42.role.update");
    emit(&rq, EV_READ_UPDATE, to, &note_shape, &note);
    CHECK_STR(rq.events->subject, "evt.v1.1.u.9.read.update");
    emit(&rq, EV_USER_UPDATE, to, &note_shape, &note);
    CHECK_STR(rq.events->subject, "evt.v1.1.i.9.user.update");
    CHECK_STR(rq.events->body, "{\"id\":\"5\"}");
    CHECK(strcmp(rq.events->id, rq.events->next->id) != 0);
    arena_release(&rq.arena);
}

TEST(durable_events_survive_the_outbox_in_their_order)
{
    struct req rq = {.from = &caller, .app = 1};
    const struct note note = {5};
    const struct event_to to = {.server = 42, .channel = 77, .seq = 3};
    emit(&rq, EV_MESSAGE_CREATE, to, &note_shape, &note);
    emit(&rq, EV_TYPING_START, to, &note_shape, &note);
    emit(&rq, EV_MESSAGE_DELETE, to, &note_shape, &note);
    CHECK(events_any_durable(rq.events));

    auto_buf struct buf document = {0};
    events_pack(rq.events, &document);
    CHECK_INT(strlen(buf_str(&document)), document.len);
    struct event *back = NULL;
    CHECK(events_unpack(&rq.arena, document.data, document.len, &back) == OK);
    if (!CHECK(back != NULL && back->next != NULL && back->next->next == NULL))
        return;
    const struct event *sent = rq.events->next->next;
    CHECK(back->type == EV_MESSAGE_CREATE && back->next->type == EV_MESSAGE_DELETE);
    CHECK_STR(back->id, sent->id);
    CHECK_STR(back->subject, sent->subject);
    CHECK_STR(back->trace, caller.trace);
    CHECK_STR(back->body, sent->body);
    CHECK(back->seq == 3 && back->time_us == sent->time_us);
    arena_release(&rq.arena);
}

TEST(fleeting_events_never_reach_the_outbox)
{
    struct req rq = {.app = 1};
    emit(&rq, EV_TYPING_START, (struct event_to){.server = 1, .channel = 2}, &note_shape,
         &(struct note){5});
    CHECK(!events_any_durable(rq.events));
    arena_release(&rq.arena);
}

TEST(a_cut_outbox_document_is_refused_whole)
{
    struct req rq = {.app = 1};
    emit(&rq, EV_ROLE_UPDATE, (struct event_to){.server = 1}, &note_shape, &(struct note){5});
    auto_buf struct buf document = {0};
    events_pack(rq.events, &document);
    CHECK_INT(strlen(buf_str(&document)), document.len);
    struct event *back = NULL;
    for (size_t len = 1; len < document.len; len++)
        CHECK(events_unpack(&rq.arena, document.data, len, &back) == ERR_INTERNAL);
    CHECK(events_unpack(&rq.arena, document.data, 0, &back) == OK && back == NULL);
    arena_release(&rq.arena);
}

TEST(every_event_is_found_by_its_name)
{
    for (size_t i = 0; i < EVENT_COUNT; i++)
        CHECK(event_type_find(event_types[i].name) == &event_types[i]);
    CHECK(event_type_find("message") == NULL);
}
