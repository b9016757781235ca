/* SPDX-License-Identifier: MIT
 *
 * Settings: every kind, every way to be wrong, and secrets from files. */

#include "shared/base/conf.h"
#include "shared/base/log.h"
#include "tests/test.h"

#include <fcntl.h>
#include <string.h>

struct settings {
    const char *url;
    const char *secret;
    int64_t workers;
    bool is_pretty;
    struct rate limit;
};

static const struct conf_key keys[] = {
    {"TEST_URL",     CONF(settings, url,       STR),  "nats://127.0.0.1", 0,                           "where",     0, 0 },
    {"TEST_SECRET",  CONF(settings, secret,    STR),  NULL,               CONF_REQUIRED | CONF_SECRET, "what",      0, 0 },
    {"TEST_WORKERS", CONF(settings, workers,   INT),  "4",                0,                           "how many",  1, 64},
    {"TEST_PRETTY",  CONF(settings, is_pretty, BOOL), "false",            0,                           "how",       0, 0 },
    {"TEST_LIMIT",   CONF(settings, limit,     RATE), "100/60",           0,                           "how often", 0, 0 },
};

static void clean(void)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        unsetenv(keys[i].name);
    unsetenv("TEST_SECRET_FILE");
}

/* Loads, and keeps what was logged: one line per bad key. */
static char complaints[8192];

static bool load(struct settings *s)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    log_to(ends[1]);
    bool ok = conf_load(keys, ARRAY_LEN(keys), s);
    log_to(STDERR_FILENO);
    close(ends[1]);
    ssize_t len = read(ends[0], complaints, sizeof(complaints) - 1);
    complaints[len > 0 ? len : 0] = '\0';
    close(ends[0]);
    return ok;
}

TEST(defaults_hold_where_the_environment_says_nothing)
{
    clean();
    setenv("TEST_SECRET", "s", 1);
    setenv("TEST_URL", "", 1);
    struct settings s = {0};
    CHECK(load(&s));
    CHECK_STR(s.url, "nats://127.0.0.1");
    CHECK_INT(s.workers, 4);
    CHECK(!s.is_pretty);
    CHECK(s.limit.count == 100 && s.limit.seconds == 60);
    CHECK_STR(complaints, "");
}

TEST(the_environment_wins_over_defaults)
{
    clean();
    setenv("TEST_SECRET", "s3", 1);
    setenv("TEST_WORKERS", "64", 1);
    setenv("TEST_PRETTY", "yes", 1);
    setenv("TEST_LIMIT", "0/0", 1);
    struct settings s = {0};
    CHECK(load(&s));
    CHECK_STR(s.secret, "s3");
    CHECK_INT(s.workers, 64);
    CHECK(s.is_pretty);
    CHECK(s.limit.count == 0 && s.limit.seconds == 0);
}

TEST(all_bad_keys_are_named_and_no_value_is)
{
    clean();
    setenv("TEST_WORKERS", "65", 1);
    setenv("TEST_PRETTY", "perhaps", 1);
    setenv("TEST_LIMIT", "5/0", 1);
    struct settings s = {0};
    CHECK(!load(&s));
    CHECK(strstr(complaints, "TEST_SECRET") != NULL);
    CHECK(strstr(complaints, "TEST_WORKERS") != NULL);
    CHECK(strstr(complaints, "TEST_PRETTY") != NULL);
    CHECK(strstr(complaints, "TEST_LIMIT") != NULL);
    CHECK(strstr(complaints, "TEST_URL") == NULL);
    CHECK(strstr(complaints, "perhaps") == NULL);
}

TEST(numbers_and_rates_are_strict)
{
    static const char *const wrong[] = {"0", "-1", "1x", " 1", "1.0", "99999999999999999999"};
    struct settings s = {0};
    clean();
    setenv("TEST_SECRET", "s", 1);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        setenv("TEST_WORKERS", wrong[i], 1);
        CHECK(!load(&s));
    }
    unsetenv("TEST_WORKERS");
    static const char *const wrong_rates[] = {"5", "5/", "/5", "5/x", "0/5", "5/60/1"};
    for (size_t i = 0; i < ARRAY_LEN(wrong_rates); i++) {
        setenv("TEST_LIMIT", wrong_rates[i], 1);
        CHECK(!load(&s));
    }
}

TEST(a_secret_may_stand_in_a_file)
{
    clean();
    char path[] = "/tmp/conf-test-XXXXXX";
    auto_fd int fd = mkstemp(path);
    CHECK(write(fd, "from a file\n", 12) == 12);
    setenv("TEST_SECRET_FILE", path, 1);
    struct settings s = {0};
    CHECK(load(&s));
    CHECK_STR(s.secret, "from a file");
    unlink(path);
    CHECK(!load(&s));
    CHECK(strstr(complaints, "TEST_SECRET") != NULL);
    clean();
}

TEST(the_table_prints_as_documentation)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    conf_print(keys, ARRAY_LEN(keys), CONF_MARKDOWN, out);
    conf_print(keys, ARRAY_LEN(keys), CONF_JSON, out);
    fclose(out);
    CHECK(strstr(text, "| `TEST_WORKERS` | integer | `4` |  | how many (1 to 64) |") != NULL);
    CHECK(strstr(text, "| `TEST_SECRET` | string | `` | required, secret | what |") != NULL);
    CHECK(strstr(text, "{\"name\":\"TEST_LIMIT\",\"kind\":\"rate\",\"default\":\"100/60\"") !=
          NULL);
    free(text);
}
