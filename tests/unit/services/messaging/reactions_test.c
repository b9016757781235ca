/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>
#include <string.h>

#include "services/messaging/emoji.h"

static const char *with(snowflake channel, snowflake message, const char *emoji)
{
    return kit_f("{\"channel_id\":\"%" PRIu64 "\",\"message_id\":\"%" PRIu64 "\",\"emoji\":\"%s\"}",
                 channel, message, emoji);
}

static enum err add(snowflake user, snowflake channel, snowflake message, const char *emoji)
{
    return kit_call(user, "messaging.reaction.add", with(channel, message, emoji), NULL);
}

static enum err take_back(snowflake user, snowflake channel, snowflake message, const char *emoji)
{
    return kit_call(user, "messaging.reaction.remove", with(channel, message, emoji), NULL);
}

/* The message as this user reads it. */
static void look(snowflake user, snowflake channel, snowflake message)
{
    CHECK_INT(kit_call(user, "messaging.message.get", of_message(channel, message), NULL), OK);
}

static const char *changes(snowflake channel)
{
    return kit_sql("SELECT seq FROM channels WHERE id = %" PRIu64, channel);
}

TEST(an_emoji_is_one_and_has_one_spelling)
{
    static const struct {
        const char *text, *is;
    } rows[] = {
        {"\U0001F44D",                                 "\U0001F44D"          }, /* thumbs up */
        {"\U0001F44D\U0001F3FD",                       "\U0001F44D\U0001F3FD"}, /* with a skin tone */
        {"\u2764\uFE0F",                               "\u2764\uFE0F"        }, /* heart */
        {"\u2764",                                     "\u2764\uFE0F"        }, /* as text */
        {"1\uFE0F\u20E3",                              "1\uFE0F\u20E3"       }, /* keycap */
        {"\U0001F1E9\U0001F1EA",                       "\U0001F1E9\U0001F1EA"}, /* flag */
        {"\U0001F468\u200D\U0001F469\u200D\U0001F467",
         "\U0001F468\u200D\U0001F469\u200D\U0001F467"                        },
        {"",                                           NULL                  },
        {"a",                                          NULL                  },
        {"1",                                          NULL                  },
        {" \U0001F44D",                                NULL                  },
        {"\U0001F44D\U0001F44D",                       NULL                  },
        {"\uFE0F",                                     NULL                  },
        {"\U0001F1E9",                                 NULL                  }, /* half a flag */
        {"\U0001F468\u200D",                           NULL                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[EMOJI_SIZE] = "";
        CHECK_INT(emoji_qualify(rows[i].text, out), rows[i].is != NULL);
        CHECK_STR(out, rows[i].is != NULL ? rows[i].is : "");
    }
    char out[EMOJI_SIZE];
    char much[600];
    memset(much, 'x', sizeof(much) - 1);
    much[sizeof(much) - 1] = '\0';
    CHECK(!emoji_qualify(much, out));
}

TEST(a_reaction_is_counted_and_told)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake id = say(p.owner, p.channel, "hello");
    CHECK_INT(add(bob, p.channel, id, "🎉"), OK);
    CHECK_STR(kit_event_get("reaction.add", "emoji"), "🎉");
    CHECK_STR(kit_event_get("reaction.add", "count"), "1");
    CHECK_STR(kit_event_get("reaction.add", "rev"), "2");
    CHECK_STR(kit_event_get("reaction.add", "user_id"), kit_f("%" PRIu64, bob));
    CHECK_STR(kit_event_get("reaction.add", "message_id"), kit_f("%" PRIu64, id));
    CHECK_INT(add(p.owner, p.channel, id, "👍"), OK);
    CHECK_INT(add(p.owner, p.channel, id, "🎉"), OK);
    CHECK_STR(kit_event_get("reaction.add", "count"), "2");
    look(bob, p.channel, id);
    CHECK_STR(kit_get("reactions.0.emoji"), "🎉");
    CHECK_INT(kit_get_int("reactions.0.count"), 2);
    CHECK_STR(kit_get("reactions.0.me"), "true");
    CHECK_STR(kit_get("reactions.1.emoji"), "👍");
    CHECK_STR(kit_get("reactions.1.me"), "");
    CHECK_INT(kit_get_int("seq"), 1);
    CHECK_INT(kit_get_int("rev"), 4);
    CHECK_STR(kit_get("edited_at"), "null");
}

TEST(what_changes_nothing_takes_no_number_and_is_not_told)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake id = say(p.owner, p.channel, "hello");
    CHECK_INT(take_back(p.owner, p.channel, id, "👍"), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_INT(add(p.owner, p.channel, id, "❤️"), OK);
    CHECK_INT(add(p.owner, p.channel, id, "\u2764"), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_STR(changes(p.channel), "2");
    CHECK_INT(take_back(p.owner, p.channel, id, "❤️"), OK);
    CHECK_STR(kit_event_get("reaction.remove", "count"), "0");
    CHECK_INT(take_back(p.owner, p.channel, id, "❤️"), OK);
    CHECK_INT(kit_event_count(), 0);
    CHECK_STR(changes(p.channel), "3");
    look(p.owner, p.channel, id);
    CHECK_STR(kit_get("reactions"), "[]");
    CHECK_INT(add(p.owner, p.channel, id, "❤️"), OK);
    CHECK_STR(kit_event_get("reaction.add", "count"), "1");
}

TEST(only_the_first_ones_make_an_emoji_of_a_message)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake id = say(p.owner, p.channel, "all of them");
    for (int i = 0; i < 20; i++) {
        char emoji[8] = {(char)0xF0, (char)0x9F, (char)0x90, (char)(0x80 + i)}; /* animals */
        CHECK_INT(add(bob, p.channel, id, emoji), OK);
    }
    CHECK_INT(add(p.owner, p.channel, id, "👍"), ERR_MAX_REACTIONS);
    CHECK_INT(add(p.owner, p.channel, id, "\U0001F400"), OK);
    CHECK_INT(take_back(bob, p.channel, id, "\U0001F401"), OK);
    CHECK_INT(add(p.owner, p.channel, id, "👍"), OK);
    look(bob, p.channel, id);
    CHECK_INT(kit_get_int("reactions.0.count"), 2);
    CHECK_STR(kit_get("reactions.1.emoji"), "\U0001F402");
    CHECK_STR(kit_get("reactions.19.emoji"), "👍");
    CHECK_STR(kit_get("reactions.20"), "");
}

TEST(one_reacts_only_where_and_to_what_one_may)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake id = say(p.owner, p.channel, "hello");
    snowflake other = channel_of(&p, "{\"name\":\"other\",\"type\":\"text\"}");
    CHECK_INT(add(bob, p.channel, id, "x"), ERR_UNKNOWN_EMOJI);
    CHECK_INT(add(bob, p.channel, id, ""), ERR_INVALID_FORM);
    CHECK_INT(add(bob, other, id, "👍"), ERR_UNKNOWN_MESSAGE);
    CHECK_INT(add(person("eve"), p.channel, id, "👍"), ERR_UNKNOWN_CHANNEL);
    CHECK_INT(kit_call(p.owner, "messaging.overwrite.set",
                       kit_f("{\"channel_id\":\"%" PRIu64 "\",\"target_id\":\"%" PRIu64 "\"}",
                             p.channel, p.server),
                       "{\"type\":\"role\",\"deny\":\"64\"}"),
              OK);
    CHECK_INT(add(bob, p.channel, id, "👍"), ERR_MISSING_PERMISSIONS);
    CHECK_INT(
        kit_call(p.owner, "messaging.channel.update", in_channel(other), "{\"is_locked\":true}"),
        OK);
    id = say(p.owner, other, "locked");
    CHECK_INT(add(bob, other, id, "👍"), ERR_CHANNEL_LOCKED);
    CHECK_INT(kit_call(p.owner, "messaging.message.delete", of_message(other, id), NULL), OK);
    CHECK_INT(add(p.owner, other, id, "👍"), ERR_UNKNOWN_MESSAGE);
    CHECK_INT(take_back(p.owner, other, id, "👍"), ERR_UNKNOWN_MESSAGE);
}

TEST(who_reacted_is_listed_by_pages)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake ids[3];
    snowflake id = say(p.owner, p.channel, "hello");
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        ids[i] = member_of(&p);
        CHECK_INT(add(ids[i], p.channel, id, "👍"), OK);
    }
    CHECK_INT(add(p.owner, p.channel, id, "👀"), OK);
    CHECK_INT(take_back(ids[1], p.channel, id, "👍"), OK);
    const char *row = "messaging.reaction.list";
    CHECK_INT(kit_call(p.owner, row, with(p.channel, id, "👍"), NULL), OK);
    CHECK(kit_get_id("0.id") == ids[0] && kit_get_id("1.id") == ids[2]);
    CHECK_STR(kit_get("2"), "");
    CHECK_INT(kit_call(p.owner, row,
                       kit_f("{\"channel_id\":\"%" PRIu64 "\",\"message_id\":\"%" PRIu64
                             "\",\"emoji\":\"👍\",\"after\":\"%" PRIu64 "\"}",
                             p.channel, id, ids[0]),
                       NULL),
              OK);
    CHECK(kit_get_id("0.id") == ids[2]);
    CHECK_INT(kit_call(p.owner, row, with(p.channel, id, "🎉"), NULL), OK);
    CHECK_STR(kit_body(), "[]");
}

TEST(an_edit_keeps_the_reactions_and_tells_nobody_whose_they_are)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake id = say(p.owner, p.channel, "befroe");
    CHECK_INT(add(p.owner, p.channel, id, "👍"), OK);
    CHECK_INT(kit_call(p.owner, "messaging.message.update", of_message(p.channel, id),
                       "{\"content\":\"before\"}"),
              OK);
    CHECK_STR(kit_get("reactions.0.me"), "true");
    CHECK_STR(kit_event_get("message.update", "reactions.0.count"), "1");
    CHECK_STR(kit_event_get("message.update", "reactions.0.me"), "");
}

/* Gateways tell everybody by one answer; a reader of REST is answered alone. */
TEST(sync_tells_a_gateway_whose_reactions_changed)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake a = say(p.owner, p.channel, "a");
    snowflake b = say(p.owner, p.channel, "b");
    CHECK_INT(add(bob, p.channel, a, "👍"), OK);
    CHECK_INT(add(bob, p.channel, a, "👀"), OK);
    CHECK_INT(add(p.owner, p.channel, b, "👍"), OK);
    CHECK_INT(take_back(bob, p.channel, a, "👍"), OK);
    CHECK_INT(kit_call(p.owner, "messaging.channel.sync", in_channel(p.channel), NULL), OK);
    CHECK(kit_get_id("messages.0.id") == b && kit_get_id("messages.1.id") == a);
    CHECK_STR(kit_get("messages.0.reactions.0.me"), "");
    CHECK(kit_get_id("messages.0.reacted.0.user_id") == p.owner);
    CHECK_STR(kit_get("messages.0.reacted.1"), "");
    CHECK_STR(kit_get("messages.1.reacted.0.emoji"), "👀");
    CHECK_STR(kit_get("messages.1.reacted.1.emoji"), "👍");
    CHECK_STR(kit_get("messages.1.reacted.1.is_removed"), "true");
    CHECK_STR(kit_get("messages.1.reactions.0.emoji"), "👀");
    CHECK_INT(kit_call(p.owner, "messaging.channel.sync",
                       kit_f("{\"channel_id\":\"%" PRIu64 "\",\"after\":\"5\"}", p.channel), NULL),
              OK);
    CHECK_STR(kit_get("messages.0.reacted.0.emoji"), "👍");
    CHECK_STR(kit_get("messages.0.reacted.1"), "");
    CHECK_INT(kit_call(p.owner, "messaging.message.sync", in_channel(p.channel), NULL), OK);
    CHECK_STR(kit_get("messages.0.reactions.0.me"), "true");
    CHECK_STR(kit_get("messages.0.reacted"), "");
    CHECK_STR(kit_get("messages.1.reactions.0.me"), "");
}

struct crowd {
    struct place place;
    snowflake message, users[8];
};

static void react(int number, void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 10; i++) {
        CHECK_INT(add(c->users[number], c->place.channel, c->message, "👍"), OK);
        CHECK_INT(take_back(c->users[number], c->place.channel, c->message, "👍"), OK);
    }
    CHECK_INT(add(c->users[number], c->place.channel, c->message, "👍"), OK);
}

TEST(many_who_react_at_once_are_all_counted)
{
    if (!world_open())
        return;
    struct crowd c = {.place = place_new()};
    c.message = say(c.place.owner, c.place.channel, "vote");
    for (size_t i = 0; i < ARRAY_LEN(c.users); i++)
        c.users[i] = member_of(&c.place);
    at_once(ARRAY_LEN(c.users), react, &c);
    look(c.users[0], c.place.channel, c.message);
    CHECK_INT(kit_get_int("reactions.0.count"), ARRAY_LEN(c.users));
    CHECK_INT(kit_get_int("rev"), 1 + 21 * (int)ARRAY_LEN(c.users));
}

TEST(reactions_to_what_was_deleted_long_ago_are_removed_for_good)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake id = say(p.owner, p.channel, "old");
    CHECK_INT(add(p.owner, p.channel, id, "👍"), OK);
    CHECK_INT(kit_call(p.owner, "messaging.message.delete", of_message(p.channel, id), NULL), OK);
    kit_sql("UPDATE messages SET deleted_at = now() - interval '31 days'"
            " WHERE channel_id = %" PRIu64,
            p.channel);
    CHECK_INT(kit_run(&messaging_service.jobs[0]), OK);
    CHECK_STR(kit_sql("SELECT count(*) FROM reactions WHERE channel_id = %" PRIu64, p.channel),
              "0");
    CHECK_STR(kit_sql("SELECT count(*) FROM messages WHERE channel_id = %" PRIu64
                      " AND content IS NULL AND reactions IS NULL",
                      p.channel),
              "1");
}
