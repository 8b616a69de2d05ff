-- A job may be asked to stop; a run of an import keeps its file and how it was taken, to be looked at again.
ALTER TABLE outbox ADD COLUMN stop_at timestamptz;
ALTER TABLE import_run ADD COLUMN file uuid;
ALTER TABLE import_run ADD COLUMN job uuid;

-- An import that is not finished: what was chosen and put right so far, for its page to go on from.
CREATE TABLE import_draft (
    file uuid PRIMARY KEY,
    owner uuid NOT NULL,
    form text NOT NULL,
    paths json NOT NULL,
    ways json NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX import_draft_owner ON import_draft (owner, form, at DESC);      -- what somebody has not finished
