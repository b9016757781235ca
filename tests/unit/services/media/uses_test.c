/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/media/depot.h"

#include "services/media/storage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    snowflake message, channel, server;
};

static struct place place_new(void)
{
    return (struct place){snowflake_next(), snowflake_next(), snowflake_next()};
}

static void use(snowflake id, const struct place *at)
{
    const char *payload =
        kit_f("{\"message_id\":\"%" PRIu64 "\",\"channel_id\":\"%" PRIu64
              "\",\"server_id\":\"%" PRIu64 "\",\"attachment_ids\":[\"%" PRIu64 "\"]}",
              at->message, at->channel, at->server, id);
    kit_caller()->app = 1;
    CHECK_INT(kit_hear(depot_hears(EV_ATTACHMENT_USE), payload, NULL), OK);
}

/* Hears that this is no more; the job then finds it old enough. */
static void end(enum event_id event, snowflake id)
{
    const char *payload = kit_f("{\"id\":\"%" PRIu64 "\",\"server_id\":\"1\"}", id);
    CHECK_INT(kit_hear(depot_hears(event), payload, NULL), OK);
    kit_sql("UPDATE gone SET at = now() - interval '1 minute' WHERE id = %" PRIu64, id);
    CHECK_INT(kit_run(depot_job("uses_end")), OK);
}

/* A day and two hours pass for this file. */
static void age(snowflake id)
{
    kit_sql("UPDATE attachments SET unused_since = unused_since - interval '26 hours',"
            " deleted_at = deleted_at - interval '26 hours' WHERE id = %" PRIu64,
            id);
    CHECK_INT(kit_run(depot_job("files_sweep")), OK);
}

static bool is_row(snowflake id)
{
    return kit_sql("SELECT 1 FROM attachments WHERE id = %" PRIu64, id)[0] == '1';
}

static bool is_open_to_owner(snowflake owner, snowflake id)
{
    return kit_call(owner, "media.file.get", depot_of(id), NULL) == OK;
}

TEST(a_file_no_message_uses_goes_after_a_day)
{
    if (!depot_open())
        return;
    snowflake id = depot_file(snowflake_next());
    CHECK_INT(kit_run(depot_job("files_sweep")), OK);
    CHECK(depot_has(id));
    age(id);
    CHECK(!depot_has(id));
    CHECK(!is_row(id));
}

TEST(a_file_a_message_uses_stays)
{
    if (!depot_open())
        return;
    snowflake id = depot_file(snowflake_next());
    struct place at = place_new();
    use(id, &at);
    use(id, &at);
    age(id);
    CHECK(depot_has(id));
    CHECK_STR(kit_sql("SELECT count(*) FROM uses WHERE attachment_id = %" PRIu64, id), "1");
}

TEST(a_file_goes_with_the_last_message_that_has_it)
{
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    snowflake id = depot_file(ann);
    struct place first = place_new();
    struct place second = place_new();
    use(id, &first);
    use(id, &second);
    end(EV_MESSAGE_DELETE, first.message);
    CHECK(is_open_to_owner(ann, id));
    end(EV_MESSAGE_DELETE, second.message);
    CHECK(!is_open_to_owner(ann, id));
    CHECK(depot_has(id));
    age(id);
    CHECK(!depot_has(id));
    CHECK(!is_row(id));
}

TEST(files_go_with_their_channel_and_with_their_server)
{
    if (!depot_open())
        return;
    snowflake ann = snowflake_next();
    snowflake one = depot_file(ann);
    snowflake two = depot_file(ann);
    struct place at = place_new();
    struct place there = place_new();
    use(one, &at);
    use(two, &there);
    end(EV_CHANNEL_DELETE, at.channel);
    CHECK(!is_open_to_owner(ann, one));
    CHECK(is_open_to_owner(ann, two));
    end(EV_SERVER_DELETE, there.server);
    CHECK(!is_open_to_owner(ann, two));
}

TEST(a_use_heard_after_its_end_keeps_nothing)
{
    if (!depot_open())
        return;
    snowflake id = depot_file(snowflake_next());
    struct place at = place_new();
    end(EV_MESSAGE_DELETE, at.message);
    use(id, &at);
    age(id);
    CHECK(!depot_has(id));
}

TEST(a_use_of_another_applications_file_is_none)
{
    if (!depot_open())
        return;
    kit_caller()->app = 7;
    snowflake id = depot_file(snowflake_next());
    struct place at = place_new();
    CHECK_STR(kit_sql("SELECT app_id FROM attachments WHERE id = %" PRIu64, id), "7");
    use(id, &at);
    CHECK_STR(kit_sql("SELECT count(*) FROM uses WHERE attachment_id = %" PRIu64, id), "0");
}

TEST(what_an_upload_left_behind_is_swept_when_it_is_old)
{
    if (!depot_open())
        return;
    const char *root = depot_media()->settings->root;
    const struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    int fd = storage_create(root, "left-behind");
    CHECK(fd >= 0);
    CHECK_INT(kit_run(depot_job("temps_sweep")), OK);
    CHECK_INT(depot_temps(), 1);
    CHECK_INT(futimens(fd, old), 0);
    close(fd);
    CHECK_INT(kit_run(depot_job("temps_sweep")), OK);
    CHECK_INT(depot_temps(), 0);
}
