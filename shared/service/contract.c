/* SPDX-License-Identifier: MIT
 *
 * Prints the tables. An event is one of this service when its payload's shape is linked into this
 * binary: the declarations below are weak, so the shapes of other services are simply NULL here.
 */
#include "shared/service/contract.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/heap.h"
#include "shared/service/listen.h"
#include "shared/wire/json.h"

#define EVENT(id, name, audience, keeping, effect, perm, payload, text) \
    extern const struct shape payload##_shape __attribute__((weak));
#include "shared/wire/events.def"
#undef EVENT

static const struct shape *const payloads[EVENT_COUNT] = {
#define EVENT(id, name, audience, keeping, effect, perm, payload, text) \
    [EV_##id] = &payload##_shape,
#include "shared/wire/events.def"
#undef EVENT
};

const struct shape *event_payload(enum event_id ev)
{
    return payloads[ev];
}

static const char *const guard_words[] = {
    [GUARD_PUBLIC] = "public", [GUARD_USER] = "user",       [GUARD_ADMIN] = "admin",
    [GUARD_SERVER] = "server", [GUARD_CHANNEL] = "channel", [GUARD_SERVICE] = "service",
};
static const char *const mode_words[] = {
    [MODE_READ] = "read", [MODE_WRITE] = "write", [MODE_SECRET] = "secret",
    [MODE_CALL] = "call", [MODE_BATCH] = "batch", [MODE_RAW] = "raw",
};
static const char *const output_words[] = {
    [OUTPUT_NOTHING] = "nothing",
    [OUTPUT_ONE] = "one",
    [OUTPUT_MANY] = "many",
};
static const char *const audience_words[] = {
    [AUDIENCE_CHANNEL] = "channel",
    [AUDIENCE_SERVER] = "server",
    [AUDIENCE_USER] = "user",
    [AUDIENCE_INSTANCE] = "instance",
};

/* ,"key":"value" or ,"key":null; the first member of an object has no comma. */
static void put(struct buf *out, const char *key, const char *value)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        buf_addc(out, ',');
    buf_printf(out, "\"%s\":", key);
    if (value == NULL)
        buf_adds(out, "null");
    else
        buf_json_str(out, value, strlen(value));
}

static const char *shape_name(const struct shape *sh)
{
    return sh == NULL ? NULL : sh->name;
}

static void put_route(struct buf *out, const struct rpc *r)
{
    buf_addc(out, '{');
    put(out, "subject", r->subject);
    put(out, "method", r->method);
    put(out, "path", r->path);
    put(out, "guard", guard_words[r->guard]);
    put(out, "permission", r->permission == 0 ? NULL : permission_name(r->permission));
    put(out, "mode", mode_words[r->mode]);
    put(out, "rate", rate_class_names[r->rate]);
    buf_printf(out, ",\"status\":%d", r->status);
    put(out, "output", output_words[r->output]);
    put(out, "entity", shape_name(r->entity));
    put(out, "input", shape_name(r->input));
    put(out, "text", r->text);
    buf_addc(out, '}');
}

/* Was this shape the input (or entity) of an earlier row? */
static bool is_repeated(const struct rpc_table *t, size_t at, bool is_input)
{
    const struct shape *sh = is_input ? t->rows[at].input : t->rows[at].entity;
    for (size_t i = 0; i < at; i++)
        if ((is_input ? t->rows[i].input : t->rows[i].entity) == sh)
            return true;
    return false;
}

static void put_schemas(struct buf *out, const struct rpc_table *t, bool is_input)
{
    bool is_first = true;
    buf_printf(out, ",\n\"%s\":{", is_input ? "inputs" : "entities");
    for (size_t i = 0; i < t->count; i++) {
        const struct shape *sh = is_input ? t->rows[i].input : t->rows[i].entity;
        if (sh == NULL || is_repeated(t, i, is_input))
            continue;
        buf_printf(out, "%s\n\"%s\":", is_first ? "" : ",", sh->name);
        shape_schema(sh, is_input, out);
        is_first = false;
    }
    buf_adds(out, "}");
}

static void put_routes(const struct service *s, struct buf *out)
{
    buf_addc(out, '{');
    put(out, "service", s->name);
    buf_adds(out, ",\"routes\":[");
    for (size_t i = 0; i < s->api->count; i++) {
        buf_adds(out, i > 0 ? ",\n" : "\n");
        put_route(out, &s->api->rows[i]);
    }
    buf_addc(out, ']');
    put_schemas(out, s->api, true);
    put_schemas(out, s->api, false);
    buf_adds(out, "}\n");
}

static void put_event(struct buf *out, enum event_id ev)
{
    const struct event_type *type = &event_types[ev];
    char subject[LISTEN_SUBJECT_SIZE];
    listen_subject(ev, subject);
    buf_addc(out, '{');
    put(out, "name", type->name);
    put(out, "subject", subject);
    put(out, "audience", audience_words[type->audience]);
    put(out, "keeping", type->keeping == DURABLE ? "durable" : "fleeting");
    put(out, "shape", type->shape);
    put(out, "text", type->text);
    buf_adds(out, ",\"schema\":");
    shape_schema(payloads[ev], false, out);
    buf_addc(out, '}');
}

static void put_heard(struct buf *out, const struct service *s, const struct listen *l)
{
    bool is_durable = event_types[l->event].keeping == DURABLE;
    char durable[LISTEN_SUBJECT_SIZE];
    snprintf(durable, sizeof(durable), "%s_%s", s->subject, l->name);
    buf_addc(out, '{');
    put(out, "name", event_types[l->event].name);
    put(out, "handler", l->name);
    put(out, "durable", is_durable ? durable : NULL);
    buf_addc(out, '}');
}

static void put_events(const struct service *s, struct buf *out)
{
    const char *before = "\n";
    buf_addc(out, '{');
    put(out, "service", s->name);
    buf_adds(out, ",\"emits\":[");
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        if (payloads[i] == NULL)
            continue;
        buf_adds(out, before);
        put_event(out, (enum event_id)i);
        before = ",\n";
    }
    buf_adds(out, "],\n\"hears\":[");
    before = "\n";
    for (const struct listen *l = s->hears; l != NULL && l->call != NULL; l++) {
        buf_adds(out, before);
        put_heard(out, s, l);
        before = ",\n";
    }
    buf_adds(out, "]}\n");
}

static void put_settings(const struct service *s, struct buf *out UNUSED)
{
    size_t count;
    struct conf_key *keys = service_all_keys(s, &count);
    conf_print(keys, count, CONF_JSON, stdout);
    free(keys);
}

static void put_statements(const struct service *s UNUSED, struct buf *out)
{
    buf_addc(out, '[');
    for (size_t i = 0; i < stmt_count(); i++) {
        buf_adds(out, i > 0 ? ",\n{" : "\n{");
        put(out, "name", stmt_at(i)->name);
        put(out, "sql", stmt_at(i)->sql);
        buf_addc(out, '}');
    }
    buf_adds(out, "]\n");
}

int contract_print(const struct service *s, const char *option)
{
    static const struct {
        const char *option;
        void (*put)(const struct service *s, struct buf *out);
    } tables[] = {
        {"--routes",     put_routes    },
        {"--events",     put_events    },
        {"--settings",   put_settings  },
        {"--statements", put_statements},
    };
    auto_buf struct buf out = {0};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (strcmp(tables[i].option, option) != 0)
            continue;
        tables[i].put(s, &out);
        fputs(buf_str(&out), stdout);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "usage: %s [--routes | --events | --settings | --statements]\n", s->name);
    return EXIT_FAILURE;
}
