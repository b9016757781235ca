-- migrate:up

-- One schema and one login role per service; no service reads another's schema. The role gets no
-- password here: a private stack trusts its socket, a real installation sets one (deploy/README.md).
-- Called by the first migration of every service that keeps rows.
CREATE FUNCTION parley_service(service text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    role text := 'parley_' || service;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', role);
    END IF;
    EXECUTE format('CREATE SCHEMA %I', service);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service, role);
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %I',
                   role, current_database(), service);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I'
                   ' GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', service, role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I'
                   ' GRANT USAGE, SELECT ON SEQUENCES TO %I', service, role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I'
                   ' GRANT EXECUTE ON FUNCTIONS TO %I', service, role);
END
$$;

-- Undoes parley_service, once the schema is empty. The role may still serve another database of
-- the cluster; then it stays.
CREATE FUNCTION parley_service_drop(service text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    role text := 'parley_' || service;
BEGIN
    EXECUTE format('DROP SCHEMA %I', service);
    EXECUTE format('DROP OWNED BY %I', role);
    BEGIN
        EXECUTE format('DROP ROLE %I', role);
    EXCEPTION WHEN dependent_objects_still_exist THEN
        RAISE NOTICE 'role % is in use elsewhere and stays', role;
    END;
END
$$;

-- The two tables behind every write: events that wait for the bus, and answers kept so that a
-- repeated request is not carried out twice.
CREATE FUNCTION parley_frame(service text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Ids are made by the service, so that the row travels with COMMIT. Rows live for milliseconds:
    -- vacuum by count, not by share of the table.
    EXECUTE format('CREATE TABLE %I.outbox ('
                   ' id bigint PRIMARY KEY,'
                   ' at timestamptz NOT NULL DEFAULT now(),'
                   ' events text NOT NULL)'
                   ' WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)',
                   service);
    EXECUTE format('CREATE TABLE %I.idempotency ('
                   ' actor bigint NOT NULL,'
                   ' key text NOT NULL,'
                   ' subject text NOT NULL,'
                   ' status int,'
                   ' body text,'
                   ' at timestamptz NOT NULL DEFAULT now(),'
                   ' PRIMARY KEY (actor, key))', service);
    -- For the purge of keys older than a day; rows arrive in time order, so BRIN costs next to nothing.
    EXECUTE format('CREATE INDEX idempotency_at ON %I.idempotency USING brin (at)', service);
END
$$;

CREATE FUNCTION parley_frame_drop(service text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TABLE %I.outbox, %I.idempotency', service, service);
END
$$;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END
$$;

SELECT parley_service('auth');
SELECT parley_service('messaging');
SELECT parley_service('media');
SELECT parley_service('moderation');

-- migrate:down

SELECT parley_service_drop('moderation');
SELECT parley_service_drop('media');
SELECT parley_service_drop('messaging');
SELECT parley_service_drop('auth');
DROP FUNCTION parley_frame_drop(text);
DROP FUNCTION parley_frame(text);
DROP FUNCTION parley_service_drop(text);
DROP FUNCTION parley_service(text);
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END
$$;
