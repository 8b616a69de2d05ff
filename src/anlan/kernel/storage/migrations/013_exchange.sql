-- Imports: what was brought in, so that it can be told and taken back.
CREATE TABLE import_run (
    id uuid PRIMARY KEY,
    form text NOT NULL,
    file_name text NOT NULL,
    key text,                              -- the caller's: the same key is the same import
    owner uuid NOT NULL,
    at timestamptz NOT NULL,
    created integer NOT NULL DEFAULT 0,
    updated integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    faults json NOT NULL DEFAULT '[]',
    undone_at timestamptz,
    undone_by uuid
);
CREATE UNIQUE INDEX import_run_key ON import_run (owner, key) WHERE key IS NOT NULL;
CREATE INDEX import_run_form ON import_run (form, id DESC);      -- the list of a form's imports

CREATE TABLE import_record (
    run uuid NOT NULL REFERENCES import_run (id),
    record uuid NOT NULL,
    version bigint NOT NULL,               -- as the import left it: another one means that somebody changed it since
    created boolean NOT NULL,
    PRIMARY KEY (run, record)
);

-- Which field a user chose for a header, for the next file of the same kind.
CREATE TABLE import_column (
    owner uuid NOT NULL,
    form text NOT NULL,
    header text NOT NULL,                  -- normalised
    path text NOT NULL,                    -- '' for "not wanted"
    at timestamptz NOT NULL,
    PRIMARY KEY (owner, form, header)
);
