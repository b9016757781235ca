/* SPDX-License-Identifier: MIT */
#include "tests/test.h"
#include "tests/unit/services/auth/scene.h"

#include "shared/crypto/token.h"

#include <string.h>

STMT(test_age_signing_keys, "UPDATE signing_keys SET created_at = created_at - interval '100 days'");

/* As another copy of the service would start, in a transaction that is taken back. */
static void start_copy(struct req *rq, struct auth *copy)
{
    *copy = (struct auth){.settings = scene_auth()->settings};
    CHECK_INT(keys_load(rq, copy), OK);
}

TEST(copies_sign_with_the_same_key)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct req *rq = scene_req();
    struct auth copy;
    db_begin(rq);
    start_copy(rq, &copy);
    db_rollback(rq);
    CHECK_STR(token_signer_key_id(copy.signer), token_signer_key_id(scene_auth()->signer));
    token_signer_free(copy.signer);
    CHECK_INT(ask(&nobody, "auth.key.list", "{}"), OK);
    CHECK_STR(got("keys.0.kid"), token_signer_key_id(scene_auth()->signer));
}

TEST(an_old_key_is_followed_by_a_new_one)
{
    struct person nobody;
    if (!scene_open(&nobody))
        return;
    struct req *rq = scene_req();
    struct auth copy;
    db_begin(rq);
    CHECK_INT(db_exec(rq, &test_age_signing_keys, NO_PARAMS, NULL), OK);
    start_copy(rq, &copy);
    CHECK(strcmp(token_signer_key_id(copy.signer), token_signer_key_id(scene_auth()->signer)) != 0);
    struct auth next;
    start_copy(rq, &next);
    CHECK_STR(token_signer_key_id(next.signer), token_signer_key_id(copy.signer));
    db_rollback(rq);
    token_signer_free(copy.signer);
    token_signer_free(next.signer);
}
