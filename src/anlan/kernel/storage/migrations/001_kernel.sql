-- The kernel's own tables. Business tables are made from the catalogue.

-- One row: every write reads it in its first round trip, so a stale process notices (kernel/catalogue, kernel/site).
CREATE TABLE site_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    catalogue bigint NOT NULL DEFAULT 0,
    settings bigint NOT NULL DEFAULT 0,
    masters bigint NOT NULL DEFAULT 0,
    epoch uuid NOT NULL,
    mode text NOT NULL DEFAULT 'live' CHECK (mode IN ('live', 'rehearsal'))
);

-- Published snapshots of all definitions, as json: jsonb would reorder keys.
CREATE TABLE catalogue_version (
    version bigint PRIMARY KEY,
    published_at timestamptz NOT NULL,
    published_by uuid,
    comment text,
    definitions json NOT NULL
);

-- What the company changed on top of the packs, and what somebody is changing now.
CREATE TABLE overlay (
    kind text NOT NULL,
    name text NOT NULL,
    owner uuid NOT NULL,                   -- the zero id: published; a user: his draft
    content json NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (owner, kind, name)
);

-- The first name of every column: a renamed field keeps its column.
CREATE TABLE physical_name (
    owner text NOT NULL,                   -- a form, or form.lines
    key text NOT NULL,
    column_name text NOT NULL,
    retired_at timestamptz,
    PRIMARY KEY (owner, key)
);

-- Everything that happened to records: audit, trail and comments in one append-only table.
CREATE TABLE event (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record uuid,
    form text NOT NULL,
    kind text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor uuid,
    via text NOT NULL,
    changes json,
    comment text,
    request_id text,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX event_record ON event (record, seq DESC);   -- the trail of one record
CREATE INDEX event_actor ON event (actor, seq DESC);     -- what somebody worked on last
CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are only added' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only();

-- Every record of every form: what references, global search and related documents use.
CREATE TABLE record_index (
    id uuid PRIMARY KEY,
    form text NOT NULL,
    company uuid,
    code text,
    title text,
    state text,
    tokens tsvector,
    updated_at timestamptz NOT NULL
);
CREATE INDEX record_index_tokens ON record_index USING gin (tokens);
CREATE INDEX record_index_code ON record_index (form, code);

-- Which record was made from which.
CREATE TABLE record_link (
    source uuid NOT NULL,
    target uuid NOT NULL,
    relation text NOT NULL,
    source_form text NOT NULL,
    target_form text NOT NULL,
    PRIMARY KEY (source, target, relation)
);
CREATE INDEX record_link_target ON record_link (target);

-- Gap-free numbers; merely unique ones come from sequences.
CREATE TABLE counter (
    name text PRIMARY KEY,
    n bigint NOT NULL
);

-- Answers to POST under an Idempotency-Key, kept for a day.
CREATE TABLE idempotency (
    owner uuid NOT NULL,
    key text NOT NULL,
    body bytea NOT NULL,
    status integer NOT NULL,
    answer json,
    headers json,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);   -- the sweep of old answers

-- Deleted drafts, whole, until they are restored or purged.
CREATE TABLE recycle_bin (
    id uuid PRIMARY KEY,
    form text NOT NULL,
    deleted_at timestamptz NOT NULL,
    deleted_by uuid,
    content json NOT NULL
);

-- Values that did not convert when a column's type changed: kept, never lost.
CREATE TABLE retired_value (
    table_name text NOT NULL,
    column_name text NOT NULL,
    id uuid NOT NULL,
    value text NOT NULL,
    retired_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX retired_value_place ON retired_value (table_name, column_name, id);
