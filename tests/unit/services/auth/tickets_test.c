/* SPDX-License-Identifier: MIT */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

#include <stdatomic.h>
#include <stdio.h>

STMT(test_age_tickets, "UPDATE tickets SET expires_at = now() WHERE session_id = $1");

static void ticket_of(const struct person *who, char ret_ticket[64])
{
    CHECK_INT(ask(who, "auth.ticket.create", "{}"), OK);
    CHECK_STR(got("expires_in"), "30");
    snprintf(ret_ticket, 64, "%s", got("ticket"));
}

static enum err redeem(const struct person *gateway, const char *ticket)
{
    return ask(gateway, "auth.ticket.redeem", "{\"ticket\":\"%s\"}", ticket);
}

TEST(a_ticket_opens_once)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    char ticket[64];
    ticket_of(&ann, ticket);
    CHECK_INT(redeem(&nobody, ticket), OK);
    CHECK(got_id("user_id") == ann.user);
    CHECK(got_id("session_id") == ann.session);
    CHECK(got_id("app_id") == nobody.app);
    CHECK_STR(got("is_bot"), "false");
    CHECK_STR(got("scopes"), "3");
    CHECK_INT(redeem(&nobody, ticket), ERR_UNAUTHORIZED);
}

struct race {
    const struct person *nobody;
    const char *ticket;
    atomic_int won;
};

static void race_to_redeem(void *arg)
{
    struct race *race = arg;
    if (redeem(race->nobody, race->ticket) == OK)
        race->won++;
}

TEST(of_many_who_redeem_one_ticket_at_once_one_succeeds)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    char ticket[64];
    ticket_of(&ann, ticket);
    struct race race = {.nobody = &nobody, .ticket = ticket};
    together(6, race_to_redeem, &race);
    CHECK_INT(race.won, 1);
}

TEST(a_ticket_ends_with_its_time_and_with_its_session)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person ann = person_new(&nobody, "ann");
    char ticket[64];
    ticket_of(&ann, ticket);
    CHECK_INT(db_exec(scene_req(), &test_age_tickets, PARAMS(P(ann.session)), NULL), OK);
    CHECK_INT(redeem(&nobody, ticket), ERR_UNAUTHORIZED);
    ticket_of(&ann, ticket);
    CHECK_INT(ask(&ann, "auth.session.end", "{}"), OK);
    CHECK_INT(redeem(&nobody, ticket), ERR_UNAUTHORIZED);
    CHECK_INT(redeem(&nobody, "pt_guess"), ERR_UNAUTHORIZED);
}

TEST(a_program_needs_no_ticket)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct person bot = person_new(&nobody, "ann");
    bot.is_bot = true;
    CHECK_INT(ask(&bot, "auth.ticket.create", "{}"), ERR_MISSING_PERMISSIONS);
}
