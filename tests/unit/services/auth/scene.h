/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SERVICES_AUTH_SCENE_H
#define TESTS_UNIT_SERVICES_AUTH_SCENE_H

/* People asking the service, in this process, through its rows, against a real database. Each test
 * founds an application of its own, so that tests cannot see each other. What was answered and told
 * is kept until the same thread asks again. */

#include "services/auth/auth.h"

#include <stdbool.h>

struct person {
    snowflake app;
    snowflake user; /* 0: nobody signed in */
    snowflake session;
    bool is_admin;
    bool is_bot;
    char refresh[64];
    char access[2048];
};

/* An application of this test's own, seen by somebody not signed in. False: there is no database
 * here, and the test was skipped. */
bool scene_open(struct person *ret_nobody);
/* Every thread that asked, before it ends. */
void scene_leave(void);
/* Administrators are made, not registered. */
struct person scene_admin(const struct person *nobody);

/* Calls the row with this body (JSON, formatted) and remembers the answer. */
enum err ask(const struct person *who, const char *subject, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* A value of the last answer by its path, "user.username" or "0.id", as text: "true", "null",
 * "absent". "" is the answer itself, whose text is how many values it holds. */
const char *got(const char *path);
snowflake got_id(const char *path);

/* The same of the last event of that name which the last answer's request told: "absent". */
const char *told(const char *event, const char *path);

/* Which field was at fault first; "" when none. */
const char *blamed(void);

/* Registers, or signs in, with the password "correct horse". */
struct person person_new(const struct person *nobody, const char *username);
struct person person_login(const struct person *nobody, const char *username);

/* Runs fn(arg) on `count` threads at once and waits for them. */
void together(int count, void (*fn)(void *arg), void *arg);

/* A request of this thread's own, for SQL of a test, in no transaction; what it made lives until
 * the same thread asks again. */
struct req *scene_req(void);
struct auth *scene_auth(void);

#endif
