/* SPDX-License-Identifier: MIT
 *
 * The stream EVENTS. Its subjects grow from the durable rows of events.def, one per audience and
 * noun, so that fleeting nouns are not stored and a new row needs no second place. */

#include <stdio.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/wire/bus_private.h"

enum {
    SUBJECT_SIZE = 80,
    SUBJECTS_MAX = 512,
    DEFAULT_AGE_S = 7 * 24 * 3600,
    DUPLICATES_S = 120,
    REQUEST_MS = 5000,
};
#define NS_PER_SECOND INT64_C(1000000000)

/* Ours, one a row at most, and what the stream already has. */
struct subjects {
    char text[EVENT_COUNT][SUBJECT_SIZE];
    const char *v[SUBJECTS_MAX];
    int count;
};

static const char *scope_of(enum event_audience audience)
{
    switch (audience) {
    case AUDIENCE_CHANNEL:
        return "s.*.c.*";
    case AUDIENCE_SERVER:
        return "s.*";
    case AUDIENCE_USER:
        return "u.*";
    case AUDIENCE_INSTANCE:
        return "i.*";
    }
    return NULL;
}

static bool has(const struct subjects *s, const char *subject)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->v[i], subject) == 0)
            return true;
    return false;
}

static void collect(struct subjects *s)
{
    s->count = 0;
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        const struct event_type *type = &event_types[i];
        char *subject = s->text[s->count];
        if (type->keeping != DURABLE)
            continue;
        (void)snprintf(subject, SUBJECT_SIZE, "evt.v1.*.%s.%.*s.*", scope_of(type->audience),
                       (int)strcspn(type->name, "."), type->name);
        if (!has(s, subject))
            s->v[s->count++] = subject;
    }
}

enum err bus_jetstream(struct bus_link *link, jsCtx **ret)
{
    jsOptions o;
    (void)jsOptions_Init(&o);
    o.Wait = REQUEST_MS;
    return bus_from_status(natsConnection_JetStream(ret, link->nc, &o));
}

static enum err failed(const char *what, natsStatus status, jsErrCode code)
{
    LOG(WARN, "bus.stream", KV("failed", what), KV("status", natsStatus_GetText(status)),
        KV("code", (int)code));
    return bus_from_status(status);
}

static void stream_info_free_p(jsStreamInfo **info)
{
    jsStreamInfo_Destroy(*info);
}

/* Rows are only ever added, so a subject we do not know belongs to a newer version of us, and is
 * kept: during an upgrade the old and the new both come by here. */
static enum err update(jsCtx *js, jsStreamConfig *config, struct subjects *subjects)
{
    __attribute__((cleanup(stream_info_free_p))) jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    natsStatus status = js_GetStreamInfo(&info, js, BUS_STREAM, NULL, &code);
    if (status != NATS_OK)
        return failed("read", status, code);
    for (int i = 0; i < info->Config->SubjectsLen && subjects->count < SUBJECTS_MAX; i++)
        if (!has(subjects, info->Config->Subjects[i]))
            subjects->v[subjects->count++] = info->Config->Subjects[i];
    config->SubjectsLen = subjects->count;
    status = js_UpdateStream(NULL, js, config, NULL, &code);
    return status == NATS_OK ? OK : failed("update", status, code);
}

/* Several processes do this at the same time: who comes second finds the stream there. */
enum err bus_stream_ensure(struct bus *b, struct bus_stream s)
{
    struct subjects subjects;
    collect(&subjects);

    jsStreamConfig config;
    (void)jsStreamConfig_Init(&config);
    config.Name = BUS_STREAM;
    config.Subjects = subjects.v;
    config.SubjectsLen = subjects.count;
    config.Storage = js_FileStorage;
    config.MaxAge = (s.max_age_s > 0 ? s.max_age_s : DEFAULT_AGE_S) * NS_PER_SECOND;
    config.Duplicates = DUPLICATES_S * NS_PER_SECOND;
    config.Replicas = s.replicas > 0 ? s.replicas : 1;
    atomic_store(&b->is_replicated, config.Replicas > 1);

    if (!bus_link_is_up(&b->ask))
        return ERR_UNAVAILABLE;
    auto_js jsCtx *js = NULL;
    jsErrCode code = 0;
    TRY(bus_jetstream(&b->ask, &js));
    natsStatus status = js_AddStream(NULL, js, &config, NULL, &code);
    if (status == NATS_OK)
        return OK;
    if (code == JSStreamNameExistErr)
        return update(js, &config, &subjects);
    return failed("create", status, code);
}
