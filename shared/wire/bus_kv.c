/* SPDX-License-Identifier: MIT
 *
 * Values are asked for and written as any other question on the bus, by the mux and with the
 * request's deadline; libnats' own calls would wait on after the connection is lost. A key is taken
 * away in two steps: an empty value at the expected revision, which decides, then a purge up to it,
 * which only tidies: should it not happen, an empty value reads as none. */

#include "shared/wire/bus_kv.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/wire/bus_private.h"
#include "shared/wire/json.h"

enum { NAME_SIZE = 80 };

/* As NATS lays out a bucket whose keys keep one value. Who comes second finds the stream there, or
 * brings it up to date with the settings. */
enum err bus_kv_ensure(struct bus *b, const struct bus_kv *kv)
{
    char name[NAME_SIZE];
    char subject[NAME_SIZE];
    const char *subjects[] = {subject};
    (void)snprintf(name, sizeof(name), "KV_%s", kv->bucket);
    (void)snprintf(subject, sizeof(subject), "$KV.%s.>", kv->bucket);

    jsStreamConfig config;
    (void)jsStreamConfig_Init(&config);
    config.Name = name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.MaxMsgsPerSubject = 1;
    config.MaxMsgSize = (int32_t)kv->max_value;
    config.MaxBytes = kv->max_bytes;
    config.Replicas = kv->replicas > 0 ? kv->replicas : 1;
    config.Discard = js_DiscardNew;
    config.DenyDelete = true;
    config.AllowRollup = true;

    if (!bus_link_is_up(&b->ask))
        return ERR_UNAVAILABLE;
    auto_js jsCtx *js = NULL;
    jsErrCode code = 0;
    TRY(bus_jetstream(&b->ask, &js));
    natsStatus status = js_AddStream(NULL, js, &config, NULL, &code);
    if (code == JSStreamNameExistErr)
        status = js_UpdateStream(NULL, js, &config, NULL, &code);
    if (status != NATS_OK)
        LOG(WARN, "bus.kv", KV("bucket", kv->bucket), KV("status", natsStatus_GetText(status)),
            KV("code", (int)code));
    return bus_from_status(status);
}

/* ---- what the server answers ---- */

/* The answer's JSON, the caller's. */
static enum err ask(struct req *rq, const struct bus_out *out, json_t **ret)
{
    auto_msg natsMsg *msg = NULL;
    TRY(bus_ask_wait(rq, out, &msg));
    *ret = json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), 0, NULL);
    return *ret != NULL ? OK : fail(rq, ERR_UNAVAILABLE, "%s: no JSON", out->subject);
}

/* 0: it is no error. */
static int code_of(const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    return error != NULL ? (int)json_integer_value(json_object_get(error, "err_code")) : 0;
}

static enum err refused(struct req *rq, const char *bucket, const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    const char *text = json_string_value(json_object_get(error, "description"));
    return fail(rq, ERR_UNAVAILABLE, "%s: %s", bucket, text != NULL ? text : "refused");
}

/* One question of JetStream's own API about the bucket, with one member. */
static enum err ask_stream(struct req *rq, const char *verb, const char *bucket, const char *body,
                           json_t **ret)
{
    const struct bus_out out = {
        .subject = arena_printf(&rq->arena, "$JS.API.STREAM.%s.KV_%s", verb, bucket),
        .body = body,
        .body_len = strlen(body),
    };
    return ask(rq, &out, ret);
}

static const char *subject_of(struct req *rq, const char *bucket, const char *key)
{
    return arena_printf(&rq->arena, "$KV.%s.%s", bucket, key);
}

/* ---- read ---- */

/* From the standard alphabet to the one we read. */
static bool decode(struct req *rq, const char *base64, struct bus_kv_entry *ret)
{
    size_t len = strcspn(base64, "=");
    char *text = arena_strndup(&rq->arena, base64, len);
    for (char *at = text; *at != '\0'; at++)
        if (*at == '+' || *at == '/')
            *at = *at == '+' ? '-' : '_';
    char *value = arena_alloc(&rq->arena, len + 1);
    ret->value = value;
    return base64url_decode(text, len, value, len, &ret->len);
}

enum err bus_kv_get(struct req *rq, const char *bucket, struct bus_kv_entry *ret)
{
    const char *body =
        arena_printf(&rq->arena, "{\"last_by_subj\":\"%s\"}", subject_of(rq, bucket, ret->key));
    auto_json json_t *answer = NULL;
    TRY(ask_stream(rq, "MSG.GET", bucket, body, &answer));
    const int code = code_of(answer);
    if (code != 0 && code != JSNoMessageFoundErr)
        return refused(rq, bucket, answer);
    *ret = (struct bus_kv_entry){.key = ret->key};
    if (code != 0)
        return OK;
    const json_t *message = json_object_get(answer, "message");
    const char *data = json_string_value(json_object_get(message, "data"));
    ret->revision = (uint64_t)json_integer_value(json_object_get(message, "seq"));
    if (data == NULL || *data == '\0')
        return OK;
    return decode(rq, data, ret) ? OK : fail(rq, ERR_INTERNAL, "%s: no base64", ret->key);
}

/* ---- write ---- */

/* A newer value of the key, should there be one already, stays. */
static void forget(struct req *rq, const char *bucket, const struct bus_kv_entry *e)
{
    const char *body =
        arena_printf(&rq->arena, "{\"filter\":\"%s\",\"seq\":%llu}", subject_of(rq, bucket, e->key),
                     (unsigned long long)e->revision + 1);
    auto_json json_t *answer = NULL;
    if (ask_stream(rq, "PURGE", bucket, body, &answer) != OK || code_of(answer) != 0)
        LOG(DEBUG, "bus.kv", KV("kept", e->key));
}

enum err bus_kv_put(struct req *rq, const char *bucket, struct bus_kv_entry *e)
{
    const bool is_any = e->revision == BUS_KV_ANY;
    char revision[U64_TEXT_SIZE];
    str_format_u64(e->revision, revision);
    const struct bus_head heads[] = {
        {"Nats-Expected-Last-Subject-Sequence", is_any ? NULL : revision       },
        {"KV-Operation",                        e->value == NULL ? "DEL" : NULL},
    };
    const struct bus_out out = {
        .subject = subject_of(rq, bucket, e->key),
        .heads = heads,
        .head_count = ARRAY_LEN(heads),
        .body = e->value,
        .body_len = e->value != NULL ? e->len : 0,
    };
    auto_json json_t *answer = NULL;
    TRY(ask(rq, &out, &answer));
    const int code = code_of(answer);
    if (code != 0)
        return code == JSStreamWrongLastSequenceErr ? ERR_CONFLICT : refused(rq, bucket, answer);
    e->revision = (uint64_t)json_integer_value(json_object_get(answer, "seq"));
    if (e->value == NULL)
        forget(rq, bucket, e);
    return OK;
}

/* ---- list ---- */

enum err bus_kv_keys(struct req *rq, const char *bucket, const char *pattern, size_t max,
                     struct list *ret)
{
    const char *prefix = subject_of(rq, bucket, "");
    const char *body = arena_printf(&rq->arena, "{\"subjects_filter\":\"%s%s\"}", prefix, pattern);
    auto_json json_t *answer = NULL;
    TRY(ask_stream(rq, "INFO", bucket, body, &answer));
    const int code = code_of(answer);
    if (code != 0)
        return code == JSStreamNotFoundErr ? ERR_GONE : refused(rq, bucket, answer);
    json_t *subjects = json_object_get(json_object_get(answer, "state"), "subjects");
    const char **keys = arena_new_n(&rq->arena, const char *, json_object_size(subjects) + 1);
    size_t count = 0;
    const char *subject;
    json_t *value;
    json_object_foreach(subjects, subject, value)
    {
        if (count == max)
            break;
        keys[count++] = arena_strdup(&rq->arena, subject + strlen(prefix));
    }
    *ret = (struct list){.items = keys, .count = count};
    return OK;
}
