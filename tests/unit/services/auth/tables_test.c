/* SPDX-License-Identifier: MIT */
#include "services/auth/auth.h"
#include "tests/test.h"
#include "tests/walk.h"

TEST(every_row_of_auth_keeps_the_rules)
{
    walk_contract(&auth_service,
                  "auth.account.create auth.session.create auth.session.refresh auth.instance.get"
                  " auth.jwks.get");
}

TEST(every_statement_of_auth_prepares)
{
    walk_statements(&auth_service,
                    "instance_row instance_change key_newest key_public session_purge_tickets"
                    " test_dismiss test_age_signing_keys test_sessions_of test_age_tickets");
}

TEST(auth_refuses_strangers)
{
    walk_strangers(&auth_service, NULL);
}
