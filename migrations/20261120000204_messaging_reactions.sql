-- migrate:up

-- Who gave a message which emoji. A row stays when the reaction is taken back: rev is the number of
-- its last change, so what happened since a number can be told. Counts are kept with the message, in
-- the order in which its emoji were first used: [{"emoji": "👍", "count": 3}]; NULL when there are
-- none. Both change under the channel's row lock.
CREATE TABLE messaging.reactions (
    channel_id bigint NOT NULL,
    message_id bigint NOT NULL,
    user_id    bigint NOT NULL,
    emoji      text   NOT NULL,
    rev        bigint NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (channel_id, message_id, user_id, emoji)
);
-- What changed since a number.
CREATE UNIQUE INDEX reactions_rev ON messaging.reactions (channel_id, rev);

ALTER TABLE messaging.messages ADD COLUMN reactions jsonb;

-- migrate:down

ALTER TABLE messaging.messages DROP COLUMN reactions;
DROP TABLE messaging.reactions;
