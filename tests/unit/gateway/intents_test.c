/* SPDX-License-Identifier: MIT */
#include "gateway/intents.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/macros.h"
#include "tests/test.h"

static bool read_text(const char *text, uint32_t *ret)
{
    return intents_read((struct span){text, strlen(text)}, ret);
}

TEST(each_family_is_its_events_and_no_others)
{
    intents_init();
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        char text[64];
        uint32_t intents = 0;
        int len = (int)strcspn(event_types[i].name, ".");
        snprintf(text, sizeof(text), "[\"%.*s\"]", len, event_types[i].name);
        CHECK(read_text(text, &intents));
        for (size_t k = 0; k < EVENT_COUNT; k++)
            CHECK(intents_want(intents, &event_types[k]) ==
                  (strncmp(event_types[k].name, event_types[i].name, (size_t)len + 1) == 0));
        CHECK(intents_want(INTENTS_ALL, &event_types[i]));
        CHECK(!intents_want(0, &event_types[i]));
    }
    CHECK(intents_want(0, NULL));
}

TEST(a_list_is_the_sum_of_its_families_and_an_empty_one_is_none)
{
    uint32_t intents = INTENTS_ALL;
    intents_init();
    CHECK(read_text(" [ ]" + 1, &intents) && intents == 0);
    CHECK(read_text("[ \"message\" ,\"typing\"\n]", &intents));
    CHECK(intents_want(intents, &event_types[EV_MESSAGE_DELETE]));
    CHECK(intents_want(intents, &event_types[EV_TYPING_STOP]));
    CHECK(!intents_want(intents, &event_types[EV_SERVER_CREATE]));
}

TEST(what_is_no_list_of_families_is_refused)
{
    static const char *const lists[] = {
        "",       "null",          "\"message\"",      "{}",           "[",
        "[1]",    "[\"\"]",        "[\"messages\"]",   "[\"mess\"]",   "[\"message.create\"]",
        "[null]", "[\"message\",", "[\"message\" \"]", "[\"voice\",]", "[,]",
    };
    uint32_t intents;
    intents_init();
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (!CHECK(!read_text(lists[i], &intents)))
            printf("%s\n", lists[i]);
}
