/* SPDX-License-Identifier: MIT
 *
 * Guards, modes, transactions and idempotency keys, through rows of the test service.
 */
#include <pthread.h>
#include <string.h>

#include "shared/service/idempotency.h"
#include "tests/kit.h"
#include "tests/test.h"
#include "tests/unit/shared/service/notes.h"
#include "tests/walk.h"

enum { ANN = 7, BOB = 8 };

#define IN_CHANNEL(channel) kit_f("{\"channel_id\":\"%llu\"}", (unsigned long long)(channel))

static enum err write_note(const char *subject, snowflake actor, snowflake channel,
                           const char *text)
{
    return kit_call(actor, subject, IN_CHANNEL(channel), kit_f("{\"text\":\"%s\"}", text));
}

/* ---- guards ---- */

TEST(the_test_service_keeps_the_rules_of_every_service)
{
    if (!notes_open())
        return;
    walk_contract(&notes_service, "notes.door.get");
    walk_strangers(&notes_service, NULL);
}

TEST(nobody_is_refused_before_the_form_is_judged)
{
    if (!notes_open())
        return;
    CHECK(kit_call(0, "notes.note.create", NULL, "{\"text\":17}") == ERR_UNAUTHORIZED);
    CHECK_STR(kit_field(), "");
    CHECK(kit_call(0, "notes.door.get", NULL, NULL) == OK);
    CHECK_INT(kit_status(), 204);
}

TEST(a_stranger_does_not_learn_whether_the_form_was_right)
{
    if (!notes_open())
        return;
    CHECK(kit_call(ANN, "notes.note.create", "{\"channel_id\":\"5\"}", "{\"text\":17}") ==
          ERR_UNKNOWN_CHANNEL);
    CHECK_STR(kit_field(), "");
    CHECK(write_note("notes.note.create", NOTES_SECOND_CLASS, notes_channel(), "a") ==
          ERR_MISSING_PERMISSIONS);
}

TEST(a_bad_form_names_its_field)
{
    if (!notes_open())
        return;
    CHECK(write_note("notes.note.create", ANN, notes_channel(), "") == ERR_INVALID_FORM);
    CHECK(strncmp(kit_field(), "text: ", 6) == 0);
    CHECK(kit_call(ANN, "notes.note.create", "{\"channel_id\":\"x\"}", "{}") == ERR_INVALID_FORM);
    CHECK(strncmp(kit_field(), "channel_id: ", 12) == 0);
}

TEST(only_an_administrator_enters_the_office)
{
    if (!notes_open())
        return;
    CHECK(kit_call(0, "notes.office.get", NULL, NULL) == ERR_UNAUTHORIZED);
    CHECK(kit_call(ANN, "notes.office.get", NULL, NULL) == ERR_MISSING_PERMISSIONS);
    kit_caller()->is_admin = true;
    CHECK(kit_call(ANN, "notes.office.get", NULL, NULL) == OK);
}

/* ---- transactions ---- */

TEST(a_write_is_committed_with_its_event)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    CHECK(write_note("notes.note.create", ANN, channel, "hello") == OK);
    CHECK_INT(kit_status(), 201);
    CHECK_STR(kit_get("text"), "hello");
    CHECK_STR(kit_event_get("message.create", "text"), "hello");
    CHECK_INT(notes_count(channel), 1);
    CHECK(kit_call(ANN, "notes.note.list", IN_CHANNEL(channel), NULL) == OK);
    CHECK_STR(kit_get("0.text"), "hello");
}

TEST(a_failed_write_leaves_nothing)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    CHECK(write_note("notes.note.create", ANN, channel, "fail") == ERR_MAX_PINS);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(notes_count(channel), 0);
}

TEST(a_refusal_keeps_what_was_written)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    CHECK(write_note("notes.note.create", ANN, channel, "refuse") == ERR_REFRESH_REUSED);
    CHECK_INT(kit_event_count(), 1);
    CHECK_INT(notes_count(channel), 1);
}

TEST(a_serialization_conflict_is_tried_again)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    CHECK(write_note("notes.note.create", ANN, channel, "retry") == OK);
    CHECK_INT(kit_event_count(), 1);
    CHECK_INT(notes_count(channel), 1);
}

/* ---- keys ---- */

TEST(a_repeated_key_gives_the_first_answer)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    kit_caller()->key = kit_f("repeat-%llu", (unsigned long long)channel);
    CHECK(write_note("notes.note.create", ANN, channel, "once") == OK);
    snowflake first = kit_get_id("id");
    CHECK(write_note("notes.note.create", ANN, channel, "twice") == OK);
    CHECK(kit_get_id("id") == first);
    CHECK_STR(kit_get("text"), "once");
    CHECK_INT(kit_status(), 201);
    CHECK_INT(kit_event_count(), 0);
    CHECK(write_note("notes.note.create", BOB, channel, "other") == OK);
    CHECK_INT(notes_count(channel), 2);
}

TEST(a_repeated_key_gives_the_answer_even_when_the_second_request_would_fail)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    kit_caller()->key = kit_f("late-%llu", (unsigned long long)channel);
    CHECK(write_note("notes.note.create", ANN, channel, "once") == OK);
    snowflake first = kit_get_id("id");
    CHECK(write_note("notes.note.create", ANN, channel, "fail") == OK);
    CHECK(kit_get_id("id") == first);
}

TEST(an_answer_without_a_body_is_kept_too)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    kit_caller()->key = kit_f("empty-%llu", (unsigned long long)channel);
    CHECK(kit_call(ANN, "notes.note.clear", IN_CHANNEL(channel), NULL) == OK);
    CHECK(kit_call(ANN, "notes.note.clear", IN_CHANNEL(channel), NULL) == OK);
    CHECK_INT(kit_status(), 204);
    CHECK_STR(kit_detail(), "recalled");
}

TEST(a_key_used_for_another_row_is_refused)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    kit_caller()->key = kit_f("other-%llu", (unsigned long long)channel);
    CHECK(write_note("notes.note.create", ANN, channel, "once") == OK);
    CHECK(kit_call(ANN, "notes.note.clear", IN_CHANNEL(channel), NULL) == ERR_KEY_REUSED);
    CHECK_INT(notes_count(channel), 1);
}

TEST(a_secret_answer_is_not_kept)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    kit_caller()->key = kit_f("secret-%llu", (unsigned long long)channel);
    CHECK(write_note("notes.key.create", ANN, channel, "secret") == OK);
    CHECK(write_note("notes.key.create", ANN, channel, "secret") == ERR_ANSWER_NOT_KEPT);
    CHECK_INT(notes_count(channel), 1);
}

TEST(an_error_is_not_kept_for_its_key)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    kit_caller()->key = kit_f("error-%llu", (unsigned long long)channel);
    CHECK(write_note("notes.note.create", ANN, channel, "fail") == ERR_MAX_PINS);
    CHECK(write_note("notes.note.create", ANN, channel, "better") == OK);
    CHECK_INT(notes_count(channel), 1);
}

TEST(a_key_must_be_short_and_printable)
{
    if (!notes_open())
        return;
    kit_caller()->key = "no blanks";
    CHECK(write_note("notes.note.create", ANN, notes_channel(), "a") == ERR_INVALID_FORM);
    CHECK(strncmp(kit_field(), "Idempotency-Key: ", 17) == 0);
    kit_caller()->key = "12345678901234567890123456789012345678901234567890123456789012345";
    CHECK(write_note("notes.note.create", ANN, notes_channel(), "a") == ERR_INVALID_FORM);
}

struct racer {
    pthread_t thread;
    snowflake channel;
    const char *subject;
    enum err err;
    snowflake id;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    kit_caller()->key = kit_f("race-%llu", (unsigned long long)r->channel);
    r->err = write_note(r->subject, ANN, r->channel, "race");
    r->id = kit_get_id("id");
    return NULL;
}

static void check_race(const char *subject)
{
    struct racer racers[6];
    snowflake channel = notes_channel();
    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        racers[i] = (struct racer){.channel = channel, .subject = subject};
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(racers); i++)
        pthread_join(racers[i].thread, NULL);
    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        CHECK(racers[i].err == OK);
        CHECK(racers[i].id == racers[0].id);
    }
    CHECK_INT(notes_count(channel), 1);
}

TEST(requests_at_once_with_one_key_do_the_work_once)
{
    if (!notes_open())
        return;
    for (int i = 0; i < 10; i++)
        check_race("notes.note.create");
    check_race("notes.line.create");
}

TEST(old_keys_are_forgotten)
{
    if (!notes_open())
        return;
    snowflake channel = notes_channel();
    kit_caller()->key = kit_f("old-%llu", (unsigned long long)channel);
    CHECK(write_note("notes.note.create", ANN, channel, "once") == OK);
    kit_sql("UPDATE idempotency SET at = now() - interval '25 hours' WHERE key = '%s'",
            kit_caller()->key);
    CHECK(kit_run(&key_purge_job) == OK);
    CHECK(write_note("notes.note.create", ANN, channel, "again") == OK);
    CHECK_INT(notes_count(channel), 2);
}
