/* SPDX-License-Identifier: MIT
 *
 * Runs every TEST the linker collected and says what happened, one line each, the sum last. An
 * argument picks the tests whose name contains it, a second one is the seed of a run that failed.
 */

#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Ends of the section, made by the linker; weak, so that a binary without tests links. */
extern const struct test *__start_tests[] __attribute__((weak));
extern const struct test *__stop_tests[] __attribute__((weak));

static struct {
    int failures; /* failed checks of the test that runs */
    const char *skip;
    uint64_t random;
} current;

static uint64_t seed;

static struct {
    int passed;
    int failed;
    int skipped;
} sum;

static void report(const char *file, int line, const char *text)
{
    __atomic_add_fetch(&current.failures, 1, __ATOMIC_RELAXED);
    printf("%s:%d: not true: %s", file, line, text);
}

bool test_check(bool condition, const char *file, int line, const char *text)
{
    if (!condition) {
        report(file, line, text);
        putchar('\n');
    }
    return condition;
}

bool test_check_int(long long a, long long b, const char *file, int line, const char *text)
{
    if (a != b) {
        report(file, line, text);
        printf(" (%lld, %lld)\n", a, b);
    }
    return a == b;
}

bool test_check_str(const char *a, const char *b, const char *file, int line, const char *text)
{
    bool is_same = a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
    if (!is_same) {
        report(file, line, text);
        printf(" (\"%s\", \"%s\")\n", a != NULL ? a : "(null)", b != NULL ? b : "(null)");
    }
    return is_same;
}

/* splitmix64. */
uint64_t test_random(void)
{
    uint64_t z = current.random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void test_skip(const char *reason)
{
    current.skip = reason;
}

static void run(const struct test *test)
{
    current.failures = 0;
    current.skip = NULL;
    current.random = seed;
    test->run();
    if (current.failures > 0) {
        printf("FAILED %s (%s)\n", test->name, test->file);
        sum.failed++;
    } else if (current.skip != NULL) {
        printf("skipped %s: %s\n", test->name, current.skip);
        sum.skipped++;
    } else {
        printf("ok %s\n", test->name);
        sum.passed++;
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return EXIT_FAILURE;
    const char *wanted = argc > 1 ? argv[1] : "";
    for (const struct test **at = __start_tests; at < __stop_tests; at++)
        if (strstr((*at)->name, wanted) != NULL)
            run(*at);
    if (sum.failed > 0)
        printf("again with seed %" PRIu64 "\n", seed);
    printf("%d passed, %d failed", sum.passed, sum.failed);
    if (sum.skipped > 0)
        printf(", %d skipped", sum.skipped);
    putchar('\n');
    return sum.failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
