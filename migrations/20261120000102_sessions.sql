-- migrate:up

-- A session is a device that signed in, and the family of all refresh tokens it was ever given.
-- Only hashes are kept. The row outlives its end for a while: gateways ask what was revoked.
CREATE TABLE auth.sessions (
    id bigint PRIMARY KEY,
    app_id bigint NOT NULL,
    user_id bigint NOT NULL,
    refresh_hash bytea NOT NULL,
    ip text,
    agent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT sessions_refresh_hash_key UNIQUE (refresh_hash),
    FOREIGN KEY (app_id, user_id) REFERENCES auth.users (app_id, id) ON DELETE CASCADE
) WITH (fillfactor = 80);
-- The device list, and what a password change ends.
CREATE INDEX sessions_live ON auth.sessions (user_id, last_used_at) WHERE revoked_at IS NULL;
-- For "revoked since".
CREATE INDEX sessions_revoked_at ON auth.sessions (revoked_at) WHERE revoked_at IS NOT NULL;
-- For the purge.
CREATE INDEX sessions_expires_at ON auth.sessions (expires_at);

-- Tokens already exchanged: one that comes back was stolen, from us or by us.
CREATE TABLE auth.used_refresh_tokens (
    hash bytea PRIMARY KEY,
    session_id bigint NOT NULL REFERENCES auth.sessions (id) ON DELETE CASCADE,
    used_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX used_refresh_tokens_session_id ON auth.used_refresh_tokens (session_id);
CREATE INDEX used_refresh_tokens_used_at ON auth.used_refresh_tokens USING brin (used_at);

-- Tickets live for seconds and may be lost in a crash, so nothing waits for the disk. No foreign
-- key: it would lock, and thereby write, the session's row; redeeming looks at the session anyway.
CREATE UNLOGGED TABLE auth.tickets (
    hash bytea PRIMARY KEY,
    session_id bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

-- migrate:down

DROP TABLE auth.tickets;
DROP TABLE auth.used_refresh_tokens;
DROP TABLE auth.sessions;
