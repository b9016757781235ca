/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

/* TEST(a_sentence_that_must_be_true) { … CHECK(…); … } lists itself; there is no other list.
 * CHECK reports and goes on. Tests run in no order: each makes its own world. */

#include <stdbool.h>
#include <stdint.h>

struct test {
    const char *name;
    const char *file;
    void (*run)(void);
};

/* The registry is an array of pointers in a section of their own, which the linker collects. The
 * pointers are not const: const ones would need text relocations in a PIE. */
#define TEST(name)                                                                        \
    static void test_##name(void);                                                        \
    static const struct test test_row_##name = {#name, __FILE__, test_##name};            \
    static const struct test *test_entry_##name __attribute__((used, section("tests"))) = \
        &test_row_##name;                                                                 \
    static void test_##name(void)

#define CHECK(condition) test_check((condition), __FILE__, __LINE__, #condition)

/* CHECK that shows both values. */
#define CHECK_INT(a, b) test_check_int((a), (b), __FILE__, __LINE__, #a " == " #b)
#define CHECK_STR(a, b) test_check_str((a), (b), __FILE__, __LINE__, #a " == " #b)

/* The rest of the test needs something this machine lacks; follow it with return. */
#define SKIP(reason) test_skip(reason)

/* The condition itself, so that a test can stop early: if (!CHECK(p != NULL)) return; */
bool test_check(bool condition, const char *file, int line, const char *text);
bool test_check_int(long long a, long long b, const char *file, int line, const char *text);
bool test_check_str(const char *a, const char *b, const char *file, int line, const char *text);
void test_skip(const char *reason);

/* Random cases that can be had again: every test begins at the seed of the run, which a failing run
 * prints and the second argument sets. The test's own thread only. */
uint64_t test_random(void);

#endif
