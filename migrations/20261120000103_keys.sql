-- migrate:up

-- Keys of integrators: each acts as the administrator who made it, within its scopes.
CREATE TABLE auth.api_keys (
    id bigint PRIMARY KEY,
    app_id bigint NOT NULL,
    user_id bigint NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL,
    scopes text[] NOT NULL CHECK (scopes <@ '{read,write,admin}'),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_keys_hash_key UNIQUE (hash),
    FOREIGN KEY (app_id, user_id) REFERENCES auth.users (app_id, id) ON DELETE CASCADE
);
-- The list, and the count the limit looks at.
CREATE INDEX api_keys_live ON auth.api_keys (app_id, id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_revoked_at ON auth.api_keys (revoked_at) WHERE revoked_at IS NOT NULL;

-- What signs access tokens: the newest signs, the newest few verify. No other role reads this schema.
CREATE TABLE auth.signing_keys (
    key_id text PRIMARY KEY,
    private_pem text NOT NULL,
    public_jwk json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down

DROP TABLE auth.signing_keys;
DROP TABLE auth.api_keys;
