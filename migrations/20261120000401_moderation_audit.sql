-- migrate:up

SELECT parley_frame('moderation');

-- One row an act, kept because of one event: that event delivered again changes nothing. Ids are
-- given in the order events arrive, so a page read downwards misses none that was there.
CREATE TABLE moderation.audit_entries (
    id         bigint      NOT NULL PRIMARY KEY,
    event_id   text        NOT NULL,
    app_id     bigint      NOT NULL,
    server_id  bigint      NOT NULL,
    channel_id bigint,
    actor_id   bigint      NOT NULL,
    target_id  bigint,
    action     text        NOT NULL,
    reason     text,
    changes    json        NOT NULL,
    at         timestamptz NOT NULL,
    CONSTRAINT audit_entries_event UNIQUE (event_id)
);
-- A page of a server's log, newest first; filters are few rows of it.
CREATE INDEX audit_entries_by_server ON moderation.audit_entries (app_id, server_id, id DESC);

-- migrate:down

DROP TABLE moderation.audit_entries;
SELECT parley_frame_drop('moderation');
