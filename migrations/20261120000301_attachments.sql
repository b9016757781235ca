-- migrate:up

SELECT parley_frame('media');

-- One row, one file: MEDIA_ROOT/files/<two digits>/<id>. The row is there before the file and goes
-- after it, so no file is ever without its row.
CREATE TABLE media.attachments (
    id           bigint PRIMARY KEY,
    app_id       bigint NOT NULL,
    owner_id     bigint NOT NULL,
    filename     text   NOT NULL,
    content_type text   NOT NULL,
    size         bigint NOT NULL CHECK (size > 0),
    sha256       bytea  NOT NULL CHECK (length(sha256) = 32),
    width        int,
    height       int,
    created_at   timestamptz NOT NULL DEFAULT now(),
    unused_since timestamptz DEFAULT now(),  -- NULL while a message uses it
    deleted_at   timestamptz                 -- nobody gets it any more; the sweep removes it
);
-- The sweep of orphans, and of what was deleted.
CREATE INDEX attachments_unused ON media.attachments (unused_since)
    WHERE unused_since IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX attachments_deleted ON media.attachments (deleted_at) WHERE deleted_at IS NOT NULL;

-- Which messages use a file. Ends with the message, its channel or its server.
CREATE TABLE media.uses (
    attachment_id bigint NOT NULL REFERENCES media.attachments (id) ON DELETE CASCADE,
    message_id    bigint NOT NULL,
    channel_id    bigint NOT NULL,
    server_id     bigint NOT NULL,
    PRIMARY KEY (attachment_id, message_id)
);
CREATE INDEX uses_message ON media.uses (message_id);
CREATE INDEX uses_channel ON media.uses (channel_id);
CREATE INDEX uses_server ON media.uses (server_id);

-- Messages, channels and servers that are no more (their ids never collide). Kept longer than
-- events are, because the event of a use may come after that of its end.
CREATE TABLE media.gone (
    id      bigint PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    is_done boolean NOT NULL DEFAULT false   -- the uses in it have been ended
);
CREATE INDEX gone_due ON media.gone (at) WHERE NOT is_done;
CREATE INDEX gone_at ON media.gone USING brin (at);

-- migrate:down

DROP TABLE media.gone, media.uses, media.attachments;
SELECT parley_frame_drop('media');
