/* SPDX-License-Identifier: MIT
 *
 * Log lines as a collector reads them, written into a pipe. */

#include "shared/base/log.h"
#include "tests/test.h"

#include <jansson.h>
#include <string.h>

static char line[2 * LOG_LINE_MAX];

/* What the calls between begin and end wrote. */
static int ends[2];

static void begin(bool pretty)
{
    CHECK(pipe(ends) == 0);
    log_to(ends[1]);
    log_init("test", LEVEL_INFO, pretty);
}

static size_t end(void)
{
    close(ends[1]);
    ssize_t len = read(ends[0], line, sizeof(line) - 1);
    close(ends[0]);
    log_to(STDERR_FILENO);
    line[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

TEST(a_line_is_one_json_object_with_typed_values)
{
    begin(false);
    uint64_t id = UINT64_C(1234567890123456789);
    bool is_new = true;
    LOG(INFO, "invite.used", KV("code", "hT\"K"), KV("server_id", id), KV("uses", 3),
        KV("is_new", is_new), KV("share", 0.5), KV("missing", (const char *)NULL));
    size_t len = end();
    CHECK(len > 0 && line[len - 1] == '\n');
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    CHECK(json != NULL);
    CHECK_STR(json_string_value(json_object_get(json, "level")), "info");
    CHECK_STR(json_string_value(json_object_get(json, "service")), "test");
    CHECK_STR(json_string_value(json_object_get(json, "what")), "invite.used");
    CHECK_STR(json_string_value(json_object_get(json, "code")), "hT\"K");
    CHECK_STR(json_string_value(json_object_get(json, "server_id")), "1234567890123456789");
    CHECK_INT(json_integer_value(json_object_get(json, "uses")), 3);
    CHECK(json_is_true(json_object_get(json, "is_new")));
    CHECK(json_real_value(json_object_get(json, "share")) == 0.5);
    CHECK(json_is_null(json_object_get(json, "missing")));
    json_decref(json);
}

TEST(what_is_below_the_level_is_not_written)
{
    begin(false);
    LOG(DEBUG, "noise.made");
    LOG(WARN, "thing.odd");
    CHECK(end() > 0);
    CHECK(strstr(line, "noise") == NULL && strstr(line, "thing.odd") != NULL);
}

TEST(a_line_too_long_loses_members_and_stays_json)
{
    static char huge[5000];
    memset(huge, 'x', sizeof(huge) - 1);
    begin(false);
    LOG(INFO, "flood.met", KV("a", &huge[0]), KV("b", &huge[0]), KV("c", &huge[0]),
        KV("d", &huge[0]), KV("e", 5));
    size_t len = end();
    CHECK(len <= LOG_LINE_MAX);
    json_t *json = json_loads(line, 0, NULL);
    CHECK(json != NULL);
    CHECK(json_is_true(json_object_get(json, "cut")));
    CHECK_INT(json_integer_value(json_object_get(json, "e")), 5);
    json_decref(json);
}

TEST(bytes_that_are_no_utf8_do_not_break_a_line)
{
    begin(false);
    LOG(INFO, "name.seen", KV("name", "a\xFF\n\xC3"));
    end();
    json_t *json = json_loads(line, 0, NULL);
    CHECK(json != NULL);
    CHECK_STR(json_string_value(json_object_get(json, "name")), "a?\n?");
    json_decref(json);
}

TEST(pretty_lines_are_for_people)
{
    begin(true);
    LOG(INFO, "server.started", KV("port", 8080), KV("name", "a b"));
    end();
    CHECK(strstr(line, "info  test server.started port=8080 name=\"a b\"\n") != NULL);
    log_init("test", LEVEL_INFO, false);
}

TEST(levels_are_known_by_name)
{
    enum log_level level = LEVEL_INFO;
    CHECK(log_level_parse("warn", &level) && level == LEVEL_WARN);
    CHECK(!log_level_parse("loud", &level) && level == LEVEL_WARN);
}
