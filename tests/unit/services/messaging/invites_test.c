/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/messaging/world.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

static const char *of_code(const char *code)
{
    return kit_f("{\"code\":\"%s\"}", code);
}

static const char *invite_to(const struct place *p, const char *body)
{
    CHECK_INT(kit_call(p->owner, "messaging.invite.create", in_server(p->server), body), OK);
    return kit_f("%s", kit_get("code"));
}

TEST(an_invite_opens_a_private_server)
{
    if (!world_open())
        return;
    struct place p = place_new();
    kit_sql("UPDATE servers SET is_public = false WHERE id = %" PRIu64, p.server);
    const char *code = invite_to(&p, "{}");
    CHECK_INT((long long)strlen(code), 8);
    CHECK_STR(kit_get("url"), kit_f("/invite/%s", code));
    CHECK_INT(kit_call(0, "messaging.invite.get", of_code(code), NULL), OK);
    CHECK_STR(kit_get("server.name"), "A place");
    CHECK_INT(kit_call(person("bob"), "messaging.invite.accept", of_code(code), NULL), OK);
    CHECK(kit_get_id("id") == p.server);
    CHECK_INT(kit_call(person("cid"), "messaging.member.join", in_server(p.server),
                       kit_f("{\"invite\":\"%s\"}", code)),
              OK);
    CHECK_INT(kit_call(person("eve"), "messaging.invite.accept", of_code("nothing1"), NULL),
              ERR_UNKNOWN_INVITE);
}

TEST(an_invite_ends_with_its_age)
{
    if (!world_open())
        return;
    struct place p = place_new();
    const char *code = invite_to(&p, "{\"max_age\":60}");
    kit_sql("UPDATE invites SET expires_at = now() WHERE code = '%s'", code);
    CHECK_INT(kit_call(person("bob"), "messaging.invite.accept", of_code(code), NULL),
              ERR_INVITE_EXPIRED);
    CHECK_INT(kit_call(0, "messaging.invite.get", of_code(code), NULL), ERR_INVITE_EXPIRED);
}

struct crowd {
    struct place place;
    char code[16];
    atomic_int in, out;
};

static void follow(int number, void *arg)
{
    (void)number;
    struct crowd *c = arg;
    enum err e = kit_call(person("crowd"), "messaging.invite.accept", of_code(c->code), NULL);
    CHECK(e == OK || e == ERR_INVITE_EXPIRED);
    atomic_fetch_add(e == OK ? &c->in : &c->out, 1);
}

TEST(an_invite_for_five_lets_in_five_of_twenty_at_once)
{
    if (!world_open())
        return;
    struct crowd c = {.place = place_new()};
    snprintf(c.code, sizeof(c.code), "%s", invite_to(&c.place, "{\"max_uses\":5}"));
    at_once(20, follow, &c);
    CHECK_INT(atomic_load(&c.in), 5);
    CHECK_INT(atomic_load(&c.out), 15);
    CHECK_STR(kit_sql("SELECT uses FROM invites WHERE code = '%s'", c.code), "5");
    CHECK_STR(kit_sql("SELECT member_count FROM servers WHERE id = %" PRIu64, c.place.server), "6");
}

TEST(a_member_who_follows_an_invite_uses_nothing_up)
{
    if (!world_open())
        return;
    struct place p = place_new();
    const char *code = invite_to(&p, "{\"max_uses\":1}");
    CHECK_INT(kit_call(p.owner, "messaging.invite.accept", of_code(code), NULL), OK);
    CHECK_STR(kit_sql("SELECT uses FROM invites WHERE code = '%s'", code), "0");
}

TEST(an_invite_is_its_makers_or_a_managers_to_revoke)
{
    if (!world_open())
        return;
    struct place p = place_new();
    snowflake bob = member_of(&p);
    snowflake cid = member_of(&p);
    CHECK_INT(kit_call(bob, "messaging.invite.create", in_server(p.server), NULL), OK);
    const char *code = kit_f("%s", kit_get("code"));
    CHECK_INT(kit_call(bob, "messaging.invite.list", in_server(p.server), NULL),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(p.owner, "messaging.invite.list", in_server(p.server), NULL), OK);
    CHECK_STR(kit_get("0.code"), code);
    CHECK_INT(kit_call(cid, "messaging.invite.delete", of_code(code), NULL),
              ERR_MISSING_PERMISSIONS);
    CHECK_INT(kit_call(person("eve"), "messaging.invite.delete", of_code(code), NULL),
              ERR_UNKNOWN_INVITE);
    CHECK_INT(kit_call(bob, "messaging.invite.delete", of_code(code), NULL), OK);
    CHECK_STR(kit_event_get("invite.delete", "code"), code);
    CHECK_INT(kit_call(0, "messaging.invite.get", of_code(code), NULL), ERR_UNKNOWN_INVITE);
}
