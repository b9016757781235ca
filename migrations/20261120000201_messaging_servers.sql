-- migrate:up

SELECT parley_frame('messaging');

-- The copy of auth's accounts that names authors and members, fed by user.* events. seq counts what
-- happens to the user here (joined, left, read).
CREATE TABLE messaging.users (
    id           bigint  NOT NULL PRIMARY KEY,
    app_id       bigint  NOT NULL,
    username     text    NOT NULL,
    display_name text,
    avatar_url   text,
    is_bot       boolean NOT NULL DEFAULT false,
    rev          bigint  NOT NULL,
    seq          bigint  NOT NULL DEFAULT 0,
    CONSTRAINT users_app UNIQUE (app_id, id)
) WITH (fillfactor = 80);

-- seq counts changes of structure; every one of them updates this row, in place (no index holds
-- what changes). A deleted server is invisible at once and removed by a job.
CREATE TABLE messaging.servers (
    id           bigint      NOT NULL PRIMARY KEY,
    app_id       bigint      NOT NULL,
    owner_id     bigint      NOT NULL,
    name         text        NOT NULL,
    description  text,
    is_public    boolean     NOT NULL DEFAULT false,
    member_count bigint      NOT NULL DEFAULT 0,
    seq          bigint      NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    deleted_at   timestamptz,
    CONSTRAINT servers_app UNIQUE (app_id, id),
    CONSTRAINT servers_owner FOREIGN KEY (app_id, owner_id) REFERENCES messaging.users (app_id, id)
) WITH (fillfactor = 50);
CREATE INDEX servers_deleted ON messaging.servers (deleted_at) WHERE deleted_at IS NOT NULL;

-- app_id twice referenced: nobody can be a member of another application's server.
CREATE TABLE messaging.members (
    server_id       bigint      NOT NULL,
    user_id         bigint      NOT NULL,
    app_id          bigint      NOT NULL,
    nickname        text,
    joined_at       timestamptz NOT NULL DEFAULT now(),
    timed_out_until timestamptz,
    rev             bigint      NOT NULL,
    PRIMARY KEY (server_id, user_id),
    CONSTRAINT members_server FOREIGN KEY (app_id, server_id) REFERENCES messaging.servers (app_id, id),
    CONSTRAINT members_user FOREIGN KEY (app_id, user_id) REFERENCES messaging.users (app_id, id)
);
CREATE INDEX members_by_user ON messaging.members (user_id, server_id);

-- The everyone role has the server's id and position 0.
CREATE TABLE messaging.roles (
    id             bigint  NOT NULL PRIMARY KEY,
    server_id      bigint  NOT NULL REFERENCES messaging.servers (id),
    name           text    NOT NULL,
    color          bigint  NOT NULL DEFAULT 0,
    permissions    bigint  NOT NULL,
    position       bigint  NOT NULL,
    is_hoisted     boolean NOT NULL DEFAULT false,
    is_mentionable boolean NOT NULL DEFAULT false,
    rev            bigint  NOT NULL,
    CONSTRAINT roles_server UNIQUE (server_id, id),
    CONSTRAINT roles_everyone CHECK ((id = server_id) = (position = 0))
);

CREATE TABLE messaging.member_roles (
    server_id bigint NOT NULL,
    user_id   bigint NOT NULL,
    role_id   bigint NOT NULL,
    PRIMARY KEY (server_id, user_id, role_id),
    FOREIGN KEY (server_id, user_id) REFERENCES messaging.members (server_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (server_id, role_id) REFERENCES messaging.roles (server_id, id) ON DELETE CASCADE
);
CREATE INDEX member_roles_by_role ON messaging.member_roles (server_id, role_id);

CREATE TABLE messaging.bans (
    server_id  bigint      NOT NULL REFERENCES messaging.servers (id),
    user_id    bigint      NOT NULL,
    actor_id   bigint      NOT NULL,
    reason     text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (server_id, user_id)
);

CREATE TABLE messaging.invites (
    code       text        NOT NULL PRIMARY KEY,
    server_id  bigint      NOT NULL REFERENCES messaging.servers (id),
    channel_id bigint,
    inviter_id bigint      NOT NULL,
    max_uses   bigint      NOT NULL DEFAULT 0,
    uses       bigint      NOT NULL DEFAULT 0,
    max_age    bigint      NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    CONSTRAINT invites_uses CHECK (max_uses = 0 OR uses <= max_uses)
);
CREATE INDEX invites_by_server ON messaging.invites (server_id, created_at DESC);

-- migrate:down

DROP TABLE messaging.invites, messaging.bans, messaging.member_roles, messaging.roles,
           messaging.members, messaging.servers, messaging.users;
SELECT parley_frame_drop('messaging');
