/* SPDX-License-Identifier: MIT */
/* The service as the runner sees it, and the life of its lanes. */

#include "services/media/lanes.h"
#include "services/media/storage.h"
#include "shared/base/heap.h"
#include "shared/base/rand.h"

enum { USES_EVERY_S = 5, FILES_EVERY_S = 60, TEMPS_EVERY_S = 600 };

#define SETTING(member, kind) CONF(media_settings, member, kind)
/* clang-format off */
static const struct conf_key media_keys[] = {
    {"MEDIA_ROOT",   SETTING(root, STR),   NULL, CONF_REQUIRED, "folder of the files, shared by all copies", 0, 0},
    {"MEDIA_SECRET", SETTING(secret, STR), NULL, CONF_REQUIRED | CONF_SECRET, "signs links and upload tokens; messaging has the same", 0, 0},
};
/* clang-format on */

static const struct job jobs[] = {
    {"uses_end",    USES_EVERY_S,  JOB_ONE, uses_end   },
    {"files_sweep", FILES_EVERY_S, JOB_ONE, files_sweep},
    {"temps_sweep", TEMPS_EVERY_S, JOB_ONE, temps_sweep},
    {NULL,          0,             JOB_ONE, NULL       },
};

static enum err start(const struct service_run *run, void **ret_state)
{
    struct media *m = heap_alloc(sizeof(*m));
    m->settings = run->settings;
    m->bus = run->bus;
    m->db = run->db;
    m->copy = rand_u64();
    storage_prepare(m->settings->root);
    *ret_state = m;
    return lanes_start(m, &m->lanes);
}

static void stop(void *state)
{
    struct media *m = state;
    lanes_stop(m->lanes);
    free(m);
}

const struct service media_service = {
    .name = "media",
    .subject = "media",
    .api = &media_api,
    .hears = media_hears,
    .jobs = jobs,
    .needs = NEEDS_DB | NEEDS_IDS,
    .keys = media_keys,
    .key_count = ARRAY_LEN(media_keys),
    .settings_size = sizeof(struct media_settings),
    .start = start,
    .stop = stop,
};
