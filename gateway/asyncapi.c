/* SPDX-License-Identifier: MIT
 *
 * AsyncAPI 3 of the two places where messages flow: the WebSocket, with its frames, every event and
 * every endpoint as a command; and the bus, where an integrator reads the same events as
 * CloudEvents. Generated from the rows, the frames of the protocol itself are listed here.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gateway/contracts.h"
#include "gateway/documents.h"

enum { NAME_SIZE = 160 };

/* Frames that are neither events nor commands. Their fields are explained in REALTIME.md. */
static const struct {
    const char *op;
    bool is_ours; /* sent by the server */
    const char *text;
} frames[] = {
    {"hello",           true,  "The first frame: how often to send a heartbeat, and the protocol's version."},
    {"ready",           true,  "The whole state a client needs, after identify."                            },
    {"resumed",         true,  "The session goes on: how many frames were sent again."                      },
    {"invalid_session", true,  "The session cannot go on; identify anew."                                   },
    {"response",        true,  "The answer to a request, by its id."                                        },
    {"heartbeat_ack",   true,  "The answer to a heartbeat."                                                 },
    {"reconnect",       true,  "This gateway is about to stop: come back and resume."                       },
    {"identify",        false, "Sign in with a token, and say which families of events are wanted."         },
    {"resume",          false, "Go on with an earlier session, and with the same intents."                  },
    {"heartbeat",       false, "The client is alive and has received so many event frames."                 },
};

static json_t *frame_message(const char *op, const char *text, json_t *extra)
{
    json_t *payload = json_pack("{s:s, s:[s], s:{s:{s:s}, s:{s:s}}}", "type", "object", "required",
                                "op", "properties", "op", "const", op, "d", "type", "object");
    json_object_update(json_object_get(payload, "properties"), extra);
    json_decref(extra);
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", op, "title", op, "summary", text,
                     "contentType", "application/json", "payload", payload);
}

static json_t *event_frame(const json_t *event)
{
    json_t *message =
        frame_message("event", row_text(event, "text"),
                      json_pack("{s:{s:s}, s:o}", "t", "const", row_text(event, "name"), "d",
                                schema_ref(row_text(event, "shape"))));
    json_object_set_new(message, "name", json_string(row_text(event, "name")));
    json_object_set_new(message, "title", json_string(row_text(event, "name")));
    return message;
}

static json_t *command_frame(const json_t *row)
{
    json_t *message =
        frame_message("request", row_text(row, "text"),
                      json_pack("{s:{s:s}, s:{s:s}, s:{s:s}, s:o}", "id", "type", "string", "key",
                                "type", "string", "t", "const", row_text(row, "subject"), "d",
                                row_object(row, "schema")));
    json_object_set_new(message, "name", json_string(row_text(row, "subject")));
    json_object_set_new(message, "title", json_string(row_text(row, "subject")));
    return message;
}

static json_t *bus_message(const json_t *event)
{
    json_t *headers =
        json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s, s:s}}}", "type", "object",
                  "properties", "ce-specversion", "const", "1.0", "ce-id", "type", "string",
                  "ce-type", "type", "string", "ce-source", "type", "string", "ce-time", "type",
                  "string", "format", "date-time");
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "name", row_text(event, "name"), "title",
                     row_text(event, "name"), "summary", row_text(event, "text"), "contentType",
                     "application/json", "headers", headers, "payload",
                     schema_ref(row_text(event, "shape")));
}

/* Ids of components may not hold every character; a dot is not among the safe ones. */
static const char *key_of(char out[NAME_SIZE], const char *prefix, const char *name)
{
    snprintf(out, NAME_SIZE, "%s%s", prefix, name);
    for (char *at = out; *at != '\0'; at++)
        if (*at == '.')
            *at = '_';
    return out;
}

static bool is_for_clients(const json_t *event)
{
    return strcmp(row_text(event, "audience"), "instance") != 0;
}

/* ---- the document's parts, filled together ---- */

struct parts {
    json_t *messages; /* components.messages */
    json_t *socket;   /* messages of the socket's channel */
    json_t *sent;     /* references of what clients receive */
    json_t *received; /* references of what clients send */
    json_t *channels;
    json_t *operations;
};

static void add_to_socket(struct parts *p, const char *key, json_t *message, bool is_ours)
{
    json_object_set_new(p->messages, key, message);
    json_object_set_new(p->socket, key, json_pack("{s:s+}", "$ref", "#/components/messages/", key));
    json_array_append_new(is_ours ? p->sent : p->received,
                          json_pack("{s:s+}", "$ref", "#/channels/socket/messages/", key));
}

/* "message" of "message.create", each once. */
static json_t *families(const struct contracts *c)
{
    json_t *names = json_object(); /* a set */
    size_t i;
    json_t *event;
    json_array_foreach(c->events, i, event)
    {
        char name[NAME_SIZE];
        const char *whole = row_text(event, "name");
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(whole, "."), whole);
        json_object_set_new(names, name, json_null());
    }
    json_t *list = json_array();
    const char *name;
    json_t *nothing;
    json_object_foreach(names, name, nothing) json_array_append_new(list, json_string(name));
    json_decref(names);
    return list;
}

/* What of `d` is more than REALTIME.md's table of it says. */
static json_t *frame_extra(const char *op, const struct contracts *c)
{
    if (strcmp(op, "identify") != 0 && strcmp(op, "resume") != 0)
        return json_object();
    return json_pack("{s:{s:s, s:{s:{s:s}, s:{s:s, s:s, s:{s:s, s:o}}}}}", "d", "type", "object",
                     "properties", "token", "type", "string", "intents", "type", "array",
                     "description", "Families of events that are wanted; all when absent.", "items",
                     "type", "string", "enum", families(c));
}

static void add_frames(struct parts *p, const struct contracts *c)
{
    char key[NAME_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        add_to_socket(p, key_of(key, "frame_", frames[i].op),
                      frame_message(frames[i].op, frames[i].text, frame_extra(frames[i].op, c)),
                      frames[i].is_ours);
}

/* "evt.v1.*.s.*.c.*.message.create" with its stars named. */
static void name_stars(const char *subject, char out[NAME_SIZE], json_t *parameters)
{
    static const char *const names[] = {"application", "owner", "channel"};
    size_t star = 0;
    size_t len = 0;
    for (; *subject != '\0' && len < NAME_SIZE - 16; subject++) {
        if (*subject != '*' || star == ARRAY_LEN(names)) {
            out[len++] = *subject;
            continue;
        }
        const char *name = names[star++];
        len += (size_t)snprintf(out + len, NAME_SIZE - len, "{%s}", name);
        json_object_set_new(parameters, name,
                            json_pack("{s:s++}", "description", "Id of the ", name, "."));
    }
    out[len] = '\0';
}

static void add_bus_channel(struct parts *p, const json_t *event)
{
    char key[NAME_SIZE];
    char address[NAME_SIZE];
    json_t *parameters = json_object();
    name_stars(row_text(event, "subject"), address, parameters);
    key_of(key, "bus_", row_text(event, "name"));
    json_object_set_new(p->messages, key, bus_message(event));
    json_object_set_new(p->channels, key,
                        json_pack("{s:s, s:s, s:[{s:s}], s:o, s:{s:{s:s+}}}", "address", address,
                                  "description", row_text(event, "text"), "servers", "$ref",
                                  "#/servers/bus", "parameters", parameters, "messages", key,
                                  "$ref", "#/components/messages/", key));
    json_object_set_new(p->operations, key,
                        json_pack("{s:s, s:{s:s+}, s:s, s:s}", "action", "send", "channel", "$ref",
                                  "#/channels/", key, "summary", row_text(event, "text"),
                                  "description", row_text(event, "text")));
}

static void add_events(struct parts *p, const struct contracts *c)
{
    char key[NAME_SIZE];
    size_t i;
    json_t *event;
    json_array_foreach(c->events, i, event)
    {
        if (is_for_clients(event))
            add_to_socket(p, key_of(key, "event_", row_text(event, "name")), event_frame(event),
                          true);
        add_bus_channel(p, event);
    }
}

static void add_commands(struct parts *p, const struct contracts *c)
{
    char key[NAME_SIZE];
    size_t i;
    json_t *row;
    json_array_foreach(c->routes, i, row)
    {
        if (strcmp(row_text(row, "mode"), "raw") != 0)
            add_to_socket(p, key_of(key, "request_", row_text(row, "subject")), command_frame(row),
                          false);
    }
}

static void add_socket(struct parts *p)
{
    json_object_set_new(p->channels, "socket",
                        json_pack("{s:s, s:s, s:[{s:s}], s:o}", "address", "/ws", "description",
                                  "One connection of a client: events out, commands in.", "servers",
                                  "$ref", "#/servers/gateway", "messages", p->socket));
    json_object_set_new(p->operations, "socket_send",
                        json_pack("{s:s, s:{s:s}, s:s, s:s, s:o}", "action", "send", "channel",
                                  "$ref", "#/channels/socket", "summary", "What the server sends.",
                                  "description", "The protocol's own frames and every event.",
                                  "messages", p->sent));
    json_object_set_new(p->operations, "socket_receive",
                        json_pack("{s:s, s:{s:s}, s:s, s:s, s:o}", "action", "receive", "channel",
                                  "$ref", "#/channels/socket", "summary", "What clients send.",
                                  "description",
                                  "The protocol's own frames and every endpoint as a command.",
                                  "messages", p->received));
}

static json_t *payload_schemas(const struct contracts *c)
{
    json_t *schemas = json_object();
    size_t i;
    json_t *event;
    json_array_foreach(c->events, i, event)
        json_object_set_new(schemas, row_text(event, "shape"), row_object(event, "schema"));
    return schemas;
}

int print_asyncapi(int count, char **files)
{
    struct contracts c;
    struct parts p = {json_object(), json_object(), json_array(),
                      json_array(),  json_object(), json_object()};
    if (!contracts_load(&c, count, files))
        return 1;
    add_frames(&p, &c);
    add_events(&p, &c);
    add_commands(&p, &c);
    add_socket(&p);
    json_t *info = json_pack("{s:s, s:s, s:s, s:{s:s}, s:{s:s}, s:[{s:s}, {s:s}]}", "title",
                             "Parley realtime", "version", "1", "description",
                             "The WebSocket protocol of clients and the events on the bus.",
                             "license", "name", "MIT", "contact", "name", "The Parley authors",
                             "tags", "name", "websocket", "name", "bus");
    json_t *servers = json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}", "gateway", "host",
                                "localhost", "protocol", "ws", "description", "Clients.", "bus",
                                "host", "localhost", "protocol", "nats", "description",
                                "Integrators, by durable consumers of the stream EVENTS.");
    json_t *document =
        json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:{s:o, s:o}}", "asyncapi", "3.0.0", "info", info,
                  "defaultContentType", "application/json", "servers", servers, "channels",
                  p.channels, "operations", p.operations, "components", "messages", p.messages,
                  "schemas", payload_schemas(&c));
    contracts_done(&c);
    return document_print(document);
}
