/* SPDX-License-Identifier: MIT
 *
 * Any bytes as what the realtime side takes apart without a parser: a client's frame, its cursors,
 * messaging's sync, state and layout. Spans must lie inside their text, and what a walk finds must
 * be what a search finds. */

#include "gateway/cursors.h"
#include "gateway/fill.h"
#include "gateway/scan.h"
#include "gateway/state.h"
#include "gateway/view.h"
#include "tests/fuzz/fuzz.h"

static bool is_inside(struct span text, struct span part)
{
    return part.at >= text.at && part.at + part.len <= text.at + text.len;
}

static void check_members(struct span text)
{
    static const char *const names[] = {"op", "d", "id"};
    struct span values[3];
    struct span key, value;
    bool is_object = scan_members(text, names, values, 3);
    size_t found = 0;
    for (size_t at = 0; scan_next(text, &at, &key, &value);) {
        expect(is_inside(text, key) && is_inside(text, value) && at <= text.len);
        for (size_t i = 0; i < 3; i++)
            found += is_object && span_is(key, names[i]) && values[i].at == value.at;
    }
    for (size_t i = 0; is_object && i < 3; i++)
        found -= values[i].at != NULL;
    expect(found == 0);
    if (is_object && values[1].at != NULL)
        expect(is_inside(text, values[1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct ask_answer answer = {.body = text.at, .len = size};
    struct cursors cursors = {0};
    snowflake id;
    if (size == 0)
        return 0;
    check_members(text);
    (void)!scan_id(text, &id);
    if (cursors_read(text, &cursors))
        cursors_done(&cursors);

    struct fill *fill = fill_parse(&answer);
    for (size_t i = 0; fill != NULL && i < fill->count; i++)
        (void)fill_frame(fill, i, 1);
    fill_free(fill);
    state_free(state_parse(&answer));
    layout_free(layout_parse(text.at, size));
    return 0;
}
