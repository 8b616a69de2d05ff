-- The sealed chain of events (kernel/audit). Writers of events never touch these tables.

-- One row a sealed event, in the order of sealing: its digest, and the hash that chains it to the one before.
CREATE TABLE event_seal (
    position bigint PRIMARY KEY,
    seq bigint NOT NULL UNIQUE,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32)
);

-- One row a run of the sealer: the chain's end, and what the next run need not look at again.
CREATE TABLE event_seal_head (
    position bigint PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    horizon xid8 NOT NULL,                  -- every event before (horizon, horizon_seq), or at it, is sealed
    horizon_seq bigint NOT NULL,
    cluster bigint NOT NULL,                -- transaction ids are comparable only within one cluster
    sealed_at timestamptz NOT NULL
);

CREATE TRIGGER event_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_seal
    FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only();
CREATE TRIGGER event_seal_head_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_seal_head
    FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only();

-- The sealer asks for events by transaction: by seq it would miss one that was numbered early and committed late.
CREATE INDEX event_xid ON event (xid, seq);
