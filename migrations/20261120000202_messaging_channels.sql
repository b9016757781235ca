-- migrate:up

-- seq counts what happens to the channel's messages: every send updates this row, in place (hence
-- the room left in each page, and no index on what changes).
CREATE TABLE messaging.channels (
    id              bigint  NOT NULL PRIMARY KEY,
    server_id       bigint  NOT NULL REFERENCES messaging.servers (id),
    type            text    NOT NULL CHECK (type IN ('text', 'voice', 'announcement', 'category')),
    name            text    NOT NULL,
    topic           text,
    parent_id       bigint,
    position        bigint  NOT NULL DEFAULT 0,
    is_locked       boolean NOT NULL DEFAULT false,
    slow_mode       bigint  NOT NULL DEFAULT 0,
    is_nsfw         boolean NOT NULL DEFAULT false,
    seq             bigint  NOT NULL DEFAULT 0,
    last_message_id bigint  NOT NULL DEFAULT 0,
    rev             bigint  NOT NULL,
    CONSTRAINT channels_server UNIQUE (server_id, id),
    CONSTRAINT channels_parent FOREIGN KEY (server_id, parent_id)
        REFERENCES messaging.channels (server_id, id),
    CONSTRAINT channels_flat CHECK (type <> 'category' OR parent_id IS NULL)
) WITH (fillfactor = 50);

CREATE TABLE messaging.overwrites (
    channel_id bigint NOT NULL REFERENCES messaging.channels (id) ON DELETE CASCADE,
    target_id  bigint NOT NULL,
    type       text   NOT NULL CHECK (type IN ('role', 'member')),
    allow      bigint NOT NULL,
    deny       bigint NOT NULL,
    PRIMARY KEY (channel_id, target_id)
);
CREATE INDEX overwrites_by_target ON messaging.overwrites (target_id);

-- How far somebody has read. Not bound to the channel: a position of a channel that is gone is
-- harmless and removed with its messages.
CREATE TABLE messaging.read_states (
    user_id       bigint NOT NULL,
    channel_id    bigint NOT NULL,
    last_read_seq bigint NOT NULL,
    PRIMARY KEY (user_id, channel_id)
) WITH (fillfactor = 80);
CREATE INDEX read_states_by_channel ON messaging.read_states (channel_id);

-- Slow mode: before this moment the user may not send to the channel again.
CREATE TABLE messaging.slow_turns (
    channel_id bigint      NOT NULL,
    user_id    bigint      NOT NULL,
    next_at    timestamptz NOT NULL,
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX slow_turns_over ON messaging.slow_turns (next_at);

-- Channels that are gone and whose messages a job removes.
CREATE TABLE messaging.buried_channels (
    channel_id bigint      NOT NULL PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now()
);

-- migrate:down

DROP TABLE messaging.buried_channels, messaging.slow_turns, messaging.read_states,
           messaging.overwrites, messaging.channels;
