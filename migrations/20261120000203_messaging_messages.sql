-- migrate:up

-- seq is the message's number in its channel, rev that of its last change; both are taken from the
-- channel's counter under the channel's row lock, which is also why no foreign key to the channel is
-- needed. Ids grow with seq within a channel. created_at is in the id. content is NULL once a
-- deleted message has been purged.
CREATE TABLE messaging.messages (
    channel_id       bigint  NOT NULL,
    id               bigint  NOT NULL,
    author_id        bigint  NOT NULL,
    seq              bigint  NOT NULL,
    rev              bigint  NOT NULL,
    reply_to         bigint,
    edited_at        timestamptz,
    deleted_at       timestamptz,
    mention_everyone boolean NOT NULL DEFAULT false,
    mentions         bigint[],
    mention_roles    bigint[],
    content          text,
    attachments      jsonb,
    PRIMARY KEY (channel_id, id)                        -- history
);
-- sync; and, because no two changes of a channel have one number, a proof of it.
CREATE UNIQUE INDEX messages_rev ON messaging.messages (channel_id, rev);
-- Everything somebody said: bans that delete, erasure of accounts.
CREATE INDEX messages_author ON messaging.messages (author_id, id);
-- Mention badges: of a channel only what mentions anybody.
CREATE INDEX messages_mentioning ON messaging.messages (channel_id, seq)
    WHERE mentions IS NOT NULL OR mention_roles IS NOT NULL OR mention_everyone;
-- The purge of what was deleted long ago.
CREATE INDEX messages_buried ON messaging.messages (deleted_at)
    WHERE deleted_at IS NOT NULL AND content IS NOT NULL;

-- migrate:down

DROP TABLE messaging.messages;
