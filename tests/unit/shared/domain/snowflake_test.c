/* SPDX-License-Identifier: MIT
 *
 * Ids: unique, ascending, and nothing without a lease. */

#include "shared/base/clock.h"
#include "shared/domain/snowflake.h"
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

TEST(without_a_worker_id_there_are_no_ids)
{
    snowflake_clear_worker();
    CHECK(snowflake_next() == 0);
}

TEST(an_id_tells_its_worker_and_its_time)
{
    snowflake_set_worker(777);
    int64_t before = clock_us() / 1000 * 1000;
    snowflake id = snowflake_next();
    int64_t made = snowflake_time_us(id);
    CHECK((id >> 12 & 1023) == 777);
    /* Other tests of this process may have run ahead of the clock by a few milliseconds. */
    CHECK(made >= before && made <= clock_us() + 1000000);
    CHECK(id <= INT64_MAX);
}

TEST(ids_ascend_when_a_smaller_worker_id_takes_over)
{
    snowflake_set_worker(1000);
    snowflake before = snowflake_next();
    snowflake_set_worker(1);
    CHECK(snowflake_next() > before);
}

TEST(discords_example_id_has_discords_time)
{
    CHECK_INT(snowflake_time_us(UINT64_C(175928847299117063)), INT64_C(1462015105796000));
    CHECK(snowflake_at(INT64_C(1462015105796000)) == UINT64_C(175928847299117063) >> 22 << 22);
    CHECK(snowflake_at(0) == 0);
    CHECK(snowflake_at(INT64_MAX) <= INT64_MAX);
}

TEST(ids_differ_even_without_their_times)
{
    snowflake_set_worker(9);
    snowflake first = snowflake_next();
    /* Another test may have driven the generator ahead of the clock. */
    while (clock_us() < snowflake_time_us(first) + 3000)
        ;
    snowflake second = snowflake_next();
    CHECK(snowflake_time_us(second) > snowflake_time_us(first));
    CHECK((second & 4095) == ((first + 1) & 4095));
}

enum { THREADS = 4, EACH = 50000 };

static snowflake made[THREADS][EACH];

static void *make(void *arg)
{
    snowflake *mine = arg;
    for (int i = 0; i < EACH; i++)
        mine[i] = snowflake_next();
    return NULL;
}

static int compare(const void *a, const void *b)
{
    snowflake x = *(const snowflake *)a;
    snowflake y = *(const snowflake *)b;
    return (x > y) - (x < y);
}

TEST(threads_making_more_than_4096_a_millisecond_never_meet)
{
    pthread_t threads[THREADS];
    snowflake_set_worker(5);
    for (int t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, make, made[t]);
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    for (int t = 0; t < THREADS; t++)
        for (int i = 1; i < EACH; i++)
            if (!CHECK(made[t][i] > made[t][i - 1]))
                return;
    snowflake *all = &made[0][0];
    qsort(all, THREADS * EACH, sizeof(*all), compare);
    for (size_t i = 1; i < THREADS * EACH; i++)
        if (!CHECK(all[i] != all[i - 1]))
            return;
}

TEST(text_is_read_strictly_and_written_back)
{
    static const char *const wrong[] = {"",   "0",  "-1", "+1",
                                        "01", "1 ", "x",  "9223372036854775808"};
    snowflake id = 0;
    char text[SNOWFLAKE_TEXT_SIZE];
    CHECK(snowflake_parse("9223372036854775807", &id));
    snowflake_format(id, text);
    CHECK_STR(text, "9223372036854775807");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        CHECK(!snowflake_parse(wrong[i], &id));
    CHECK(snowflake_parse_n("123>", 3, &id) && id == 123);
}
