/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SERVICES_VOICE_SIGNALING_SCENE_H
#define TESTS_UNIT_SERVICES_VOICE_SIGNALING_SCENE_H

/* Two voice channels of a server and some users, all this test's own, in a real bucket. Messaging
 * is played by the test: everybody may do everything until it says otherwise. */

#include "services/voice-signaling/voice.h"
#include "tests/kit.h"
#include "tests/stand_in.h"
#include "tests/test.h"

#include <inttypes.h>

enum { PEOPLE = 6 };

struct scene {
    snowflake server;
    snowflake channel;
    snowflake other_channel;
    snowflake people[PEOPLE];
};

/* False: something is missing here, and the test was skipped. */
bool scene_open(struct scene *ret);

/* A thread of the test takes part in it. */
bool scene_enter(void);

/* What messaging says about every channel from now on. */
void play_channel(const struct scene *s, const char *type, uint64_t permissions);

const char *text_of(snowflake id);

/* From a session called "s<user>". */
enum err joins(snowflake user, snowflake channel);
enum err joins_from(snowflake user, snowflake channel, const char *session);
enum err leaves(snowflake user, snowflake channel);

/* A row about a channel, with this body. */
enum err asks(snowflake user, const char *subject, snowflake channel, const char *body);

/* How many are in the channel. */
int crowd(snowflake channel);

/* A request of no kit: what is done by the clock asks others, which it could not within a
 * transaction. Release its arena. */
struct req clockwork(void);

/* As if they had sat down long ago. */
void grows_old(struct req *rq, snowflake user);

/* How many a sweep sent away. */
int left_by(enum err (*sweep)(struct req *rq), struct req *rq);

#endif
