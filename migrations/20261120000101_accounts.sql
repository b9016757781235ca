-- migrate:up

SELECT parley_frame('auth');

-- A tenant. Users and servers belong to exactly one; the default one is always 1.
CREATE TABLE auth.applications (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX applications_name_key ON auth.applications (lower(name));
INSERT INTO auth.applications (id, name) VALUES (1, 'Parley');

-- What an administrator changes while the instance runs: one row.
CREATE TABLE auth.instance (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name text NOT NULL DEFAULT 'Parley',
    registration_open boolean NOT NULL DEFAULT true,
    read_only boolean NOT NULL DEFAULT false,
    slow_mode int NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO auth.instance DEFAULT VALUES;

CREATE TABLE auth.users (
    id bigint PRIMARY KEY,
    app_id bigint NOT NULL,
    username text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    display_name text,
    avatar_url text,
    bio text,
    status_text text,
    is_admin boolean NOT NULL DEFAULT false,
    is_bot boolean NOT NULL DEFAULT false,
    rev bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_app_id_fkey FOREIGN KEY (app_id) REFERENCES auth.applications (id),
    -- What belongs to a user refers to both, so that it can never be another application's.
    UNIQUE (app_id, id)
);
-- Names and addresses are unique whatever their case; log-in looks here.
CREATE UNIQUE INDEX users_username_key ON auth.users (app_id, lower(username));
CREATE UNIQUE INDEX users_email_key ON auth.users (app_id, lower(email));
-- For the first administrator: is there one?
CREATE INDEX users_is_admin ON auth.users (id) WHERE is_admin;

-- migrate:down

DROP TABLE auth.users;
DROP TABLE auth.instance;
DROP TABLE auth.applications;
SELECT parley_frame_drop('auth');
